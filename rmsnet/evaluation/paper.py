"""The paper's own numbers, to stand beside ours. Average-mAP in [0, 1] on SoccerNet, ResNet-152 PCA features.

A pair is (validation, test).
"""

TABLE_II = (
    ("SoccerNet baseline, 5 s", None, 0.345),
    ("SoccerNet baseline, 60 s", None, 0.406),
    ("SoccerNet baseline, 20 s", None, 0.497),
    ("Vanderplaetse et al., 20 s, audio too", None, 0.560),
    ("Vats et al., 15 s", None, 0.601),
    ("Cioppa et al., 120 s", None, 0.625),
)
"""What others reached, as the paper quotes it."""

TABLE_III = {
    "full": (0.678, 0.655),
    "no-masking": (0.665, 0.640),
    "no-regression": (0.585, 0.557),
    "no-uniform-offsets": (0.487, 0.462),
}

TABLE_IV = {
    (1 / 5, 0.5): (0.668, 0.646),
    (1 / 4, 0.5): (0.670, 0.644),
    (1 / 3, 0.5): (0.678, 0.655),
    (1 / 2, 0.5): (0.671, 0.644),
    (1.0, 0.5): (0.647, 0.607),
    (1 / 3, 0.1): (0.655, 0.634),
    (1 / 3, 0.25): (0.674, 0.647),
    (1 / 3, 0.75): (0.665, 0.640),
    (1 / 3, 1.0): (0.647, 0.626),
}
"""(p, q), masking before the event."""

TABLE_V = {
    (1 / 5, 0.5): (0.652, 0.625),
    (1 / 4, 0.5): (0.646, 0.629),
    (1 / 3, 0.5): (0.638, 0.618),
    (1 / 2, 0.5): (0.614, 0.607),
    (1.0, 0.5): (0.541, 0.541),
}
"""(p, q), masking after the event."""

TABLE_VI = {
    "resnet18": (0.738, 0.709),
    "resnet50": (0.766, 0.749),
    "resnet152": (0.775, 0.751),
}
"""Fine-tuned backbone."""
