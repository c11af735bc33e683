"""The evaluate stage: a model is judged on the valid and the test split. The same for predictions in files."""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rmsnet.dataset.class_lists import ClassList
from rmsnet.dataset.description import DESCRIPTION
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import V1_CLASSES
from rmsnet.dataset.suggested import from_index
from rmsnet.dataset.suggested_labels import suggested_in
from rmsnet.errors import UserError
from rmsnet.evaluation.assessment import Assessment, Corpus, assess, parse_tolerances
from rmsnet.evaluation.comparison import COMPARISON_FILES, write_comparison
from rmsnet.evaluation.files import describe_labels, games_of_split, read_predictions, read_truth
from rmsnet.evaluation.metric import LOOSE, Protocol
from rmsnet.evaluation.report import REPORT_FILES, write_report
from rmsnet.evaluation.results import write_predictions
from rmsnet.features.bank import FrameBank, read_bank
from rmsnet.files import atomic_folder, contents, write_json
from rmsnet.locks import alone
from rmsnet.logs import log
from rmsnet.params import EvaluateParams

SPLITS = ("valid", "test")


@alone
def evaluate_stage(
    model: Path, features: Path, out: Path, params: EvaluateParams, *, device: str = "auto"
) -> dict[str, Assessment]:
    """Spot the valid and the test split with a model, judge it, and add the result to the model's MLflow run.

    A model folder that names no run (it came out of the registry, or from elsewhere) is judged all the same.

    Args:
        model: model folder.
        features: frame banks.
        out: gets <split>/metrics.json, predictions, tables, plots and report.html; appears when all is whole.
        params: the evaluate section.
        device: "auto", "cpu" or "cuda".

    Returns:
        The assessment of each split.

    Raises:
        UserError: no model or no frame bank there, a bank that the model cannot read, a run that the store does not
            have.
    """
    from rmsnet.network.model_config import ORIGIN_FILE
    from rmsnet.network.onnx_model import load_spotter
    from rmsnet.network.spotting_model import origin
    from rmsnet.spotting.inference import spot_bank
    from rmsnet.tracking import RUN_FILE, read_run, require_place

    _require_replaceable(out, SPLITS)
    run = read_run(model) if (model / RUN_FILE).exists() else None
    if run is not None:
        require_place()
    spotter = load_spotter(model, device)
    banks = {split: _readable(read_bank(features, split), model, features, device) for split in SPLITS}
    assessments = {
        split: assess(
            str(spotter.config["name"]),
            corpus_of(bank, split),
            spot_bank(spotter, bank),
            tolerances=parse_tolerances(params.tolerances),
            resamples=params.bootstrap,
        )
        for split, bank in banks.items()
    }
    with atomic_folder(out) as folder:
        for split, assessment in assessments.items():
            corpus = assessment.corpus
            (folder / split).mkdir()
            write_report(folder / split, assessment)
            write_predictions(folder / split / "predictions", corpus.halves, assessment.predictions, corpus.classes)
            write_json(folder / split / "predictions" / ORIGIN_FILE, origin(spotter))
        if run is not None:
            _log(model, run, assessments, banks, folder)
    return assessments


def _log(
    model: Path,
    run: Mapping[str, Any],
    assessments: Mapping[str, Assessment],
    banks: Mapping[str, FrameBank],
    folder: Path,
) -> None:
    """Tell the model's run; a run that was deleted on purpose is not made again behind anybody's back."""
    from rmsnet import tracking
    from rmsnet.tracking.logged_model import input_example

    with suppress(tracking.StoreAway):  # the spool takes the scores
        try:
            tracking.training_of(model, lambda width: input_example(banks["valid"], width))
        except tracking.DeletedRun as gone:
            log.warning(f"{gone}; the scores are in the --out folder alone")
            return
    hashes = {split: str(bank.info["data_hash"]) for split, bank in banks.items()}
    for split, assessment in assessments.items():
        tracking.log_evaluation(
            run["run_id"],
            run["model_id"],
            split,
            run_scores(assessment.metrics()),
            folder / split,
            (f"{assessment.corpus.dataset} {split}", hashes[split]),
            own=run.get("data_hashes", {}).get("valid", hashes["valid"]) == hashes["valid"],
            step=tracking.best_scores(model).best_epoch or 1,
        )


