"""The first protocol, `soccernet-2018`: events are segments as long as the tolerance, judged like activity detections.

Source: Results_Spotting.ipynb and eval_detection.py (after ActivityNet's) of SilvioGiancola/SoccerNet-code
(Giancola et al. 2018).
"""

from collections.abc import Sequence

import numpy as np

from rmsnet.evaluation.average_precision import Ranked
from rmsnet.evaluation.cells import Bools, Ints
from rmsnet.spots import Predictions, Truth


def rank_segments(
    truth: Truth, predictions: Predictions, game_of_half: Ints, *, games: int, classes: int, tolerances: Sequence[float]
) -> Ranked:
    """Match predictions, best first, with segments at every tolerance.

    In whole seconds: an event at g is the segment from g - int(D/2) to g + int(D/2), a prediction at p the segment from
    p to p + 1. Predictions are walked by falling confidence, the later written first among equals (the reversed
    ascending sort of the source); each takes, of the free segments of its half and class that it overlaps, the one
    listed last (all overlap it alike).

    Args:
        truth: the events; whether they were shown does not matter.
        predictions: the predictions; negative confidences count too.
        game_of_half: (halves,) which game each half belongs to.
        games: G, number of games.
        classes: C, number of classes.
        tolerances: D, seconds.
    """
    order = np.argsort(predictions.confidence, kind="stable")[::-1]
    row = (predictions.half * classes + predictions.label)[order]
    second = predictions.position_ms[order] // 1000
    event_row = truth.half * classes + truth.label
    event_second = truth.position_ms // 1000
    hit = np.stack([_hits(row, second, event_row, event_second, int(tolerance / 2)) for tolerance in tolerances])
    event_group = game_of_half[truth.half] * classes + truth.label
    events = np.bincount(event_group, minlength=games * classes).reshape(games, classes)
    game = game_of_half[predictions.half[order]]
    return Ranked(hit, predictions.confidence[order], predictions.label[order], game, events.astype(np.float64))


def _hits(row: Ints, second: Ints, event_row: Ints, event_second: Ints, reach: int) -> Bools:
    """(N,) whether each prediction, best first, takes an event."""
    order = np.lexsort((event_second, event_row))
    second = np.maximum(second, -reach - 2)  # out of every event's reach, and of the row before
    span = int(max(event_second.max(initial=0), second.max(initial=0))) + 2 * reach + 2
    key = event_row[order] * span + event_second[order] + reach
    low = np.searchsorted(key, row * span + second + 1, side="left")
    high = np.searchsorted(key, row * span + second + 2 * reach, side="right")
    hit = np.zeros(len(row), bool)
    free = np.ones(len(order), bool)
    for prediction in np.flatnonzero(high > low).tolist():
        candidates = np.flatnonzero(free[low[prediction] : high[prediction]]) + low[prediction]
        if len(candidates):
            free[candidates[np.argmax(order[candidates])]] = False
            hit[prediction] = True
    return hit
