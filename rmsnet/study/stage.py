"""Run a study: every row with every seed, tracked, resumable, written as table, picture and page."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError, did_you_mean
from rmsnet.features.bank import FrameBank, read_bank, require_finite
from rmsnet.locks import writing
from rmsnet.logs import log
from rmsnet.params import Params, SpotParams, TrainParams, checked
from rmsnet.progress import progress as show_progress
from rmsnet.study.board import require_classes, write_board
from rmsnet.study.grids import BOARD, STUDIES, Row, Study
from rmsnet.study.published import BOARDS
from rmsnet.study.report import write_report
from rmsnet.study.scores import Bench, RowScores
from rmsnet.study.tracked import track
from rmsnet.training.clips import training_clips
from rmsnet.training.finetuning import clip_inputs
from rmsnet.training.history import Epoch


def reproduce(
    name: str,
    features: Path,
    out: Path,
    params: Params,
    *,
    seeds: int = 5,
    device: str = "auto",
    progress: bool = True,
) -> list[RowScores]:
    """Run one of `STUDIES` and write its report.

    A row is an MLflow run under the study's: metrics are the means over the seeds with their intervals and each seed's
    scores. Under it lie the trainings that were made for it, each a run with its learning curves and its files; a
    training that several studies share is tracked once, where it was first asked for. Trainings lie in `out`/runs, one
    folder for the same parameters, seed and data: what is there is not run again, for other studies neither, and an
    interrupted training continues.

    Args:
        name: of the study.
        features: frame banks with train, valid and test.
        out: <name>/ gets table.md, table.csv, figure and learning_curves (png, svg), learning_curves.csv,
            report.html and result.json; the board has no pictures.
        params: the train section and the spot section are what rows change.
        seeds: trainings of a row: seeds 0, 1, …; the members of an ensemble are as many apart: 0, N, 2N, …
        device: "auto", "cpu" or "cuda".
        progress: show how far it is.

    Returns:
        The rows' scores, in the order of the table.

    Raises:
        UserError: no such study, no banks, or a row that the data cannot be trained with; nothing is run then.
    """
    from rmsnet import tracking

    if name not in STUDIES:
        raise UserError(f"{name}: no such study{did_you_mean(name, STUDIES)}; known: {', '.join(STUDIES)}")
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: at least one training of each row is needed")
    tracking.require_place()
    study = STUDIES[name]
    banks = {split: read_bank(features, split) for split in ("train", "valid", "test")}
    for bank in banks.values():
        require_finite(bank)
    if name == BOARD:
        require_classes(banks["test"])
    settings = {row.name: _settings(params, study, row) for row in study.rows}
    _require_trainable(banks["train"], [train for train, _ in settings.values()])
    bench = Bench(banks, features, out / "runs", params.spot, device)
    trainings = {row.name: trainings_of(params, study, row, seeds) for row in study.rows}
    todo = {
        bench.folder(run): run
        for of_row in trainings.values()
        for of_seed in of_row
        for run in of_seed
        if not bench.is_trained(run)
    }
    for run in {run.backbone: run for run in todo.values()}.values():
        clip_inputs(banks["train"], banks["valid"], features, run)
    clips = sum(run.epochs * (run.foreground_clips + run.background_clips) for run in todo.values())
    results = []
    with writing(out / name), show_progress(name, "clip", clips, shown=progress and bool(todo)) as advance:
        for row in study.rows:
            scores = []
            for of_seed in trainings[row.name]:
                for run in of_seed:
                    bench.train(run, row.name, advance, _teller(f"{row.name}, seed {run.seed}", run, progress))
                scores.append(bench.scores(of_seed, settings[row.name][1], row.name))
            result = RowScores(row, tuple(scores))
            track(study, result, settings[row.name], banks, params, out)
            results.append(result)
        if name == BOARD:
            write_board(out / name, results, {row: spot for row, (_, spot) in settings.items()}, bench, BOARDS)
        else:
            write_report(out / name, study, results, banks)
    return results


def _teller(title: str, run: TrainParams, shown: bool) -> Callable[[Epoch], None]:
    """Says a line for each epoch."""

    def tell(epoch: Epoch) -> None:
        if shown:
            score = 100 * epoch.valid_average_map
            log.info(f"{title}: epoch {epoch.epoch}/{run.epochs}  valid Average-mAP {score:.1f}")

    return tell


def grid(name: str) -> list[dict[str, Any]]:
    """The rows of a study as overrides: what `dvc exp run --set-param` and a pipeline's list parameter take.

    Ensembles are left out: no parameters make one; see `rmsnet combine`.

    Raises:
        UserError: no such study.
    """
    if name not in STUDIES:
        raise UserError(f"{name}: no such study{did_you_mean(name, STUDIES)}; known: {', '.join(STUDIES)}")
    return [
        {"name": row.name, "set": [*_overrides("train", row.changes), *_overrides("spot", row.spot)]}
        for row in STUDIES[name].rows
        if row.members == 1
    ]


def _overrides(section: str, changes: Mapping[str, Any]) -> list[str]:
    return [f"{section}.{key}={json.dumps(value)}" for key, value in changes.items()]


def _settings(params: Params, study: Study, row: Row) -> tuple[TrainParams, SpotParams]:
    where = f"{study.name}, {row.name}"
    return (
        checked(TrainParams, {**asdict(params.train), **row.changes}, where),
        checked(SpotParams, {**asdict(params.spot), **row.spot}, where),
    )


def trainings_of(params: Params, study: Study, row: Row, seeds: int) -> list[list[TrainParams]]:
    """What is trained for each seed of a row: one model, or the members of an ensemble; no two seeds share any."""
    train, _ = _settings(params, study, row)
    return [
        [
            checked(TrainParams, {**asdict(train), "seed": seed + seeds * member}, "seed")
            for member in range(row.members)
        ]
        for seed in range(seeds)
    ]


def _require_trainable(bank: FrameBank, settings: Iterable[TrainParams]) -> None:
    """Find out before the first training what the last would fail on.

    Raises:
        UserError: see `rmsnet.training.clips.training_clips`.
    """
    for clip_frames, uniform, drop in {
        (run.clip_frames, run.uniform_offsets, run.drop_halftime_substitutions) for run in settings
    }:
        training_clips(bank, clip_frames, uniform, drop)
