"""The protocols `calf` and `soccernet-2018` against straightforward implementations written from their sources.

They loop where the library sorts, and share nothing with it. Sources: utils/evaluation.py of
cioppaanthony/context-aware-loss; Results_Spotting.ipynb and eval_detection.py of SilvioGiancola/SoccerNet-code, with
segment_iou and interpolated_prec_rec of ActivityNet's evaluation.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.evaluation import average_map
from rmsnet.spots import Predictions, Truth

FRAME_RATE = 2
FRAMES = 120 * 60 * FRAME_RATE

Event = tuple[int, int, int]
"""Half, milliseconds, class."""
Found = tuple[int, int, int, float]


def trapezoid(values: Sequence[float]) -> float:
    if len(values) == 1:
        return values[0]
    return sum((one + two) / 2 for one, two in pairwise(values)) / (len(values) - 1)


def calf(events: Sequence[Event], found: Sequence[Found], halves: int, classes: int, tolerances) -> float:
    """Average-mAP with CALF's suppression before every matching."""
    target = np.zeros((halves, classes, FRAMES))
    detection = np.full((halves, classes, FRAMES), -1.0)
    for half, position_ms, label in events:
        target[half, label, min(int(FRAME_RATE * position_ms / 1000), FRAMES - 1)] = 1
    for half, position_ms, label, confidence in found:
        detection[half, label, min(int(FRAME_RATE * position_ms / 1000), FRAMES - 1)] = confidence
    maps = []
    for tolerance in tolerances:
        delta = tolerance * FRAME_RATE
        aps = []
        for label in range(classes):
            pairs, total = [], 0
            for half in range(halves):
                kept = suppressed(detection[half, label], delta)
                anchors = np.flatnonzero(target[half, label])
                total += len(anchors)
                used = set()
                for anchor in anchors:
                    best = None
                    for frame in np.flatnonzero(kept >= 0):
                        close = abs(frame - anchor) <= delta / 2
                        if close and frame not in used and (best is None or kept[frame] > kept[best]):
                            best = frame
                    if best is not None:
                        used.add(best)
                pairs += [(kept[frame], frame in used) for frame in np.flatnonzero(kept >= 0)]
            aps.append(eleven_points(pairs, total))
        maps.append(np.mean(aps))
    return trapezoid(maps)


def suppressed(scores: np.ndarray, delta: float) -> np.ndarray:
    left = scores.copy()
    kept = np.full(len(scores), -1.0)
    while left.max() >= 0:
        best = int(np.argmax(left))
        kept[best] = left[best]
        left[int(max(best - delta / 2, 0)) : min(best + int(delta / 2), len(left))] = -1
    return kept


def eleven_points(pairs: Sequence[tuple[float, bool]], total: int) -> float:
    points = []
    for threshold in np.linspace(0, 1, 200):
        counted = [hit for score, hit in pairs if score >= threshold]
        precision = sum(counted) / len(counted) if counted else 0
        points.append((precision, sum(counted) / total if total else 0))
    return sum(max([p for p, r in points if r >= level], default=0) for level in np.arange(11) / 10) / 11


