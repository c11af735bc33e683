"""Spots: time-stamped events of many halves as columns, the form in which they are predicted and judged."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Truth:
    """Annotated events, one row each, in the order in which their files list them.

    Attributes:
        half: (N,) int64, which half of the collection (a row of its list of halves) the event is in.
        position_ms: (N,) int64, milliseconds from the start of the half.
        label: (N,) int64, index into the class list.
        visible: (N,) bool, False where the broadcast did not show the event.
    """

    half: npt.NDArray[np.int64]
    position_ms: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    visible: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Predictions:
    """Predicted events, one row each, in the order in which they were written.

    Attributes:
        half: (N,) int64, as in `Truth`.
        position_ms: (N,) int64, milliseconds from the start of the half.
        label: (N,) int64, index into the class list.
        confidence: (N,) float64.
    """

    half: npt.NDArray[np.int64]
    position_ms: npt.NDArray[np.int64]
    label: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
