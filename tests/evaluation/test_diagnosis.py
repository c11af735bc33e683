"""Reliability, timing errors and bands: numbers that can be counted by hand, and rules that hold for all input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.evaluation import plots
from rmsnet.evaluation.assessment import Assessment, Corpus, assess
from rmsnet.evaluation.bootstrap import drawn_weights
from rmsnet.evaluation.comparison import difference_rows
from rmsnet.evaluation.diagnosis import BINS, MOST_TIMING_BINS, RECALLS, Timing, diagnose, reliability, timing_histogram
from rmsnet.evaluation.diagnosis_tables import diagnosis_tables
from rmsnet.evaluation.metric import PROTOCOLS
from rmsnet.evaluation.overall import confusion_matrix
from rmsnet.evaluation.pairs import at_tolerances, by_game
from rmsnet.spots import Predictions, Truth

CLASSES = ("card", "subs", "soccer")
GAMES = 4


def judged(
    events: list[tuple[int, int, int]],
    predictions: list[tuple[int, int, int, float]],
    resamples: int = 0,
    protocol: str = "devkit",
) -> Assessment:
    """A half a game; events (game, second, label), predictions (game, second, label, confidence)."""
    event = np.array(events, np.int64).reshape(-1, 3)
    found = np.array(predictions, np.float64).reshape(-1, 4)
    truth = Truth(event[:, 0], 1000 * event[:, 1], event[:, 2], np.ones(len(event), bool))
    half, seconds, label = found[:, :3].astype(np.int64).T
    halves = tuple((f"game {number}", 1) for number in range(GAMES))
    corpus = Corpus("test", "valid", halves, CLASSES, truth, 2.0, True, False)
    spots = Predictions(half, 1000 * seconds, label, found[:, 3])
    return assess("test", corpus, spots, resamples=resamples, protocol=protocol)  # type: ignore[arg-type]


def test_true_confidences_have_no_error_and_sure_mistakes_have_all():
    right = [(0, 100, 0), (1, 100, 0)]
    true = diagnose(judged(right, [(0, 100, 0, 1.0), (1, 100, 0, 1.0)]))
    assert true.reliability[-1].expected_error == 0
    wrong = diagnose(judged(right, [(0, 900, 0, 1.0), (1, 900, 0, 1.0)]))
    assert (wrong.reliability[-1].expected_error, wrong.reliability[-1].overconfidence) == (1, 1)


def test_the_error_is_the_mean_distance_of_confidence_and_precision_by_bin():
    found = diagnose(judged([(0, 100, 0)], [(0, 100, 0, 0.62), (1, 100, 0, 0.68), (2, 500, 1, 0.15)]))
    card, _, _, everything = found.reliability
    assert card.count.tolist() == [0, 0, 0, 0, 0, 0, 2, 0, 0, 0]
    assert (card.confidence[6], card.precision[6]) == (pytest.approx(0.65), 0.5)
    assert card.expected_error == pytest.approx(0.15)
    assert everything.expected_error == pytest.approx((2 * 0.15 + 0.15) / 3)


def test_a_confidence_above_one_counts_as_one():
    found = diagnose(judged([(0, 100, 0)], [(0, 100, 0, 7.5)])).reliability[0]
    assert (found.count[-1], found.confidence[-1], found.expected_error) == (1, 1, 0)


def test_late_is_positive_and_early_negative():
    found = diagnose(judged([(0, 100, 0), (1, 100, 0), (0, 300, 2)], [(0, 103, 0, 0.5), (1, 98, 0, 0.5)]))
    assert sorted(found.timing[0].seconds) == [-2, 3]
    assert (found.timing[0].median, found.timing[0].mean_distance) == (0.5, 2.5)
    assert (found.timing[2].median, found.timing[2].mean_distance) == (None, None)
    assert found.reach_seconds == 30


@given(st.integers(0, 2000), st.sampled_from([1.0, 2.0, 25.0]))
def test_every_possible_error_is_in_the_histogram_and_its_bins_mirror_each_other(reach, frame_rate):
    frames = np.arange(-reach, reach + 1)
    edges, hits = timing_histogram(Timing(frames / frame_rate), reach / frame_rate, frame_rate)
    assert hits.sum() == len(frames)
    assert len(hits) % 2 == 1
    assert len(hits) <= MOST_TIMING_BINS
    assert edges.tolist() == pytest.approx((-edges[::-1]).tolist())
    assert hits.tolist() == hits[::-1].tolist()


SPOT = st.tuples(st.integers(0, GAMES - 1), st.integers(0, 300), st.integers(0, 2))
EVENTS = st.lists(SPOT, max_size=12, unique=True)
FOUND = st.dictionaries(SPOT, st.floats(0, 1), max_size=12)


def of(events, predictions, **options) -> Assessment:
    return judged(events, [(*spot, confidence) for spot, confidence in predictions.items()], **options)


@given(EVENTS, FOUND)
def test_every_prediction_is_in_one_bin_and_every_hit_has_its_time(events, predictions):
    assessment = of(events, predictions)
    found = diagnose(assessment)
    hits = np.diag(confusion_matrix(assessment))[:3].tolist()
    assert found.reliability[-1].count.sum() == len(predictions)
    assert [len(timing.seconds) for timing in found.timing] == hits
    assert [round(float(one.count @ one.precision)) for one in found.reliability] == [*hits, sum(hits)]
    assert all(0 <= one.expected_error <= 1 for one in found.reliability)
    assert all(np.abs(timing.seconds).max(initial=0) <= found.reach_seconds for timing in found.timing)


@given(EVENTS, FOUND)
def test_interpolated_precision_falls_and_its_mean_at_eleven_recalls_is_the_average_precision(events, predictions):
    assessment = of(events, predictions)
    evidence = assessment.judged.everything
    at = evidence.interpolated_precision(np.ones((1, GAMES)), -1, np.arange(11) / 10)[0]
    assert at.mean(axis=1) == pytest.approx(assessment.scores.ap[-1])
    assert np.all(np.diff(at, axis=1) <= 0)


@given(EVENTS, FOUND)
def test_the_2018_protocols_interpolated_precision_is_the_best_of_its_curve_from_there(events, predictions):
    assessment = of(events, predictions, protocol="soccernet-2018")
    at = assessment.judged.everything.interpolated_precision(np.ones((1, GAMES)), -1, RECALLS)[0]
    for found, curve in zip(at, assessment.judged.everything.curves(-1), strict=True):
        best = [curve.precision[curve.recall >= recall].max(initial=0) for recall in RECALLS]
        assert found == pytest.approx(best)


def test_intervals_are_those_of_the_drawn_games():
    counts = np.zeros((GAMES, BINS, 3))
    counts[:, 9] = [[1, 1, 1], [1, 1, 1], [1, 1, 0], [1, 1, 0]]
    counts[0, 2] = [1, 0.2, 0]
    weights = drawn_weights(GAMES, 500, seed=0)
    found = reliability(counts, weights)
    assert found.ends is not None
    assert found.ends[:, 9] == pytest.approx(np.quantile(weights[:, :2].sum(axis=1) / GAMES, [0.025, 0.975]))
    assert found.ends[:, 2].tolist() == [0, 0]
    assert np.isnan(found.ends[:, 5]).all()
    assert reliability(counts, None).ends is None


EXAMPLE = ([(game, 100, game % 3) for game in range(GAMES)], {(game, 103, game % 3): 0.7 for game in range(3)})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_pictures_and_tables_of_an_evaluation_are_made(protocol):
    assessment = of(*EXAMPLE, resamples=20, protocol=protocol)
    diagnosis, confusion = diagnose(assessment), confusion_matrix(assessment)
    drawn = plots.drawings(assessment, diagnosis, confusion)
    assert tuple(drawn) == plots.NAMES
    assert all(one.png.startswith(b"\x89PNG") and one.svg.startswith(b"<?xml") for one in drawn.values())
    tables = diagnosis_tables(assessment, diagnosis, confusion)
    assert [len(rows) for rows in tables.values()] == [3 * len(RECALLS), 4 * BINS, 3 * MOST_TIMING_BINS, 4]


def test_two_sets_differ_at_each_tolerance_by_their_average_precisions_and_most_where_one_found_nothing():
    events, predictions = EXAMPLE
    first = of(events, predictions, resamples=20)
    one = of(events, {spot: sure for spot, sure in predictions.items() if spot[0] != 2}, resamples=20)
    found = at_tolerances(one, first)
    assert np.array_equal(found.value, one.scores.ap - first.scores.ap)
    assert found.ends is not None
    assert np.all(found.ends[0] <= found.ends[1])
    assert len(difference_rows([first, one])) == 3 * len(first.scores.tolerances)
    worst, *others = by_game(first, one)
    assert (worst.game, worst.events, worst.scores[1]) == ("game 2", 1, 0)
    assert worst.difference < 0
    assert [game.difference for game in others] == [0, 0, 0]


def test_a_set_differs_from_itself_nowhere():
    one = of(*EXAMPLE, resamples=20)
    found = at_tolerances(one, one)
    assert found.ends is not None
    assert not found.value.any()
    assert not found.ends.any()
