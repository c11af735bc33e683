"""Pictures: from a video file to the numbers that a backbone gives for its sampled frames.

In: a video file and a `Recipe`.
Out: features of the pictures at fixed times, or the pictures themselves as JPEGs in a zip.
Read first: `recording.py` (what a file is), `decoding.py` (which picture a time shows), then `recipe.py`.

Public: `half_video` (`files.py`), `sampled_pictures`, `video_features` (`extractor.py`), `open_backbone`
(`backbones.py`).
"""
