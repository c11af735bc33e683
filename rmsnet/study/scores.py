"""One row of a study with one seed: trained once, judged on the valid and the test split, kept in a folder."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rmsnet.bank import FrameBank
from rmsnet.devices import choose_device
from rmsnet.errors import UserError
from rmsnet.evaluation import LOOSE, TIGHT, average_map
from rmsnet.files import content_hash, read_json, write_json
from rmsnet.model_files import load_model
from rmsnet.params import SpotParams, TrainParams
from rmsnet.spotting import spot_bank
from rmsnet.training import Epoch, train
from rmsnet.video.finetuning import clip_inputs, features_of_frames

SPLITS = ("valid", "test")
SCORES = "scores.json"
SCHEMA = 1
"""Part of a row's key: raised when trainings of before no longer count."""


@dataclass(frozen=True)
class SplitScores:
    """How good a model is on a split, all in [0, 1].

    Attributes:
        average_map: loose, devkit protocol.
        tight: the same at tolerances of 1 to 5 s.
        map_by_tolerance: mean over classes at 5, 10, …, 60 s.
        ap: average precision at each of them, by class.
    """

    average_map: float
    tight: float
    map_by_tolerance: list[float]
    ap: list[list[float]]


@dataclass(frozen=True)
class SeedScores:
    """A finished training.

    Attributes:
        folder: of the model.
        seed: its seed.
        splits: "valid" and "test".
        metrics: the model's metrics.json.
    """

    folder: Path
    seed: int
    splits: Mapping[str, SplitScores]
    metrics: Mapping[str, Any]


def run_key(params: TrainParams, spot: SpotParams, banks: Mapping[str, FrameBank]) -> str:
    """The same parameters and data, the same key, whichever study asks."""
    data = {split: bank.info["data_hash"] for split, bank in banks.items()}
    return content_hash(json.dumps([SCHEMA, asdict(params), asdict(spot), data], sort_keys=True))


def seed_scores(
    params: TrainParams,
    spot: SpotParams,
    banks: Mapping[str, FrameBank],
    features: Path,
    runs: Path,
    *,
    name: str,
    device: str = "auto",
    on_clips: Callable[[int], object] = lambda clips: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> SeedScores:
    """Train and judge, or read what an earlier call left; an interrupted training continues.

    Args:
        params: train section of the row, with its seed.
        spot: how the model decodes.
        banks: "train", "valid" and "test".
        features: folder of the banks.
        runs: folder of all runs; this one's is named by its key.
        name: of the row.
        device: "auto", "cpu" or "cuda".
        on_clips: see `rmsnet.training.train`.
        on_epoch: likewise; not called for what is read.
    """
    folder = runs / run_key(params, spot, banks)
    if not (folder / SCORES).exists():
        train(
            banks["train"],
            banks["valid"],
            params,
            folder,
            name=name,
            spot=spot,
            device=device,
            inputs=clip_inputs(banks["train"], banks["valid"], features, params),
            on_clips=on_clips,
            on_epoch=on_epoch,
            on_model=lambda model: _judge(model, banks, features, device),
        )
    scores = read_json(folder / SCORES)
    try:
        splits = {split: SplitScores(**scores[split]) for split in SPLITS}
    except (KeyError, TypeError):
        raise UserError(f"{folder / SCORES}: not the scores of a run; remove {folder} to run it again") from None
    return SeedScores(folder, params.seed, splits, read_json(folder / "metrics.json"))


def _judge(folder: Path, banks: Mapping[str, FrameBank], features: Path, device: str) -> None:
    """Add scores.json to a model folder that is about to get its name."""
    model = load_model(folder)
    scores = {}
    for split in SPLITS:
        bank = banks[split]
        if "pictures" in bank.info["features"]:
            bank = features_of_frames(folder, bank, features, choose_device(device))
        predictions = spot_bank(model, bank)
        loose, tight = (
            average_map(
                bank.truth,
                predictions,
                halves=len(bank.halves),
                classes=len(bank.classes),
                frame_rate=bank.frame_rate,
                tolerances=tolerances,
            )
            for tolerances in (LOOSE, TIGHT)
        )
        scores[split] = asdict(
            SplitScores(loose.average_map, tight.average_map, loose.map_by_tolerance.tolist(), loose.ap.tolist())
        )
    write_json(folder / SCORES, scores)
