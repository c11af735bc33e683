"""Which predictions are hits (development kit): every event takes the best free prediction near it.

Events are walked in time order. Each takes, of the predictions at most half a tolerance away that no event before it
took, the one with the highest confidence, the earliest of equals.

All rows of the grid are matched at once. Walking is the same as letting every event ask for its best prediction,
every prediction keep the earliest event that asks, and every refused event ask for its next best, until nobody is
refused: the walk's result is the only stable matching (Gale and Shapley 1962), and there is only one because all
predictions rank the events alike.
"""

from collections.abc import Sequence

import numpy as np

from rmsnet.evaluation.cells import Floats, Grid, Ints, covered

NOBODY = -1


def match_near(
    grid: Grid, event: Ints, cell: Ints, confidence: Floats, reaches: Sequence[int]
) -> tuple[Ints, list[Ints]]:
    """Match predictions with events at several reaches.

    Args:
        grid: that numbers the cells.
        event: (E,) cells with an event, ascending.
        cell: (N,) cells with a prediction, ascending.
        confidence: (N,)
        reaches: frames from an event within which a prediction is its.

    Returns:
        (M,) indices of the predictions that the largest reach has near an event, of dense predictions few, and at each
        reach (M,) index of the event that took each of them, -1 for none.
    """
    near = np.flatnonzero(covered(*windows(grid, event, cell, max(reaches)), len(cell)))
    rank = rank_of(confidence[near])
    return near, [match(grid, event, cell[near], rank, reach) for reach in reaches]


def rank_of(confidence: Floats) -> Ints:
    """(N,) place of each prediction by falling confidence, earlier ones first among equals: 0 is the best."""
    rank = np.empty(len(confidence), np.int64)
    rank[np.argsort(-confidence, kind="stable")] = np.arange(len(confidence))
    return rank


def match(grid: Grid, event: Ints, cell: Ints, rank: Ints, reach: int) -> Ints:
    """Match predictions with events.

    Args:
        grid: that numbers the cells.
        event: (E,) cells with an event, ascending.
        cell: (N,) cells with a prediction, ascending.
        rank: (N,) a permutation of 0 … N-1; 0 is the prediction that every event likes best.
        reach: frames from an event within which a prediction is its.

    Returns:
        (N,) index of the event that took each prediction, -1 for none.
    """
    low, high = windows(grid, event, cell, reach)
    by_rank = np.empty_like(rank)
    by_rank[rank] = np.arange(len(rank))
    nobody = len(event)
    holder = np.full(len(cell), nobody)
    asked = np.full(len(event), -1)
    seeking = np.flatnonzero(high > low)
    while len(seeking):
        best = _best_not_asked(rank, low[seeking], high[seeking], asked[seeking])
        finds = best < len(rank)
        seeking, best = seeking[finds], best[finds]
        asked[seeking] = best
        prediction = by_rank[best]
        before = holder[prediction]
        np.minimum.at(holder, prediction, seeking)
        after = holder[prediction]
        displaced = before[(before != after) & (before != nobody)]
        refused = np.zeros(nobody, bool)
        refused[seeking[seeking != after]] = refused[displaced] = True
        seeking = np.flatnonzero(refused)
    holder[holder == nobody] = NOBODY
    return holder


def windows(grid: Grid, event: Ints, cell: Ints, reach: int) -> tuple[Ints, Ints]:
    """(E,) first and (E,) end of the predictions at most `reach` frames from each event, in its half and class."""
    row = grid.row_start(event)
    low = np.searchsorted(cell, np.maximum(event - reach, row), side="left")
    high = np.searchsorted(cell, np.minimum(event + reach, row + grid.frames - 1), side="right")
    return low, high


def _best_not_asked(rank: Ints, low: Ints, high: Ints, asked: Ints) -> Ints:
    """(E,) the smallest rank in each window that is above `asked`; len(rank) where there is none."""
    length = high - low
    start = np.cumsum(length) - length
    ranks = rank[np.arange(length.sum()) + np.repeat(low - start, length)]
    ranks[ranks <= np.repeat(asked, length)] = len(rank)
    return np.minimum.reduceat(ranks, start) if len(start) else start
