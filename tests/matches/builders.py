"""A small game with features, videos and labels, and a model whose random weights find events in it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rmsnet.dataset.labels import V1_CLASSES
from tests.builders import random_model, write_labels, write_model
from tests.video.videos import write_video

WIDTH = 8
FEATURES = "test"
SECONDS = 60


def write_sure_model(folder: Path, classes: Sequence[str] = V1_CLASSES, width: int = WIDTH, **config: Any) -> Path:
    """A model of random weights, of 8 features named "test" unless told otherwise; its confidences differ."""
    model = random_model(width, classes, **config)
    with torch.no_grad():
        model.network.fc_cls.weight *= 6
        model.network.fc_cls.bias[-1] = -10
        model.network.fc_regr.weight *= 40
    return write_model(folder, model=model, name="tiny")


def write_features(path: Path, seconds: int = SECONDS, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = np.random.default_rng(seed).normal(size=(2 * seconds, WIDTH)).astype(np.float32)
    np.save(path, 3 * np.repeat(rows[::10], 10, axis=0)[: len(rows)])
    return path


def write_game(folder: Path, *, videos: bool = False, labels: Sequence[tuple[str, str]] = (), seed: int = 0) -> Path:
    """Two halves of a minute; labels as (gameTime, v1 label); pictures of the videos show their number, 25 a second."""
    for half in (1, 2):
        write_features(folder / f"{half}_{FEATURES}.npy", seed=seed + half)
        if videos:
            write_video(folder / f"{half}_224p.mp4", range(0, 1000 * SECONDS, 40), sound_ms=1000 * SECONDS)
    if labels:
        write_labels(folder, [{"gameTime": time, "label": label, "team": "home"} for time, label in labels])
    return folder
