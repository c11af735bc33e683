"""Tiny datasets in SoccerNet's layout that tests can spoil."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rmsnet.dataset.labels import V2_CLASSES
from rmsnet.params import ExtractParams
from tests.builders import write_labels, write_lists

FEATURES = "tiny"
PARAMS = ExtractParams(features=FEATURES)
WIDTH = 16
FRAMES = 240

LEAGUE = "league_one/2014-2015"
GAMES = {
    split: [
        f"{LEAGUE}/2015-0{month}-{day:02} - 19-45 {split.title()} Town 1 - {day} Guests" for day in range(1, 1 + count)
    ]
    for month, (split, count) in enumerate({"train": 3, "valid": 1, "test": 1}.items(), start=1)
}

ANNOTATIONS: Mapping[str, Sequence[Mapping[str, str]]] = {
    "v1": [
        {"gameTime": "1 - 00:20", "label": "soccer-ball", "team": "home"},
        {"gameTime": "1 - 01:05", "label": "y-card", "team": "away"},
        {"gameTime": "2 - 00:40", "label": "substitution-in", "team": "home"},
    ],
    "v2": [
        {"gameTime": f"1 - 00:{second}", "position": f"{second}500", "label": label, "visibility": "visible"}
        for second, label in enumerate(V2_CLASSES, start=10)
    ],
}


def make_dataset(root: Path, classes: str = "v1") -> Path:
    """A dataset that passes every check: 3 training games and one of each other split, halves of two minutes."""
    write_lists(root, "Tiny", **GAMES)
    for number, games in enumerate(GAMES.values()):
        for place, game in enumerate(games):
            folder = root / game
            folder.mkdir(parents=True)
            write_labels(folder, ANNOTATIONS[classes], classes)
            for half in (1, 2):
                rng = np.random.default_rng([number, place, half])
                np.save(feature_file(root, game, half), rng.normal(size=(FRAMES, WIDTH)).astype(np.float32))
    return root


def feature_file(root: Path, game: str, half: int = 1) -> Path:
    return root / game / f"{half}_{FEATURES}.npy"
