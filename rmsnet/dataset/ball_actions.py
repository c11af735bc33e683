"""The classes of SoccerNet's ball action spotting, in the order of its class list.

Source: the public code and lists of the SoccerNet challenges of 2023 to 2025.
"""

BALL_CLASSES_2023 = ("PASS", "DRIVE")

BALL_CLASSES = (
    *BALL_CLASSES_2023,
    "HEADER",
    "HIGH PASS",
    "OUT",
    "CROSS",
    "THROW IN",
    "SHOT",
    "BALL PLAYER BLOCK",
    "PLAYER SUCCESSFUL TACKLE",
    "FREE KICK",
    "GOAL",
)

SIDES = ("left", "right")
"""Which team acts, by where it plays from in the picture; what Team mAP@1 tells apart."""

TEAM_CLASSES = tuple(f"{action}-{side}" for action in BALL_CLASSES for side in SIDES)
"""An action by each side, in pairs: the 24 classes whose average precisions Team mAP@1 weighs by their counts."""

FRAME_RATE = 25
"""Frames per second of its videos, on whose frames predictions and labels are matched."""
