import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.params import SpotParams
from rmsnet.spotting.decoding import (
    ClipScores,
    _is_peak,
    decode,
    hard_suppression,
    soft_suppression,
    spread,
    vote_curves,
)
from tests.builders import bank

T = 41


def scores(rows, classes=3):
    """Clips from (half, frame, {class: probability}); the background has the rest."""
    probability = np.zeros((len(rows), classes + 1))
    for number, (_, _, of_class) in enumerate(rows):
        for label, value in of_class.items():
            probability[number, label] = value
    probability[:, -1] = 1 - probability[:, :-1].sum(axis=1)
    return ClipScores(
        np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.float64), probability
    )


def test_the_paper_takes_the_winner_of_each_clip_unless_it_is_the_background():
    found = decode(scores([(0, 10, {0: 0.3, 2: 0.6}), (0, 60, {1: 0.4})]), bank([200]), T, SpotParams())
    assert found.label.tolist() == [2]
    assert found.confidence.tolist() == [0.6]
    assert found.position_ms.tolist() == [5500]


def test_all_classes_are_scored_when_asked():
    clips = scores([(0, 10, {0: 0.3, 2: 0.6}), (0, 60, {1: 0.4})])
    found = decode(clips, bank([200]), T, SpotParams(all_classes=True))
    assert found.label.tolist() == [0, 2, 1]
    assert found.confidence.tolist() == [0.3, 0.6, 0.4]


def test_votes_for_one_event_become_one_prediction_at_their_mean():
    clips = scores([(0, 100 + off, {1: 0.8}) for off in (-1, 0, 0, 1)] * 10 + [(1, 30, {1: 0.5})])
    found = decode(clips, bank([200, 200]), T, SpotParams(stride=1, votes=True))
    assert found.half.tolist() == [0, 1]
    assert found.position_ms.tolist() == [50_500, 15_500]
    assert found.confidence == pytest.approx([40 * 0.8 / T, 0.5 / T])


def test_the_votes_of_many_halves_are_those_of_each_alone():
    random = np.random.default_rng(0)
    frames = (300, 2, 90, 300)  # the third one has no clips
    halves = np.repeat([0, 1, 3], [400, 5, 300])
    all_clips = scores([(half, random.uniform(0, frames[half] - 1), {}) for half in halves])
    all_clips.probability[:] = random.dirichlet([0.3, 0.3, 0.3, 1], len(halves))
    params = SpotParams(stride=1, votes=True)
    found = decode(all_clips, bank(frames), T, params)
    alone = []
    for number, length in enumerate(frames):
        own = halves == number
        clips = ClipScores(np.zeros(own.sum(), np.int64), all_clips.frame[own], all_clips.probability[own])
        part = decode(clips, bank([length]), T, params)
        alone += [(number, *row) for row in zip(part.position_ms, part.label, part.confidence, strict=True)]
    assert list(zip(found.half, found.position_ms, found.label, found.confidence, strict=True)) == alone
    assert len(alone) > 30


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 5))
def test_a_peak_is_exceeded_by_no_neighbour_and_the_first_of_equals(values, reach):
    expected = [
        value > max(values[max(place - reach, 0) : place], default=-1)
        and value >= max(values[place : place + reach + 1])
        for place, value in enumerate(values)
    ]
    assert _is_peak(np.array(values, np.float64), reach).tolist() == expected


def test_votes_are_counted_by_frame_and_class_as_in_figure_7():
    clips = scores([(0, 3.4, {0: 0.9}), (0, 2.6, {0: 0.7}), (0, 5, {1: 0.9}), (0, 5, {1: 0.2}), (1, 3, {0: 0.9})])
    curves = vote_curves(clips, 0, 8, 3)
    assert curves[0].tolist() == [0, 0, 0, 2, 0, 0, 0, 0]
    assert curves[1].tolist() == [0, 0, 0, 0, 0, 1, 0, 0]


def test_hard_suppression_drops_what_is_near_a_better_one():
    kept = hard_suppression(np.array([0.0, 5.0, 9.0, 20.0]), np.array([0.5, 0.9, 0.8, 0.1]), 6.0)
    assert kept.tolist() == [0.0, 0.9, 0.0, 0.1]


def test_soft_suppression_weakens_what_is_near_a_better_one():
    kept = soft_suppression(np.array([0.0, 5.0, 20.0]), np.array([0.5, 0.8, 0.1]), 10.0)
    assert kept == pytest.approx([0.5 * 0.25, 0.8, 0.1])


def test_suppression_keeps_to_its_class_and_half():
    clips = scores([(0, 10, {0: 0.9}), (0, 12, {1: 0.8}), (1, 10, {0: 0.7}), (0, 14, {0: 0.6})])
    found = decode(clips, bank([200, 200]), T, SpotParams(suppression="hard"))
    assert sorted(found.confidence.tolist()) == [0.7, 0.8, 0.9]


points = st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 1)), max_size=30)


@given(points, st.floats(0.1, 50))
def test_after_hard_suppression_no_two_are_near_each_other_and_the_best_is_left(rows, window):
    frame, confidence = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    kept = hard_suppression(frame, confidence, window)
    left = np.sort(frame[kept > 0])
    assert (np.diff(left) >= window).all()
    if rows:
        assert kept.max() == confidence.max()
    assert (soft_suppression(frame, confidence, window) <= confidence).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_spreading_keeps_the_order_and_the_range(values):
    confidence = np.array(values)
    result = spread(confidence)
    assert (result >= 0).all()
    assert (result <= 1).all()
    order = np.argsort(confidence, kind="stable")
    assert (np.diff(result[order]) >= 0).all()


def test_sure_predictions_are_told_apart_by_the_official_thresholds():
    """0.996 and 0.9999 both lie above the threshold 0.995 and below 1 of linspace(0, 1, 200)."""
    low, high = spread(np.array([0.996, 0.9999]))
    assert high - low > 10 / 199
