"""The paper's own numbers, to stand beside ours. Average-mAP in [0, 1] on SoccerNet, ResNet-152 PCA features."""

TABLE_III = {
    "full": (0.678, 0.655),
    "no-masking": (0.665, 0.640),
    "no-regression": (0.585, 0.557),
    "no-uniform-offsets": (0.487, 0.462),
}
"""Variant: (validation, test). Paper, Table III."""
