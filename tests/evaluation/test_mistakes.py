import numpy as np

from rmsnet.dataset.periods import Period
from rmsnet.evaluation import counting
from rmsnet.evaluation.assessment import Corpus, assess
from rmsnet.evaluation.mistakes import FalseAlarm, Miss, mistakes
from rmsnet.spots import Predictions, Truth

HALVES = (("one", 1), ("one", 2))


def found_in(events, found, tolerances=(10,)):
    half, seconds, label, shown = (np.array(column) for column in zip(*events, strict=True)) if events else [[]] * 4
    truth = Truth(
        np.asarray(half, np.int64),
        1000 * np.asarray(seconds, np.int64),
        np.asarray(label, np.int64),
        np.asarray(shown, bool),
    )
    columns = list(zip(*found, strict=True)) if found else [[]] * 4
    predictions = Predictions(
        np.array(columns[0], np.int64),
        1000 * np.array(columns[1], np.int64),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.float64),
    )
    corpus = Corpus("test", "test", HALVES, ("Goal", "Foul"), truth, 2.0, True, True)
    return mistakes(assess("model", corpus, predictions, tolerances=tolerances, resamples=0))


def test_misses_come_loneliest_first_and_unsure_ones_after_them():
    misses, _ = found_in(
        [(0, 60, 0, True), (0, 600, 0, True), (0, 1200, 0, True), (1, 30, 1, False), (1, 90, 0, True)],
        [(0, 61, 0, 0.9), (0, 602, 0, 0.2), (0, 1260, 0, 0.8)],
    )
    assert misses == [
        Miss("one", 2, "01:30", "47'", "Goal", True, None, None),
        Miss("one", 2, "00:30", "46'", "Foul", False, None, None),
        Miss("one", 1, "20:00", "21'", "Goal", True, None, 60.0),
        Miss("one", 1, "10:00", "11'", "Goal", True, 0.2, 2.0),
        Miss("one", 1, "01:00", "2'", "Goal", True, 0.9, 1.0),
    ]


def test_false_alarms_come_most_confident_first_with_the_nearest_event_of_any_class():
    _, alarms = found_in(
        [(0, 60, 0, True), (0, 300, 1, True)],
        [(0, 60, 0, 0.9), (0, 62, 0, 0.5), (0, 290, 0, 0.8), (1, 60, 0, 0.7)],
    )
    assert alarms == [
        FalseAlarm("one", 1, "04:50", "5'", "Goal", 0.8, "Foul", 10.0),
        FalseAlarm("one", 2, "01:00", "47'", "Goal", 0.7, None, None),
        FalseAlarm("one", 1, "01:02", "2'", "Goal", 0.5, "Goal", 2.0),
    ]


def test_times_are_said_in_the_clock_of_the_sport():
    truth = Truth(np.array([2]), np.array([251_000]), np.array([0]), np.array([True]))
    nothing = Predictions(*(np.zeros(0, np.int64) for _ in range(3)), np.zeros(0))
    quarters = tuple(Period(f"Q{number}", 12) for number in (1, 2, 3, 4))
    halves = tuple(("one", number) for number in (1, 2, 3, 4))
    corpus = Corpus("nba", "test", halves, ("dunk",), truth, 1.0, False, True, periods=quarters)
    ((miss,), _) = mistakes(assess("model", corpus, nothing, resamples=0))
    assert (miss.half, miss.time, miss.minute) == (3, "04:11", "Q3 4:11")


def test_the_largest_tolerance_decides_what_is_found():
    event, near = [(0, 60, 0, True)], [(0, 70, 0, 0.9)]
    assert [miss.confidence for miss in found_in(event, near, (5, 10))[0]] == [None]
    assert [miss.confidence for miss in found_in(event, near, (5, 20))[0]] == [0.9]


def test_without_events_or_predictions_there_is_nothing_to_list():
    assert found_in([], []) == ([], [])
    assert found_in([], [(0, 70, 0, 0.9)]) == ([], [FalseAlarm("one", 1, "01:10", "2'", "Goal", 0.9, None, None)])
    assert found_in([(0, 60, 0, True)], []) == ([Miss("one", 1, "01:00", "2'", "Goal", True, None, None)], [])


def test_the_halves_may_be_searched_one_by_one(monkeypatch):
    """Equal confidences and cells that several predictions share included; many more mistakes than are asked for."""
    random = np.random.default_rng(0)
    halves = tuple((f"game {game}", half) for game in range(6) for half in (1, 2))
    columns = [
        (random.integers(12, size=n), random.integers(60_000, size=n), random.integers(3, size=n)) for n in (90, 400)
    ]
    truth = Truth(*columns[0], random.random(90) < 0.5)
    predictions = Predictions(*columns[1], random.integers(5, size=400) / 4)
    corpus = Corpus("made up", "test", halves, ("a", "b", "c"), truth, 2.0, True, True)

    def found():
        assessment = assess("some", corpus, predictions, tolerances=(5, 10), resamples=10)
        return assessment.metrics(), mistakes(assessment, limit=20)

    at_once = found()
    monkeypatch.setattr(counting, "PREDICTIONS_AT_ONCE", 1)
    assert found() == at_once
    assert [len(rows) for rows in at_once[1]] == [20, 20]
