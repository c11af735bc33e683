"""How a model scores on the games that decide, and whether it is the model that it says it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet import tracking
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.assessment import Assessment, assess, parse_tolerances
from rmsnet.evaluation.results import read_metrics
from rmsnet.evaluation.stage import corpus_of
from rmsnet.features.bank import FrameBank, read_bank
from rmsnet.network.model_files import SpottingModel
from rmsnet.params import Params
from rmsnet.spotting.inference import spot_bank, spot_features

PROTOCOL = "devkit"


SPLIT = "valid"


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


def assess_on_test(model: SpottingModel, features: Path, params: Params) -> Assessment | None:
    """The model on the test split, for its card; None where there is none."""
    if not (features / "test.json").exists():
        return None
    return assess_model(model, read_bank(features, "test"), params, "test", params.evaluate.bootstrap)


def protocol_of(judged: Assessment) -> str:
    return f"{judged.protocol}, {SPLIT}, {', '.join(f'{seconds:g}' for seconds in judged.scores.tolerances)} s"


def evaluated_scores(evaluation: Path) -> dict[str, Mapping[str, Any]]:
    """The metrics.json of a model, by split."""
    return {split: read_metrics(evaluation / split) for split in (SPLIT, "test")}


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
