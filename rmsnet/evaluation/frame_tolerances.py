"""The metric of tennis, diving, figure skating, gymnastics: mAP where a prediction may be off by some frames.

Predictions of a class are walked from the best to the worst. Each takes the nearest event of its video that is still
free, if it is near enough; average precision is the area under the envelope of precision. Classes without an event do
not count.

Source: util/score.py (compute_mAPs) and util/eval.py (non-maximum suppression) of jhong93/spot (Hong et al. 2022).
"""

from collections.abc import Sequence

import numpy as np

from rmsnet.evaluation.average_precision import Ranked
from rmsnet.evaluation.cells import Bools, Floats, Ints
from rmsnet.evaluation.metric import Judged
from rmsnet.spots import Predictions, Truth

TOLERANCES = (0, 1, 2, 4)
"""Frames."""

WINDOW = 1
"""Frames in which the source suppresses what is not the best."""


def judge_frames(
    truth: Truth,
    predictions: Predictions,
    *,
    frame_rates: Floats,
    classes: int,
    tolerances: Sequence[int] = TOLERANCES,
    window: int = WINDOW,
) -> Judged:
    """Match predictions with events at every tolerance.

    Args:
        truth: the events; a `half` is a video.
        predictions: likewise.
        frame_rates: (V,) frames per second of each video.
        classes: C, number of classes.
        tolerances: D, frames.
        window: a prediction with a better one of its class at most so many frames away is left out; 0 none.

    Returns:
        Videos as games, tolerances in frames.
    """
    frame = _frames(truth, frame_rates)
    found = _frames(predictions, frame_rates)
    row = predictions.half * classes + predictions.label
    order = np.argsort(-predictions.confidence, kind="stable")
    if window:
        # Among equals the source's suppression leaves the earlier first, in the videos' order.
        order = np.lexsort((found, _first_row(predictions.half), -predictions.confidence))
        order = order[not_suppressed(row, found, predictions.confidence, window)[order]]
    event_row = truth.half * classes + truth.label
    hit = np.stack([_hits(row[order], found[order], event_row, frame, tolerance) for tolerance in tolerances])
    events = np.bincount(event_row, minlength=len(frame_rates) * classes).reshape(-1, classes).astype(np.float64)
    ranked = Ranked(hit, predictions.confidence[order], predictions.label[order], predictions.half[order], events)
    return Judged(len(frame_rates), np.asarray(tolerances, np.float64), ranked, None, None)


def _frames(spots: Truth | Predictions, frame_rates: Floats) -> Ints:
    """(N,) the frame, numbered from 0, that is nearest to each spot."""
    nearest = np.floor(spots.position_ms * frame_rates[spots.half] / 1000 + 0.5)
    return np.maximum(nearest, 0).astype(np.int64)


def _first_row(video: Ints) -> Ints:
    """(N,) the first row of each row's video."""
    _, first, place = np.unique(video, return_index=True, return_inverse=True)
    return np.asarray(first[place], np.int64)


def not_suppressed(row: Ints, frame: Ints, confidence: Floats, window: int) -> Bools:
    """(N,) whether no other prediction of the row, in another frame at most `window` away, is more confident.

    What is suppressed suppresses all the same; equals leave one another alone.
    """
    order = np.lexsort((frame, row))
    row, frame, confidence = row[order], frame[order], confidence[order]
    kept = np.ones(len(order), bool)
    for step in range(1, len(order)):
        near = (row[step:] == row[:-step]) & (frame[step:] - frame[:-step] <= window)
        if not near.any():
            break
        near &= frame[step:] != frame[:-step]
        kept[step:] &= ~(near & (confidence[:-step] > confidence[step:]))
        kept[:-step] &= ~(near & (confidence[step:] > confidence[:-step]))
    back = np.empty_like(kept)
    back[order] = kept
    return back


def _hits(row: Ints, frame: Ints, event_row: Ints, event_frame: Ints, tolerance: int) -> Bools:
    """(N,) whether each prediction, best first, takes an event.

    Of two events as near, the one listed first is taken; events of one class in one frame are one, which counts as all.
    """
    span = int(max(event_frame.max(initial=0), frame.max(initial=0))) + 2 * tolerance + 1
    key, listed = np.unique(event_row * span + event_frame + tolerance, return_index=True)
    start = row * span + frame
    low, high = np.searchsorted(key, start, side="left"), np.searchsorted(key, start + 2 * tolerance, side="right")
    hit, free = np.zeros(len(row), bool), np.ones(len(key), bool)
    for prediction in np.flatnonzero(high > low).tolist():
        near = np.flatnonzero(free[low[prediction] : high[prediction]]) + low[prediction]
        if len(near):
            distance = np.abs(key[near] - start[prediction] - tolerance)
            free[near[np.lexsort((listed[near], distance))[0]]] = False
            hit[prediction] = True
    return hit
