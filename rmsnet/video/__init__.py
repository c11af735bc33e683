"""From a video file to features: decoding, preprocessing, backbone, PCA, and the recipe that records all of them."""
