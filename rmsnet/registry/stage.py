"""The register stage: which model goes into the registry, and whether it becomes the champion."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet.bank import FrameBank, read_bank
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation import average_map
from rmsnet.files import read_json, write_json, write_text
from rmsnet.model_files import SpottingModel, load_model
from rmsnet.paper import TABLE_III
from rmsnet.registry.history import CHAMPION, PREVIOUS, change_aliases, settle
from rmsnet.spotting import spot_bank, spot_features
from rmsnet.training_stage import read_run

if TYPE_CHECKING:
    from rmsnet.tracking import Place


@dataclass(frozen=True)
class Decision:
    """What the stage decided.

    Attributes:
        model_name: of the registered model.
        variant: the candidate with the best validation Average-mAP.
        version: its version in the registry.
        promoted: whether it is the champion now.
        reason: why, in one sentence.
        challenger_average_map: of the candidate on the validation split, in [0, 1].
        champion_version: the champion before the decision, None where there was none.
        champion_average_map: of that champion on the same validation split.
        simulated: whether the validation split is made up.
    """

    model_name: str
    variant: str
    version: int
    promoted: bool
    reason: str
    challenger_average_map: float
    champion_version: int | None
    champion_average_map: float | None
    simulated: bool


def gate(challenger: float, champion: float | None) -> tuple[bool, str]:
    """Whether a challenger may replace the champion: both are validation Average-mAPs on the same games.

    The place of the decision: what a promotion must fulfil is added here and nowhere else.
    """
    if champion is None:
        return True, "there was no champion"
    if challenger > champion:
        return True, f"valid Average-mAP {100 * challenger:.2f} is above the champion's {100 * champion:.2f}"
    return False, f"valid Average-mAP {100 * challenger:.2f} is not above the champion's {100 * champion:.2f}"


def register_stage(
    models: Sequence[Path], evaluation: Path, features: Path, out: Path, model_name: str = "rmsnet"
) -> Decision:
    """Register the best of the models by validation Average-mAP; make it champion if the gate lets it.

    Before it is registered, the logged model is loaded back as any user of MLflow would and must give the same
    events as the folder it came from. A champion that stands is scored again on the same validation split.

    Args:
        models: model folders, each trained by the train stage.
        evaluation: folder with <model>/<split>/metrics.json for each of them.
        features: frame banks the models were judged on.
        out: gets decision.json and summary.md.
        model_name: of the registered model.

    Raises:
        UserError: no models, a model that is not evaluated or not tracked, a champion of other classes or features.
        CheckFailed: the logged model does not reproduce the model folder.
    """
    from rmsnet import tracking

    if not models:
        raise UserError("nothing to register: name at least one model folder")
    scores = {model.name: _scores(evaluation / model.name) for model in models}
    best = max(models, key=lambda model: scores[model.name]["valid"]["average_map"])
    challenger_score = scores[best.name]["valid"]["average_map"]
    bank = read_bank(features, "valid")
    run = _run_of(best)
    _require_equal_outputs(load_model(best), run.model_id, bank)

    _, aliases = settle(model_name)
    champion_version = aliases.get(CHAMPION)
    champion_score = None
    if champion_version is not None:
        champion_score = _score(load_model(tracking.model_folder(f"models:/{model_name}@{CHAMPION}")), bank)
    promoted, reason = gate(challenger_score, champion_score)
    tags = {
        "variant": best.name,
        "valid_average_map": f"{challenger_score:.6f}",
        "data_hash": str(bank.info["data_hash"]),
        "dataset": str(bank.info["dataset"]),
        "simulated": str(bank.simulated).lower(),
    }
    version = tracking.create_version(model_name, run.model_id, run.run_id, tags).version
    if version == champion_version:
        promoted, reason = False, "it is the champion already"
    if promoted:
        change_aliases(model_name, "promote", {PREVIOUS: champion_version, CHAMPION: version}, aliases, reason, None)
    tracking.tag_version(model_name, version, {"decision": "promoted" if promoted else "kept", "reason": reason})
    decision = Decision(
        model_name,
        best.name,
        version,
        promoted,
        reason,
        challenger_score,
        champion_version,
        champion_score,
        bank.simulated,
    )
    write_json(out / "decision.json", asdict(decision))
    write_text(out / "summary.md", summary(scores, decision, str(bank.info["dataset"])))
    return decision


def _run_of(model: Path) -> "Place":
    """Where the run and the logged model of a model folder are."""
    from rmsnet import tracking

    run = read_run(model)
    place = tracking.find_run(run["run_id"], run["model_id"])
    if place.spooled:
        raise UserError(f"{model}: its run still waits in the spool; bring it to the store: rmsnet registry sync")
    return place


def _scores(evaluation: Path) -> dict[str, Mapping[str, Any]]:
    """The metrics.json of a model, by split."""
    return {split: read_json(evaluation / split / "metrics.json") for split in ("valid", "test")}


def _score(model: SpottingModel, bank: FrameBank) -> float:
    predictions = spot_bank(model, bank)
    judged = average_map(
        bank.truth, predictions, halves=len(bank.halves), classes=len(bank.classes), frame_rate=bank.frame_rate
    )
    return float(judged.average_map)


def _require_equal_outputs(model: SpottingModel, model_id: str, bank: FrameBank) -> None:
    from rmsnet import tracking

    half = bank.halves[0]
    features = np.array(bank.features[half.first_frame : half.first_frame + half.frames])
    ours = spot_features(model, features)
    theirs = tracking.predict_with_logged_model(model_id, features)
    same = (
        [model.classes[label] for label in ours.label] == theirs["label"].tolist()
        and np.array_equal(ours.position_ms, theirs["position_ms"])
        and np.allclose(ours.confidence, theirs["confidence"], rtol=0, atol=1e-6)
    )
    if not same:
        raise CheckFailed(
            f"logged model {model_id}: gives other events than the folder it was made from; not registered"
        )


def summary(scores: Mapping[str, Mapping[str, Mapping[str, Any]]], decision: Decision, dataset: str) -> str:
    """The variants beside the paper's Table III, and the decision, as Markdown."""
    here = f"{dataset} (simulated)" if decision.simulated else dataset
    lines = [
        f"Average-mAP (%, loose, devkit protocol): {here} beside the paper's Table III",
        "",
        f"| {'variant':18} | valid, {'simulated' if decision.simulated else 'measured'} | test [95 %] | "
        "valid, paper, SoccerNet | test, paper, SoccerNet |",
        "|---|---|---|---|---|",
    ]
    for name, of_split in scores.items():
        paper = [f"{100 * value:.1f}" for value in TABLE_III[name]] if name in TABLE_III else ["-", "-"]
        low, high = of_split["test"]["ci95"] or (float("nan"), float("nan"))
        valid, test = (100 * of_split[split]["average_map"] for split in ("valid", "test"))
        lines.append(
            f"| {name:18} | {valid:.1f} | {test:.1f} [{100 * low:.1f}, {100 * high:.1f}] | {paper[0]} | {paper[1]} |"
        )
    verdict = "is now @champion" if decision.promoted else "does not replace @champion"
    lines += [
        "",
        f"{decision.model_name} version {decision.version} ({decision.variant}) {verdict}: {decision.reason}.",
    ]
    if decision.simulated:
        lines += ["", "Simulated features: these numbers show that the machinery works, not how it does on SoccerNet."]
    return "\n".join(lines) + "\n"