def _readable(bank: FrameBank, model: Path, features: Path, device: str) -> FrameBank:
    """The bank itself, or what a fine-tuned model makes of a bank of frames."""
    if "pictures" not in bank.info["features"]:
        return bank
    from rmsnet.features.from_frames import features_of_frames

    return features_of_frames(model, bank, features, device)


def _require_replaceable(out: Path, made_here: Collection[str]) -> None:
    """Refuse a folder that holds what no evaluation has put there.

    Raises:
        UserError: it does, or `out` is a file.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; name another --out")
    others = [item.name for item in contents(out) if item.name not in made_here] if out.exists() else []
    if others:
        raise UserError(f"{out}: holds {others[0]}, which is no part of an evaluation; name another --out")


def corpus_of(bank: FrameBank, split: str) -> Corpus:
    """The events of a frame bank."""
    return Corpus(
        dataset=str(bank.info["dataset"]),
        split=split,
        halves=tuple((half.game, half.half) for half in bank.halves),
        classes=bank.classes,
        truth=bank.truth,
        frame_rate=bank.frame_rate,
        simulated=bank.simulated,
        knows_visibility=bank.classes != V1_CLASSES,
        suggested=from_index(bank.info, split),
        periods=bank.periods,
        looks=bank.looks,
    )


def run_scores(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The scores in a metrics.json as metrics of an MLflow run; its names allow no other characters."""
    scores = {"average_map": float(metrics["average_map"])}
    if metrics.get("ci95") is not None:
        low, high = metrics["ci95"]
        scores |= {"average_map_low": float(low), "average_map_high": float(high)}
    for name, ap in metrics["per_class"].items():
        scores[f"ap/{re.sub(r'[^A-Za-z0-9 _./-]', '-', name)}"] = float(ap)
    return scores


@alone
def evaluate_files(
    labels: Path,
    predictions: Mapping[str, Path],
    out: Path,
    *,
    split: str,
    classes: ClassList,
    protocol: Protocol = "devkit",
    tolerances: Sequence[float] = LOOSE,
    resamples: int = 1000,
    frame_rate: float | None = None,
    allow_missing: bool = False,
    extra_time: bool = False,
) -> list[Assessment]:
    """Judge predictions in files; several are compared with the first, game by game.

    Args:
        labels: folder or zip of games with annotations.
        predictions: by name, folder or zip of games with results_spotting.json.
        out: gets metrics.json, tables, plots and report.html, of several predictions in a folder each beside
            comparison.json, comparison.csv and a page; appears when all is whole.
        split: name of a split or path of a split list, see `files.games_of_split`.
        classes: what is spotted.
        protocol: how to judge.
        tolerances: seconds.
        resamples: of the games, behind the intervals; 0: none.
        frame_rate: of the grid on which times are compared; None: that of the class list's community.
        allow_missing: take a game without predictions for one in which nothing was predicted.
        extra_time: leave out annotated events of extra time instead of refusing them.

    Raises:
        UserError: see `files`.
    """
    several = len(predictions) > 1
    _require_replaceable(out, (*COMPARISON_FILES, *predictions) if several else REPORT_FILES)
    games = games_of_split(split, labels, classes.splits)
    description = describe_labels(labels)
    described = (labels / DESCRIPTION).exists()
    corpus = Corpus(
        dataset=description.name if described else labels.name,
        split=Path(split).stem if split.endswith(".json") else split,
        halves=tuple((game, half) for game in games for half in description.numbers),
        classes=classes.classes,
        truth=read_truth(labels, games, classes, extra_time),
        frame_rate=classes.frame_rate if frame_rate is None else frame_rate,
        simulated=description.simulated,
        knows_visibility=classes.knows_visibility,
        suggested=suggested_in(GameFiles(labels, games), games, classes),
        periods=description.periods,
        looks=description.told_on.get("looks", {}),
    )
    assessments = []
    for name, source in predictions.items():
        found = read_predictions(source, games, classes, allow_missing, len(description.periods))
        assessments.append(
            assess(
                name,
                corpus,
                found.predictions,
                tolerances=tolerances,
                protocol=protocol,
                resamples=resamples,
                missing=found.missing,
            )
        )
    with atomic_folder(out) as folder:
        for assessment in assessments:
            of_one = folder / assessment.name if several else folder
            of_one.mkdir(exist_ok=True)
            write_report(of_one, assessment)
        if several:
            write_comparison(folder, assessments)
    return assessments
