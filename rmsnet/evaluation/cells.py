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

    def cells(self, half: Ints, label: Ints, position_ms: Ints) -> Ints:
        """(N,) the cell of each spot. Times past the grid's end fall on its last frame.

        A time before the start of the half counts from the grid's end, as an index of -1 does in the development kit.

        Raises:
            ValueError: a half, a class or a time that the grid does not have.
        """
        for name, column, end in (("half", half, self.halves), ("label", label, self.classes)):
            if len(column) and (column.min() < 0 or column.max() >= end):
                raise ValueError(f"{name} outside 0 … {end - 1}")
        frame = (self.frame_rate * (position_ms / 1000)).astype(np.int64)
        frame[frame < 0] += self.frames
        if len(frame) and frame.min() < 0:
            raise ValueError(f"position_ms {position_ms.min()} is more than {GRID_SECONDS} s before the half")
        np.minimum(frame, self.frames - 1, out=frame)
        return (half * self.classes + label) * self.frames + frame

    def row_start(self, cell: Ints) -> Ints:
        """(N,) the first cell of each cell's row: the frames of its half and class."""
        return cell - cell % self.frames

    def half_of(self, cell: Ints) -> Ints:
        return cell // (self.classes * self.frames)

    def label_of(self, cell: Ints) -> Ints:
        return cell // self.frames % self.classes


def events_on(grid: Grid, truth: Truth) -> tuple[Ints, Bools]:
    """(N,) the cells that hold an event, ascending, and (N,) whether it was shown."""
    cell = grid.cells(truth.half, truth.label, truth.position_ms)
    last = _last_written(cell)
    return cell[last], truth.visible[last]


def predictions_on(grid: Grid, predictions: Predictions) -> tuple[Ints, Floats]:
    """(N,) the cells that hold a prediction, ascending, and (N,) its confidence.

    A negative confidence empties its cell.
    """
    cell = grid.cells(predictions.half, predictions.label, predictions.position_ms)
    last = _last_written(cell)
    last = last[predictions.confidence[last] >= 0]
    return cell[last], predictions.confidence[last]


def _last_written(cell: Ints) -> Ints:
    """Rows that bring each cell once, cells ascending, the last row of equals."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    return order[np.append(ordered[1:] != ordered[:-1], True)] if len(cell) else order


def nearest_is_visible(grid: Grid, event: Ints, visible: Bools, cell: Ints) -> Bools:
    """(N,) whether the event nearest to each prediction, in its half and class, was shown.

    Where two events are equally near, up to the rounding of their midpoint, the later one counts. In a half without
    an event of the class a prediction counts as not shown.
    """
    if not len(event):
        return np.zeros(len(cell), bool)
    row = grid.row_start(event)
    territory_end = row + grid.frames
    neighbours = row[1:] == row[:-1]
    # Cells are frame numbers plus the start of their row, so the midpoint must be taken of the frames.
    midpoint = row[:-1] + (event[:-1] - row[:-1] + event[1:] - row[1:]) // 2
    territory_end[:-1][neighbours] = midpoint[neighbours]
    nearest = np.minimum(np.searchsorted(territory_end, cell, side="right"), len(event) - 1)
    found: Bools = visible[nearest] & (row[nearest] == grid.row_start(cell))
    return found
