"""Events and predictions on the development kit's grid: one cell per half, class and frame of 120 minutes.

A cell holds one event and one prediction at most; the last one written stays. Cells are numbered half by half, class
by class, frame by frame, so that a sorted array of numbers is all the grid there is.

Source: label2vector, predictions2vector and evaluate of SoccerNet.Evaluation.ActionSpotting.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rmsnet.spots import Predictions, Truth

GRID_SECONDS = 120 * 60
"""Length of the grid; what lies past its end is moved to its last frame."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """The numbering of cells.

    Attributes:
        halves: number of halves.
        classes: number of classes.
        frame_rate: frames per second.
    """

    halves: int
    classes: int
    frame_rate: float

    @property
    def frames(self) -> int:
        """Frames of a half."""
        return int(GRID_SECONDS * self.frame_rate)

    def check(self, spots: Truth | Predictions) -> None:
        """Refuse what the grid does not have.

        Raises:
            ValueError: a half, a class or a time that it does not have.
        """
        for name, column, end in (("half", spots.half, self.halves), ("label", spots.label, self.classes)):
            if len(column) and (column.min() < 0 or column.max() >= end):
                raise ValueError(f"{name} outside 0 … {end - 1}")
        if len(spots.half) and spots.position_ms.min() <= -1000 * GRID_SECONDS:
            raise ValueError(f"position_ms {spots.position_ms.min()} is two hours or more before the half")

    def cells(self, spots: Truth | Predictions) -> Ints:
        """(N,) the cell of each spot. Times past the grid's end fall on its last frame.

        A time before the start of the half counts from the grid's end, as an index of -1 does in the development kit.
        """
        frame = (self.frame_rate * (spots.position_ms / 1000)).astype(np.int64)
        frame[frame < 0] += self.frames
        np.minimum(frame, self.frames - 1, out=frame)
        frame += (spots.half * self.classes + spots.label) * self.frames
        return frame

    def row_start(self, cell: Ints) -> Ints:
        """(N,) the first cell of each cell's row: the frames of its half and class."""
        return cell - cell % self.frames

    def row_of(self, cell: Ints) -> Ints:
        """(N,) the number of each cell's row, half · classes + class."""
        return cell // self.frames

    def half_of(self, cell: Ints) -> Ints:
        return cell // (self.classes * self.frames)

    def label_of(self, cell: Ints) -> Ints:
        return self.row_of(cell) % self.classes


def events_on(grid: Grid, truth: Truth) -> tuple[Ints, Bools]:
    """(N,) the cells that hold an event, ascending, and (N,) whether it was shown."""
    cell = grid.cells(truth)
    last = _last_written(cell)
    return cell[last], truth.visible[last]


def predictions_on(grid: Grid, predictions: Predictions) -> tuple[Ints, Floats]:
    """(N,) the cells that hold a prediction, ascending, and (N,) its confidence.

    A negative confidence empties its cell.
    """
    cell = grid.cells(predictions)
    last = _last_written(cell)
    last = last[predictions.confidence[last] >= 0]
    return cell[last], predictions.confidence[last]


def _last_written(cell: Ints) -> Ints:
    """Rows that bring each cell once, cells ascending, the last row of equals."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    rows: Ints = order[np.diff(ordered, append=-1) != 0]
    return rows


def nearest_is_visible(grid: Grid, event: Ints, visible: Bools, cell: Ints) -> Bools:
    """(N,) whether the event nearest to each prediction, in its half and class, was shown.

    Where two events are equally near, up to the rounding of their midpoint, the later one counts. In a half without
    an event of the class a prediction counts as not shown.
    """
    row = grid.row_start(event)
    start, end = row.copy(), row + grid.frames
    neighbours = row[1:] == row[:-1]
    # Cells are frame numbers plus the start of their row, so the midpoint must be taken of the frames.
    midpoint = row[:-1] + (event[:-1] - row[:-1] + event[1:] - row[1:]) // 2
    start[1:][neighbours] = midpoint[neighbours]
    end[:-1][neighbours] = midpoint[neighbours]
    return covered(np.searchsorted(cell, start[visible]), np.searchsorted(cell, end[visible]), len(cell))


def covered(low: Ints, high: Ints, length: int) -> Bools:
    """(length,) whether an index lies in at least one of the ranges low … high-1."""
    change = np.bincount(low, minlength=length + 1) - np.bincount(high, minlength=length + 1)
    inside: Bools = change.cumsum()[:-1] > 0
    return inside
