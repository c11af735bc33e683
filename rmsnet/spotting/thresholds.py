"""Which events are worth telling: those of which the model is as sure as pays off for their class.

A training learns the confidence with the best F1 of each class on its validation split, and leaves it beside the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.spots import Predictions

THRESHOLDS_FILE = "thresholds.json"
"""In a model folder: class to {"confidence": the least that is told, "f1": there}."""

Floats = npt.NDArray[np.float64]


_RESTORE = "restore the file, or train the model again"


@dataclass(frozen=True)
class _Learned:
    confidence: float


def learned_thresholds(model: Path, classes: Sequence[str]) -> Floats | None:
    """(C,) the least confidence of each class; None where the model has learned none.

    Raises:
        UserError: the file is not what a training leaves.
    """
    path = Path(model) / THRESHOLDS_FILE
    if not path.exists():
        return None
    learned = read_document(path, dict[str, _Learned], advice=_RESTORE)
    absent = [name for name in classes if name not in learned]
    if absent:
        raise UserError(f"{path}: has no threshold of {absent[0]!r}; {_RESTORE}")
    return np.array([learned[name].confidence for name in classes])


def is_told(predictions: Predictions, least: Floats) -> npt.NDArray[np.bool_]:
    """(N,) which predictions reach the threshold of their class, (C,)."""
    return np.asarray(predictions.confidence >= least[predictions.label])


def by_class(least: Floats, classes: Sequence[str]) -> Mapping[str, float]:
    return dict(zip(classes, least.tolist(), strict=True))
