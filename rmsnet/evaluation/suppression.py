"""Non-maximum suppression as CALF's evaluation does it before it matches (protocol `calf`).

Source: NMS in utils/evaluation.py of cioppaanthony/context-aware-loss (Cioppa et al. 2020).
"""

import numpy as np

from rmsnet.evaluation.cells import Grid, Ints

AT_ONCE = 1 << 14


def not_suppressed(grid: Grid, cell: Ints, rank: Ints, window: float) -> Ints:
    """Indices of the predictions that survive, ascending.

    Predictions are walked from the best to the worst. One that is still there stays and removes the others of its
    half and class from `window / 2` frames before it to, but not at, `window / 2` frames after it.

    Args:
        grid: that numbers the cells.
        cell: (N,) cells with a prediction, ascending.
        rank: (N,) a permutation of 0 … N-1; 0 is the best prediction.
        window: frames.
    """
    row = grid.row_start(cell)
    frame = cell - row
    first = np.maximum(frame - window / 2, 0).astype(np.int64)
    # CALF's window ends before the prediction itself when it is shorter than two frames, and its loop with it.
    end = np.maximum(np.minimum(frame + int(window / 2), grid.frames), frame + 1)
    low = np.searchsorted(cell, row + first)
    high = np.searchsorted(cell, row + end)
    by_rank = np.argsort(rank)
    gone = np.zeros(len(cell), bool)
    survivors = []
    for start in range(0, len(cell), AT_ONCE):
        block = by_rank[start : start + AT_ONCE]
        block = block[~gone[block]]
        for prediction, begin, stop in zip(block.tolist(), low[block].tolist(), high[block].tolist(), strict=True):
            if not gone[prediction]:
                gone[begin:stop] = True
                survivors.append(prediction)
    return np.sort(np.array(survivors, np.int64))
