"""Run a study: every row with every seed, tracked, resumable, written as table, picture and page."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rmsnet.bank import FrameBank, read_bank
from rmsnet.clips import training_clips
from rmsnet.errors import UserError
from rmsnet.files import content_hash, read_json, write_json
from rmsnet.params import Params, TrainParams, checked
from rmsnet.progress import progress as show_progress
from rmsnet.study.grids import STUDIES, Row, Study
from rmsnet.study.report import write_report
from rmsnet.study.scores import SCORES, SPLITS, SeedScores, run_key, seed_scores
from rmsnet.study.summary import Estimate, estimate
from rmsnet.training import Epoch
from rmsnet.video.finetuning import clip_inputs


@dataclass(frozen=True)
class RowScores:
    """A finished row.

    Attributes:
        row: its setting.
        seeds: its trainings.
    """

    row: Row
    seeds: tuple[SeedScores, ...]

    def values(self, split: str, score: str = "average_map") -> list[float]:
        """A score of each seed."""
        return [float(getattr(seed.splits[split], score)) for seed in self.seeds]

    def estimate(self, split: str, score: str = "average_map") -> Estimate:
        """Its mean and interval over the seeds."""
        return estimate(self.values(split, score))


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
    scores; its files are each seed's model and learning curves. Trainings lie in `out`/runs, one folder for the same
    parameters, seed and data: what is there is not run again, for other studies neither, and an interrupted training
    continues.

    Args:
        name: of the study.
        features: frame banks with train, valid and test.
        out: <name>/ gets table.md, table.csv, figure.png, report.html and result.json.
        params: the train section is what rows change, the spot section how models decode.
        seeds: trainings of a row: seeds 0, 1, …
        device: "auto", "cpu" or "cuda".
        progress: show how far it is.

    Returns:
        The rows' scores, in the order of the table.

    Raises:
        UserError: no such study, no banks, or a row that the data cannot be trained with; nothing is run then.
    """
    if name not in STUDIES:
        raise UserError(f"{name}: no such study; known: {', '.join(STUDIES)}")
    if seeds < 1:
        raise UserError(f"--seeds {seeds}: at least one training of each row is needed")
    study = STUDIES[name]
    banks = {split: read_bank(features, split) for split in ("train", "valid", "test")}
    settings = {row.name: _settings(params.train, study, row) for row in study.rows}
    _require_trainable(banks["train"], settings.values())
    todo = [
        run
        for base in settings.values()
        for run in _with_seeds(base, seeds)
        if not (out / "runs" / run_key(run, params.spot, banks) / SCORES).exists()
    ]
    for run in {run.backbone: run for run in todo}.values():
        clip_inputs(banks["train"], banks["valid"], features, run)
    clips = sum(run.epochs * (run.foreground_clips + run.background_clips) for run in todo)
    results = []
    with show_progress(name, "clip", clips, shown=progress and bool(todo)) as advance:
        for row in study.rows:
            scores = []
            for run in _with_seeds(settings[row.name], seeds):

                def on_epoch(epoch: Epoch, title: str = f"{row.name}, seed {run.seed}", of: int = run.epochs) -> None:
                    if progress:
                        score = 100 * epoch.valid_average_map
                        print(f"{title}: epoch {epoch.epoch}/{of}  valid Average-mAP {score:.1f}", flush=True)

                scores.append(
                    seed_scores(
                        run,
                        params.spot,
                        banks,
                        features,
                        out / "runs",
                        name=row.name,
                        device=device,
                        on_clips=advance,
                        on_epoch=on_epoch,
                    )
                )
            result = RowScores(row, tuple(scores))
            _track(study, result, settings[row.name], banks, params, out)
            results.append(result)
    write_report(out / name, study, results, banks)
    return results


def grid(name: str) -> list[dict[str, Any]]:
    """The rows of a study as overrides: what `dvc exp run --set-param` and a pipeline's list parameter take.

    Raises:
        UserError: no such study.
    """
    if name not in STUDIES:
        raise UserError(f"{name}: no such study; known: {', '.join(STUDIES)}")
    return [
        {"name": row.name, "set": [f"train.{key}={json.dumps(value)}" for key, value in row.changes.items()]}
        for row in STUDIES[name].rows
    ]


def _settings(base: TrainParams, study: Study, row: Row) -> TrainParams:
    return checked(TrainParams, {**asdict(base), **row.changes}, f"{study.name}, {row.name}")


def _with_seeds(base: TrainParams, seeds: int) -> list[TrainParams]:
    return [checked(TrainParams, {**asdict(base), "seed": seed}, "seed") for seed in range(seeds)]


def _require_trainable(bank: FrameBank, settings: Iterable[TrainParams]) -> None:
    """Find out before the first training what the last would fail on.

    Raises:
        UserError: see `rmsnet.clips.training_clips`.
    """
    for clip_frames, uniform, drop in {
        (run.clip_frames, run.uniform_offsets, run.drop_halftime_substitutions) for run in settings
    }:
        training_clips(bank, clip_frames, uniform, drop)


def _track(
    study: Study,
    result: RowScores,
    settings: TrainParams,
    banks: Mapping[str, FrameBank],
    params: Params,
    out: Path,
) -> None:
    """Add a finished row to MLflow, unless this folder says that it is there."""
    from rmsnet import tracking
    from rmsnet.provenance import code_tags

    bank = banks["train"]
    of_data = [bank.info["data_hash"] for bank in banks.values()]
    of_study = {**asdict(params.train), "seed": None}
    key = content_hash(json.dumps([study.name, of_study, asdict(params.spot), of_data], sort_keys=True))
    identity = [key, result.row.name, [str(seed.folder.name) for seed in result.seeds], tracking.tracking_uri()]
    tracked = out / study.name / "tracked.json"
    known = read_json(tracked) if tracked.exists() else {}
    if known.get(result.row.name, {}).get("identity") == identity:
        return
    tags = {
        "dataset": str(bank.info["dataset"]),
        "simulated": str(bank.simulated).lower(),
        "data_hash": str(bank.info["data_hash"]),
        "variant": result.row.name,
        **code_tags(),
    }
    group = tracking.Group("study", key, f"{study.name}, {bank.info['dataset']}")
    with tracking.tracked_run(result.row.name, (group,), tags) as run:
        run.log_params({f"train.{name}": value for name, value in asdict(settings).items() if name != "seed"})
        run.log_params({"seeds": len(result.seeds), **{f"spot.{k}": v for k, v in asdict(params.spot).items()}})
        for split, of_split in banks.items():
            source = {"made_by": "rmsnet extract", "dataset": tags["dataset"], "simulated": tags["simulated"]}
            run.log_data(f"{tags['dataset']} {split}", str(of_split.info["data_hash"]), split, source)
        for number, seed in enumerate(result.seeds):
            of_seed = {f"{split}_average_map_of_seed": result.values(split)[number] for split in SPLITS}
            run.log_epoch(number + 1, of_seed)
            run.log_folder(seed.folder, f"seed {seed.seed}")
        run.log_epoch(len(result.seeds), _means(result))
        write_json(tracked, {**known, result.row.name: {"identity": identity, "run_id": run.run_id}})


def _means(result: RowScores) -> dict[str, float]:
    metrics = {}
    for split in SPLITS:
        of_split = result.estimate(split)
        metrics[f"{split}_average_map"] = of_split.mean
        if of_split.low is not None and of_split.high is not None:
            metrics |= {f"{split}_average_map_low": of_split.low, f"{split}_average_map_high": of_split.high}
    return metrics
