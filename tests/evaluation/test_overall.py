"""All classes at once: confusion matrix and pooled curve."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.evaluation.assessment import Assessment, Corpus, assess
from rmsnet.evaluation.overall import confusion_matrix, pooled_curve
from rmsnet.spots import Predictions, Truth

CLASSES = ("card", "subs", "soccer")


def judged(events: list[tuple[int, int, int]], predictions: list[tuple[int, int, int, float]]) -> Assessment:
    """Two halves of one game; events (half, second, label), predictions (half, second, label, confidence)."""
    event = np.array(events, np.int64).reshape(-1, 3)
    found = np.array(predictions, np.float64).reshape(-1, 4)
    truth = Truth(event[:, 0], 1000 * event[:, 1], event[:, 2], np.ones(len(event), bool))
    half, seconds, label = found[:, :3].astype(np.int64).T
    corpus = Corpus("test", "valid", (("game", 1), ("game", 2)), CLASSES, truth, 2.0, True, False)
    return assess("test", corpus, Predictions(half, 1000 * seconds, label, found[:, 3]), resamples=0)


def test_hits_confusions_misses_and_false_alarms() -> None:
    assessment = judged(
        [(0, 100, 0), (0, 300, 1), (0, 600, 2), (1, 100, 0)],
        # a card found; a substitution taken for a card; a goal missed; an alarm in the other half; a card missed
        [(0, 110, 0, 0.9), (0, 300, 0, 0.8), (1, 600, 2, 0.7)],
    )
    assert confusion_matrix(assessment).tolist() == [
        [1, 0, 0, 1],
        [1, 0, 0, 0],
        [0, 0, 0, 1],
        [0, 0, 1, 0],
    ]


def test_an_events_own_class_comes_before_a_surer_prediction_of_another() -> None:
    matrix = confusion_matrix(judged([(0, 100, 0)], [(0, 100, 1, 0.99), (0, 120, 0, 0.1)]))
    assert matrix[0, 0] == 1
    assert matrix[3, 1] == 1


def test_the_curve_counts_all_classes_by_falling_confidence() -> None:
    curve = pooled_curve(judged([(0, 100, 0), (0, 300, 1)], [(0, 100, 0, 0.9), (0, 900, 2, 0.5), (0, 300, 1, 0.2)]))
    assert curve.confidence.tolist() == [0.9, 0.5, 0.2]
    assert curve.recall.tolist() == [0.5, 0.5, 1.0]
    assert curve.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3])


SPOT = st.tuples(st.integers(0, 1), st.integers(0, 300), st.integers(0, 2))


@given(st.lists(SPOT, max_size=12, unique=True), st.lists(st.tuples(SPOT, st.floats(0, 1)), max_size=12))
def test_every_event_and_every_prediction_is_counted_once(events, predictions) -> None:
    unique = dict(predictions)
    matrix = confusion_matrix(judged(events, [(*spot, confidence) for spot, confidence in unique.items()]))
    by_class = np.bincount([label for *_, label in events], minlength=3)
    assert matrix[:3].sum(axis=1).tolist() == by_class.tolist()
    predicted = np.bincount([label for *_, label in unique], minlength=3)
    assert matrix[:, :3].sum(axis=0).tolist() == predicted.tolist()


def test_nothing_at_all() -> None:
    assessment = judged([], [])
    assert confusion_matrix(assessment).sum() == 0
    assert len(pooled_curve(assessment).recall) == 0
