"""Small frame banks, models and datasets for tests."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rmsnet.dataset.labels import LABEL_FILES, V1_CLASSES
from rmsnet.dataset.soccernet import SPLITS, split_file
from rmsnet.features.bank import BankHalf, FrameBank, bank_index
from rmsnet.files import write_json
from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import SpottingModel, save_model
from rmsnet.params import TrainParams
from rmsnet.spots import Truth
from rmsnet.training.loop import model_config


def truth(rows: Sequence[tuple[int, int, int]]) -> Truth:
    """Visible events from (half, position_ms, label)."""
    columns = np.asarray(rows, np.int64).reshape(-1, 3)
    return Truth(columns[:, 0], columns[:, 1], columns[:, 2], np.ones(len(columns), bool))


def bank(
    frames: Sequence[int],
    events: Sequence[tuple[int, int, int]] = (),
    *,
    width: int = 8,
    classes: Sequence[str] = V1_CLASSES,
    seed: int = 0,
) -> FrameBank:
    """Halves of the given lengths (1, 2, 1, 2, …) with random features; events as (half, frame in half, label)."""
    starts = np.concatenate([[0], np.cumsum(frames)])
    halves = tuple(
        BankHalf(f"league/season/game {number // 2}", number % 2 + 1, int(start), length)
        for number, (start, length) in enumerate(zip(starts[:-1], frames, strict=True))
    )
    features = np.random.default_rng(seed).normal(size=(starts[-1], width)).astype(np.float32)
    rows = [(half, 500 * frame + 500, label) for half, frame, label in events]
    info = {"dataset": "test", "simulated": True, "features": {"name": "test"}, "data_hash": f"hash {seed}"}
    return FrameBank(features, halves, truth(rows), tuple(classes), 2.0, 0.5, info)


def learnable_bank(games: int, *, frames: int = 300, width: int = 8, noise: float = 0.3, seed: int = 0) -> FrameBank:
    """Games of two halves with events that shine through."""
    random = np.random.default_rng(seed)
    events = [
        (half, int(frame + random.integers(-3, 4)), int(random.integers(3)))
        for half in range(2 * games)
        for frame in range(15, frames - 15, 30)
    ]
    return shine(bank([frames] * (2 * games), events, width=width, seed=seed), noise)


def shine(made: FrameBank, noise: float = 0.3) -> FrameBank:
    """The bank with less noise, in which a class adds its direction to the four frames from an event on."""
    made.features[:] *= noise
    frames = made.frame_of(made.truth.position_ms)
    for half, frame, label in zip(made.truth.half, frames, made.truth.label, strict=True):
        start = made.halves[half].first_frame + frame
        made.features[start : start + 4, label] += 2
    return made


def write_bank(folder: Path, split: str, made: FrameBank, **info: object) -> FrameBank:
    """Leave a bank where `rmsnet.features.bank.read_bank` finds it."""
    made = replace(made, info={**made.info, "split": split, **info})
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{split}.npy", made.features)
    write_json(folder / f"{split}.json", bank_index(made))
    return made


EXAMPLE = np.random.default_rng(5).normal(size=(120, 8)).astype(np.float32)
"""(T, D) features that `random_model` takes."""


def random_model(width: int = 8, classes: Sequence[str] = V1_CLASSES, seed: int = 0, **config: object) -> SpottingModel:
    """A model of random weights for the features of `bank`; its config changed as told."""
    torch.manual_seed(seed)
    made = model_config(TrainParams(), bank([50], width=width, classes=classes), "tiny")
    return SpottingModel(RMSNet(width, len(classes)).eval(), {**made, **config})


def write_model(folder: Path, seed: int = 0, model: SpottingModel | None = None, **config: object) -> Path:
    """A model folder without a training."""
    model = model or random_model(seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(folder, model.network, {**model.config, "name": folder.name, **config})
    return folder


def write_labels(folder: Path, annotations: Sequence[object], classes: str = "v1") -> None:
    """The label file of a game."""
    write_json(folder / LABEL_FILES[classes], {"UrlLocal": "", "annotations": list(annotations)})


def write_lists(root: Path, name: str | None = None, **games: Sequence[str]) -> Path:
    """The split lists of a dataset, and its name where it is a simulated one."""
    for split in SPLITS:
        write_json(root / split_file(split), list(games.get(split, ())))
    if name is not None:
        write_json(root / "dataset.json", {"name": name, "simulated": True})
    return root
