"""SoccerNet's ball action spotting: its classes in the order of its class list, its games, its label file.

Source: the public code and lists of the SoccerNet challenges of 2023 to 2025.
"""

from collections.abc import Mapping

BALL_LABELS = "Labels-ball.json"

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

SPLITS: Mapping[str, tuple[str, ...]] = {
    split: tuple(f"england_efl/2019-2020/2019-10-{game}" for game in games)
    for split, games in {
        "train": (
            "01 - Blackburn Rovers - Nottingham Forest",
            "01 - Brentford - Bristol City",
            "01 - Hull City - Sheffield Wednesday",
            "01 - Leeds United - West Bromwich",
        ),
        "valid": ("01 - Middlesbrough - Preston North End",),
        "test": ("01 - Reading - Fulham", "01 - Stoke City - Huddersfield Town"),
        "challenge": ("01 - Wigan Athletic - Birmingham City", "02 - Cardiff City - Queens Park Rangers"),
    }.items()
}
"""The games of each split; 2023 cut them in halves, since 2024 each is one video."""
