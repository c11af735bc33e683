"""How a model scores on the games that decide, and whether it is the model that it says it is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet import tracking
from rmsnet.dataset.soccernet import GATE
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.assessment import Assessment, assess, parse_tolerances
from rmsnet.evaluation.metric import Judged
from rmsnet.evaluation.results import read_metrics
from rmsnet.evaluation.stage import corpus_of
from rmsnet.features.bank import FrameBank, read_bank
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.params import Params
from rmsnet.registry.gate import duel
from rmsnet.spotting.inference import spot_bank, spot_features

PROTOCOL = "devkit"


SPLIT = "valid"
"""By whose score the best of several models is chosen."""


# An evaluation on another device or in another precision moves Average-mAP by less than this.
_SAME_SCORE = 0.005


def assess_model(
    model: SpottingModel, bank: FrameBank, params: Params, split: str = SPLIT, resamples: int = 0
) -> Assessment:
    return assess(
        str(model.config["name"]),
        corpus_of(bank, split),
        spot_bank(model, bank),
        tolerances=parse_tolerances(params.evaluate.tolerances),
        resamples=resamples,
    )


def gate_bank(features: Path) -> tuple[str, FrameBank]:
    """The split that decides and its bank: the gate's, or valid where the data have none for a first champion."""
    split = GATE if (features / f"{GATE}.json").exists() else SPLIT
    return split, read_bank(features, split)


def assess_on_test(model: SpottingModel, features: Path, params: Params) -> Assessment | None:
    """The model on the test split, for its card; None where there is none."""
    if not (features / "test.json").exists():
        return None
    return assess_model(model, read_bank(features, "test"), params, "test", params.evaluate.bootstrap)


def protocol_of(judged: Assessment) -> str:
    tolerances = ", ".join(f"{seconds:g}" for seconds in judged.scores.tolerances)
    return f"{judged.protocol}, {judged.corpus.split}, {tolerances} s"


def evaluated_scores(evaluation: Path) -> dict[str, Mapping[str, Any]]:
    """The metrics.json of a model, by split."""
    return {split: read_metrics(evaluation / split) for split in (SPLIT, "test")}


@dataclass(frozen=True)
class Choice:
    """Which of several models asks, and why that one.

    Attributes:
        model: its folder.
        why: in a sentence; "" where there was one model.
    """

    model: Path
    why: str


def choose(models: Sequence[Path], score: Callable[[Path], float], judge: Callable[[Path], Judged]) -> Choice:
    """The first of the models, in the order they are named, that the best by validation does not surely surpass.

    Where there is nothing to choose by, the order decides and not the luck of a seed or a processor.

    Args:
        models: folders, at least one.
        score: validation Average-mAP of a model.
        judge: a model's events in the validation split, judged.
    """
    best = max(models, key=score)
    if len(models) == 1:
        return Choice(best, "")
    for model in models[: models.index(best)]:
        one, other = judge(best), judge(model)
        made = duel(one, other) if one.games > 1 else None
        if made is None or made.low <= 0:
            bounds = "" if made is None else f" [{100 * made.low:+.1f}, {100 * made.high:+.1f}]"
            difference = f"{100 * (score(best) - score(model)):+.1f}{bounds}"
            return Choice(
                model, f"{best.name} is not surely better on valid ({difference} points): the first named is taken"
            )
    before = ", surely better than those named before it" if models.index(best) else " and the first named"
    return Choice(best, f"the best on valid{before}")


def require_same_evaluation(model: Path, metrics: Mapping[str, Any], judged: Assessment) -> None:
    """An evaluation of another model, other data or other tolerances must not choose the best."""
    same_tolerances = metrics.get("tolerances", judged.scores.tolerances.tolist()) == judged.scores.tolerances.tolist()
    if not same_tolerances or abs(metrics["average_map"] - judged.scores.average_map) > _SAME_SCORE:
        raise UserError(
            f"{model}: its evaluation says {100 * metrics['average_map']:.2f}, the model scores "
            f"{100 * judged.scores.average_map:.2f} on these features ({protocol_of(judged)}); run "
            "rmsnet evaluate again"
        )


def require_equal_outputs(model: SpottingModel, model_id: str, bank: FrameBank) -> None:
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