def soccernet_2018(events: Sequence[Event], found: Sequence[Found], classes: int, tolerances) -> float:
    """Average-mAP of segments, with ActivityNet's detection metric at an overlap above 0."""
    maps = []
    for tolerance in tolerances:
        aps = []
        for label in range(classes):
            segments = [
                (half, ms // 1000 - int(tolerance / 2), ms // 1000 + int(tolerance / 2))
                for half, ms, name in events
                if name == label
            ]
            spots = [(half, ms // 1000, score) for half, ms, name, score in found if name == label]
            order = np.argsort([score for *_, score in spots], kind="stable")[::-1]
            free = [True] * len(segments)
            hits = []
            for number in order:
                half, second, _ = spots[number]
                overlap = [
                    max(0, min(end, second + 1) - max(start, second)) / max(end - start, 1) if where == half else 0
                    for where, start, end in segments
                ]
                hit = False
                for segment in np.argsort(overlap, kind="stable")[::-1]:
                    if overlap[segment] <= 0:
                        break
                    if free[segment]:
                        free[segment] = False
                        hit = True
                        break
                hits.append(hit)
            aps.append(area(hits, len(segments)))
        maps.append(np.mean(aps))
    return trapezoid(maps)


def area(hits: Sequence[bool], total: int) -> float:
    """The area under the precision envelope over recall."""
    if not total:
        return 0.0
    precision, recall = [0.0], [0.0]
    for count in range(1, len(hits) + 1):
        precision.append(sum(hits[:count]) / count)
        recall.append(sum(hits[:count]) / total)
    precision.append(0.0)
    recall.append(1.0)
    for number in range(len(precision) - 2, -1, -1):
        precision[number] = max(precision[number], precision[number + 1])
    return sum((recall[n] - recall[n - 1]) * precision[n] for n in range(1, len(recall)))


def ours(events: Sequence[Event], found: Sequence[Found], halves: int, classes: int, tolerances, protocol) -> float:
    half, position_ms, label = np.array(events, np.int64).reshape(-1, 3).T
    columns = list(zip(*found, strict=True)) if found else [(), (), (), ()]
    kinds = (np.int64, np.int64, np.int64, np.float64)
    return average_map(
        Truth(half, position_ms, label, np.ones(len(half), bool)),
        Predictions(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True))),
        halves=halves,
        classes=classes,
        frame_rate=FRAME_RATE,
        tolerances=tolerances,
        protocol=protocol,
    ).average_map


# Crowded, so that suppression, segments and windows overlap; past the end of the grid too.
TIMES = st.integers(0, 60).map(lambda tick: 500 * tick) | st.integers(0, 100_000) | st.integers(7_190_000, 7_300_000)
HALVES, LABELS = st.integers(0, 1), st.integers(0, 1)
CONFIDENCES = st.sampled_from([0.0, 0.5, 1.0, 1.5]) | st.floats(0, 1)
EVENTS = st.lists(st.tuples(HALVES, TIMES, LABELS), max_size=12)
FOUND = st.lists(st.tuples(HALVES, TIMES, LABELS, CONFIDENCES), max_size=30)
TOLERANCES = st.sampled_from([(5, 10, 15), (5, 30, 60), (1, 2, 3), (2.5, 7, 20), (4,)])


@settings(deadline=None, max_examples=40)
@given(events=EVENTS, found=FOUND, tolerances=TOLERANCES)
def test_calf(events, found, tolerances):
    expected = calf(events, found, 2, 2, tolerances)
    assert ours(events, found, 2, 2, tolerances, "calf") == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=120)
@given(events=EVENTS, found=FOUND, tolerances=TOLERANCES)
def test_soccernet_2018(events, found, tolerances):
    expected = soccernet_2018(events, found, 2, tolerances)
    assert ours(events, found, 2, 2, tolerances, "soccernet-2018") == pytest.approx(expected, abs=1e-12)


def test_calf_leaves_one_prediction_where_the_development_kit_counts_two():
    """A second prediction two seconds after the first is a false alarm for the one, and not there for the other."""
    events = [(0, 60_000, 0), (0, 600_000, 0)]
    found = [(0, 60_000, 0, 0.9), (0, 62_000, 0, 0.8), (0, 600_000, 0, 0.7)]
    assert ours(events, found, 1, 1, [10], "calf") == pytest.approx(1)
    assert ours(events, found, 1, 1, [10], "devkit") < 0.9


def test_in_2018_a_whole_second_decides_and_thresholds_do_not():
    event = [(0, 60_000, 0)]
    for second, hit in ((57, 0), (58, 1), (61, 1), (62, 0)):
        assert ours(event, [(0, 1000 * second, 0, 0.5)], 1, 1, [5], "soccernet-2018") == hit
    near = [(0, 60_000, 0, 0.0011), (0, 600_000, 0, 0.0010)]
    assert ours(event, near, 1, 1, [5], "soccernet-2018") == 1
    assert ours(event, near, 1, 1, [5], "devkit") == pytest.approx(0.5)
