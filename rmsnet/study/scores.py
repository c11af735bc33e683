"""The models of a study: trained once, judged on the valid and the test split in as many ways as rows ask, kept."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.evaluation import LOOSE, TIGHT, average_map
from rmsnet.evaluation.metric import Protocol, Scores
from rmsnet.features.bank import FrameBank
from rmsnet.features.from_frames import features_of_frames
from rmsnet.files import atomic_folder, content_hash, write_json
from rmsnet.network.model_files import combine_models, load_model
from rmsnet.params import SpotParams, TrainParams
from rmsnet.spots import Predictions
from rmsnet.spotting.inference import spot_bank
from rmsnet.study.grids import Row
from rmsnet.study.summary import Estimate, estimate
from rmsnet.training.finetuning import clip_inputs
from rmsnet.training.history import Epoch
from rmsnet.training.loop import train

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
    """A finished model of a row.

    Attributes:
        folder: of the model.
        seed: its seed, of an ensemble that of its first member.
        splits: "valid" and "test".
        metrics: the model's metrics.json; of an ensemble empty.
        trainings: the folders of what was trained for it: its own, or its members'.
    """

    folder: Path
    seed: int
    splits: Mapping[str, SplitScores]
    metrics: Mapping[str, Any]
    trainings: tuple[Path, ...]


@dataclass(frozen=True)
class RowScores:
    """A finished row.

    Attributes:
        row: its setting.
        seeds: its models.
    """

    row: Row
    seeds: tuple[SeedScores, ...]

    def values(self, split: str, score: str = "average_map") -> list[float]:
        """A score of each seed."""
        return [float(getattr(seed.splits[split], score)) for seed in self.seeds]

    def estimate(self, split: str, score: str = "average_map") -> Estimate:
        """Its mean and interval over the seeds."""
        return estimate(self.values(split, score))


@dataclass(frozen=True)
class Bench:
    """Where the models of a study are trained and judged.

    Attributes:
        banks: "train", "valid" and "test".
        features: folder of the banks.
        runs: folder of all trainings, each in one that is named by its key.
        spot: what models are left with in their config, and judged with unless a row says otherwise.
        device: "auto", "cpu" or "cuda".
    """

    banks: Mapping[str, FrameBank]
    features: Path
    runs: Path
    spot: SpotParams
    device: str = "auto"

    def folder(self, params: TrainParams) -> Path:
        """Of a training: the same parameters and data, the same folder, whichever study asks."""
        data = {split: bank.info["data_hash"] for split, bank in self.banks.items()}
        return self.runs / content_hash(json.dumps([SCHEMA, asdict(params), asdict(self.spot), data], sort_keys=True))

    def is_trained(self, params: TrainParams) -> bool:
        return (self.folder(params) / SCORES).exists()

    def train(
        self,
        params: TrainParams,
        name: str,
        on_clips: Callable[[int], object] = lambda clips: None,
        on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    ) -> Path:
        """Train and judge unless an earlier call did; an interrupted training continues. The model's folder.

        Args:
            params: train section with its seed.
            name: of the model.
            on_clips: see `rmsnet.training.loop.train`.
            on_epoch: likewise; not called for what is there.
        """
        folder = self.folder(params)
        if not self.is_trained(params):
            train(
                self.banks["train"],
                self.banks["valid"],
                params,
                folder,
                name=name,
                spot=self.spot,
                device=self.device,
                inputs=clip_inputs(self.banks["train"], self.banks["valid"], self.features, params),
                on_clips=on_clips,
                on_epoch=on_epoch,
                on_model=lambda model: write_json(model / SCORES, self._judged(model, self.spot)),
            )
        return folder

    def scores(self, trainings: Sequence[TrainParams], spot: SpotParams, name: str) -> SeedScores:
        """The scores of a trained model, or of the ensemble of several, decoded in some way; kept beside it.

        Raises:
            UserError: what an earlier call left cannot be read.
        """
        folders = tuple(self.folder(params) for params in trainings)
        folder = folders[0] if len(folders) == 1 else self._ensemble(folders, name)
        path = folder / (SCORES if spot == self.spot else f"scores-{content_hash(json.dumps(asdict(spot)))}.json")
        if not path.exists():
            write_json(path, self._judged(folder, spot))
        again = f"remove {folder} to run it again"
        splits = read_document(path, dict[str, SplitScores], advice=again)
        if splits.keys() != set(SPLITS):
            raise UserError(f"{path}: not the scores of a run; {again}")
        metrics = read_document(folder / "metrics.json", dict[str, Any], advice=again) if len(folders) == 1 else {}
        return SeedScores(folder, trainings[0].seed, splits, metrics, folders)

    def _ensemble(self, folders: Sequence[Path], name: str) -> Path:
        ensemble = self.runs / content_hash("ensemble", *(folder.name for folder in folders))
        if not ensemble.exists():
            with atomic_folder(ensemble) as folder:
                combine_models(folders, folder, name)
        return ensemble

    def test_score(self, folder: Path, spot: SpotParams, tolerances: Sequence[float], protocol: Protocol) -> float:
        """Average-mAP of a trained model on the test split, decoded and counted in some way."""
        bank, predictions = self._spotted(folder, spot, "test")
        return _scores(bank, predictions, tolerances, protocol).average_map

    def _judged(self, folder: Path, spot: SpotParams) -> dict[str, Any]:
        scores = {}
        for split in SPLITS:
            bank, predictions = self._spotted(folder, spot, split)
            loose, tight = (_scores(bank, predictions, tolerances) for tolerances in (LOOSE, TIGHT))
            scores[split] = asdict(
                SplitScores(loose.average_map, tight.average_map, loose.map_by_tolerance.tolist(), loose.ap.tolist())
            )
        return scores

    def _spotted(self, folder: Path, spot: SpotParams, split: str) -> tuple[FrameBank, Predictions]:
        bank = self.banks[split]
        if "pictures" in bank.info["features"]:
            bank = features_of_frames(folder, bank, self.features, self.device)
        return bank, spot_bank(load_model(folder), bank, spot)


def _scores(
    bank: FrameBank, predictions: Predictions, tolerances: Sequence[float], protocol: Protocol = "devkit"
) -> Scores:
    return average_map(
        bank.truth,
        predictions,
        halves=len(bank.halves),
        classes=len(bank.classes),
        frame_rate=bank.frame_rate,
        tolerances=tolerances,
        protocol=protocol,
    )
