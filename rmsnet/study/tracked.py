"""Studies in MLflow: study → row → training, each training with the curves that the train stage logs."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.documents import read_document
from rmsnet.features.bank import FrameBank
from rmsnet.files import content_hash, write_json
from rmsnet.network.model_config import CONFIG, read_config
from rmsnet.params import Params, SpotParams, TrainParams, checked
from rmsnet.study.grids import Study
from rmsnet.study.scores import SPLITS, RowScores
from rmsnet.tracking.runs import IDENTITY_TAG, curves
from rmsnet.tracking.used_data import data_tags
from rmsnet.training.history import read_history

if TYPE_CHECKING:
    from rmsnet.tracking import Group, TrackedRun

_REMOVE = "remove the file; what it lists is tracked again"

TRACKED = "tracked.json"
"""In a study's folder: which rows MLflow has. In a training's: which store has it."""


def track(
    study: Study,
    result: RowScores,
    settings: tuple[TrainParams, SpotParams],
    banks: Mapping[str, FrameBank],
    params: Params,
    out: Path,
) -> None:
    """Add a finished row and its trainings to MLflow, whatever of it is not there yet.

    Args:
        study: of the row.
        result: the row.
        settings: its train and spot section.
        banks: "train", "valid" and "test".
        params: of the study.
        out: folder of all studies.
    """
    from rmsnet import tracking

    of_data = [bank.info["data_hash"] for bank in banks.values()]
    of_study = {**asdict(params.train), "seed": None}
    key = content_hash(json.dumps([study.name, of_study, asdict(params.spot), of_data], sort_keys=True))
    above = tracking.Group("study", key, f"{study.name}, {banks['train'].info['dataset']}")
    row = tracking.Group("variant", content_hash(key, result.row.name), result.row.name)
    tags = {**data_tags(banks["train"]), "variant": result.row.name}
    _track_row(result, settings, banks, (above, row), tags, out / study.name / TRACKED)
    for training in dict.fromkeys(folder for seed in result.seeds for folder in seed.trainings):
        _track_training(training, banks, (above, row), tags)


def _track_row(
    result: RowScores,
    settings: tuple[TrainParams, SpotParams],
    banks: Mapping[str, FrameBank],
    groups: "tuple[Group, Group]",
    tags: Mapping[str, str],
    tracked: Path,
) -> None:
    from rmsnet import tracking

    above, row = groups
    uri = tracking.shown(tracking.tracking_uri())
    identity = [above.key, row.name, [seed.folder.name for seed in result.seeds], uri]
    known = read_document(tracked, dict[str, dict[str, Any]], advice=_REMOVE) if tracked.exists() else {}
    if known.get(row.name, {}).get("identity") == identity:
        return
    tags = {**tags, IDENTITY_TAG: content_hash(json.dumps(identity))}
    with tracking.tracked_run(row.name, (above,), tags, holds=row) as run:
        train, spot = settings
        run.log_settings("train", {name: value for name, value in asdict(train).items() if name != "seed"})
        run.log_settings("spot", asdict(spot))
        run.log_params({"seeds": len(result.seeds), "members": result.row.members})
        _log_data(run, banks, tags)
        for number, seed in enumerate(result.seeds):
            run.log_params({f"model of seed {seed.seed}": seed.folder.name})
            of_seed = {f"{split}_average_map_of_seed": result.values(split)[number] for split in SPLITS}
            run.log_epoch(number + 1, of_seed)
        run.log_epoch(len(result.seeds), _means(result))
        write_json(tracked, {**known, row.name: {"identity": identity, "run_id": run.run_id}})


def _track_training(
    folder: Path, banks: Mapping[str, FrameBank], groups: "tuple[Group, Group]", tags: Mapping[str, str]
) -> None:
    """A run for a training; what an epoch did is a step of its metrics."""
    from rmsnet import tracking

    marker = folder / TRACKED
    uri = tracking.shown(tracking.tracking_uri())
    known = read_document(marker, dict[str, str], advice=_REMOVE) if marker.exists() else {}
    if uri in known:
        return
    trained = checked(TrainParams, read_config(folder).get("train"), f"{folder / CONFIG}: train")
    history = read_history(folder / "history.csv")
    tags = {**tags, "training": folder.name, IDENTITY_TAG: f"training {folder.name}"}
    with tracking.tracked_run(f"{groups[1].name}, seed {trained.seed}", groups, tags) as run:
        run.log_settings("train", asdict(trained))
        _log_data(run, banks, tags)
        for epoch in history:
            run.log_epoch(epoch.epoch, curves(asdict(epoch)))
        run.log_best(tracking.best_scores(folder))
        run.log_folder(folder, "training")
        write_json(marker, {**known, uri: run.run_id})


def _log_data(run: "TrackedRun", banks: Mapping[str, FrameBank], tags: Mapping[str, str]) -> None:
    source = {"made_by": "rmsnet extract", "dataset": tags["dataset"], "simulated": tags["simulated"]}
    for split, bank in banks.items():
        run.log_data(f"{tags['dataset']} {split}", str(bank.info["data_hash"]), split, source)


def _means(result: RowScores) -> dict[str, Any]:
    metrics = {}
    for split in SPLITS:
        of_split = result.estimate(split)
        metrics[f"{split}_average_map"] = of_split.mean
        if of_split.low is not None and of_split.high is not None:
            metrics |= {f"{split}_average_map_low": of_split.low, f"{split}_average_map_high": of_split.high}
    return metrics
