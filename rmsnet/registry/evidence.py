"""What a question can be answered from again: the events of the gate's games and what both models said of them.

One .npz file without pickle, kept beside the decision in MLflow; its hash is in the history.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from rmsnet.errors import CheckFailed
from rmsnet.evaluation.assessment import Assessment, Corpus, assess
from rmsnet.files import atomic_file, content_hash
from rmsnet.spots import Predictions, Truth

EVIDENCE_FILE = "evidence.npz"

Side = Literal["challenger", "champion"]
SIDES: tuple[Side, Side] = ("challenger", "champion")


def labels_hash(corpus: Corpus) -> str:
    """Of the games' events, halves and classes."""
    events = [_column(corpus.truth, name).tobytes() for name in ("half", "position_ms", "label", "visible")]
    return content_hash(json.dumps([corpus.halves, corpus.classes]), *events)


def _column(spots: Truth | Predictions, name: str) -> Any:
    return np.ascontiguousarray(getattr(spots, name))


_NOT_KEPT = ("truth", "periods", "looks", "suggested")
"""Of a corpus: its events have columns of their own; the others are how it is shown."""


def write_evidence(path: Path, judged: Mapping[Side, Assessment], weights: Mapping[Side, str]) -> str:
    """Keep the two assessments; the hash of the file.

    Args:
        path: of the file.
        judged: challenger and champion on the same games.
        weights: hash of the weights of each.
    """
    one = judged["challenger"]
    about = {
        **{field.name: getattr(one.corpus, field.name) for field in fields(Corpus) if field.name not in _NOT_KEPT},
        "protocol": one.protocol,
        "tolerances": one.scores.tolerances.tolist(),
        "weights": dict(weights),
    }
    spots: dict[str, Truth | Predictions] = {"truth": one.corpus.truth}
    spots |= {str(side): judged[side].predictions for side in SIDES}
    columns = {f"{name}.{field.name}": getattr(of, field.name) for name, of in spots.items() for field in fields(of)}
    with atomic_file(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **columns)
    return content_hash(path.read_bytes())


@dataclass(frozen=True)
class Evidence:
    """What was kept of a question.

    Attributes:
        judged: both models, judged anew.
        weights: hash of the weights of each.
        labels: hash of the events.
    """

    judged: Mapping[Side, Assessment]
    weights: Mapping[Side, str]
    labels: str


def read_evidence(path: Path) -> Evidence:
    """Judge what was kept once more.

    Raises:
        CheckFailed: the file is damaged, or its predictions do not belong to its labels.
    """
    try:
        with np.load(path, allow_pickle=False) as kept:
            about = json.loads(str(kept["about"]))
            columns = {name: kept[name] for name in kept.files if name != "about"}
        truth = Truth(**_of(columns, "truth"))
        halves = tuple((str(game), int(half)) for game, half in about["halves"])
        names = [field.name for field in fields(Corpus) if field.name not in ("halves", "classes", *_NOT_KEPT)]
        corpus = Corpus(halves=halves, classes=tuple(about["classes"]), truth=truth, **{n: about[n] for n in names})
        predictions = {side: Predictions(**_of(columns, side)) for side in SIDES}
        _require_within(truth, corpus, f"{path}: labels")
        for side, spots in predictions.items():
            _require_within(spots, corpus, f"{path}: {side}")
        judged = {
            side: assess(side, corpus, spots, tolerances=about["tolerances"], protocol=about["protocol"], resamples=0)
            for side, spots in predictions.items()
        }
        return Evidence(judged, {side: str(about["weights"][side]) for side in SIDES}, labels_hash(corpus))
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise CheckFailed(f"{path}: is no evidence of a decision, or damaged ({error})") from None


def _of(columns: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key.partition(".")[2]: column for key, column in columns.items() if key.startswith(f"{name}.")}


def _require_within(spots: Truth | Predictions, corpus: Corpus, what: str) -> None:
    columns = [_column(spots, field.name) for field in fields(spots)]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise CheckFailed(f"{what}: columns of several lengths; the file is damaged")
    for column, end in ((spots.half, len(corpus.halves)), (spots.label, len(corpus.classes))):
        if len(column) and not 0 <= column.min() <= column.max() < end:
            raise CheckFailed(f"{what}: an event of a half or class that is not there: these do not belong together")
