import json
import time

import numpy as np
import pytest

from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import V1_CLASSES, truth_of
from rmsnet.dataset.soccernet import read_split
from rmsnet.evaluation import LOOSE, TIGHT, average_map
from rmsnet.spots import Predictions, Truth
from tests.builders import truth


def predictions(rows) -> Predictions:
    """Predictions from (half, position_ms, label, confidence)."""
    half, position_ms, label, confidence = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Predictions(
        np.asarray(half, np.int64),
        np.asarray(position_ms, np.int64),
        np.asarray(label, np.int64),
        np.asarray(confidence, np.float64),
    )


def score(events, found, *, halves=1, classes=1, tolerances=LOOSE, frame_rate=2.0):
    return average_map(
        truth(events),
        predictions(found),
        halves=halves,
        classes=classes,
        frame_rate=frame_rate,
        tolerances=tolerances,
    )


@pytest.fixture(scope="module")
def baseline(shared) -> tuple[Truth, Predictions]:
    """The real annotations (v1) of the test split and a published baseline's real predictions."""
    folder = shared / "soccernet"
    labels = GameFiles(folder / "labels_v1.zip")
    found = GameFiles(folder / "predictions" / "MAXPOOL_v1_results_spotting_test.zip")
    halves, rows = [], []
    for number, game in enumerate(read_split(folder, "test")):
        events = game_events(labels, game, class_list("v1"))
        halves += [[event for event in events if event.half == half] for half in (1, 2)]
        for row in json.loads(found.read(game, "results_spotting.json"))["predictions"]:
            half = 2 * number + int(row["half"]) - 1
            rows.append((half, int(row["position"]), V1_CLASSES.index(row["label"]), float(row["confidence"])))
    return truth_of(halves, V1_CLASSES), predictions(rows)


def test_the_published_baseline_scores_what_the_development_kit_says(baseline):
    """Golden numbers: SoccerNet 0.2.0 on the same files, printed with repr."""
    loose = average_map(*baseline, halves=200, classes=3, frame_rate=2.0)
    assert loose.average_map == 0.28822472522759074
    assert loose.per_class.tolist() == pytest.approx(
        [0.15583710679232893, 0.39414291112800437, 0.31469415776243875], rel=0, abs=1e-15
    )
    tight = average_map(*baseline, halves=200, classes=3, frame_rate=2.0, tolerances=TIGHT)
    assert tight.average_map == 0.03628881426763167


def test_a_validation_takes_milliseconds():
    """It follows every epoch: 100 games with an event every seven minutes and a prediction a minute."""
    random = np.random.default_rng(0)
    events = truth(np.stack([random.integers(end, size=1300) for end in (200, 2_700_000, 3)], axis=1))
    found = predictions([(*row, 0.5) for row in np.stack([np.arange(9000) % end for end in (200, 2_699_999, 3)], 1)])
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        average_map(events, found, halves=200, classes=3, frame_rate=2.0)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.1


def test_a_perfect_prediction_scores_one_and_none_scores_zero():
    events = [(0, 10_000, 0), (0, 50_000, 1), (1, 10_000, 0)]
    assert score(events, [(*event, 1.0) for event in events], halves=2, classes=2).average_map == pytest.approx(1)
    assert score(events, [], halves=2, classes=2).average_map == 0
    assert score([], [(0, 10_000, 0, 1.0)]).average_map == 0
    assert score([], []).average_map == 0


def test_a_prediction_may_be_off_by_half_a_tolerance_and_no_more():
    for error_ms, hit in ((2500, 1), (3000, 0)):
        assert score([(0, 60_000, 0)], [(0, 60_000 + error_ms, 0, 0.9)], tolerances=[5]).average_map == hit
        assert score([(0, 60_000, 0)], [(0, 60_000 - error_ms, 0, 0.9)], tolerances=[5]).average_map == hit


def test_half_a_minute_off_counts_at_the_last_tolerance_only():
    assert score([(0, 60_000, 0)], [(0, 90_000, 0, 0.9)]).average_map == pytest.approx(0.5 / 11)


@pytest.mark.parametrize(("error_ms", "expected"), [(500, 1), (1000, 0.875), (2000, 0.375)])
def test_half_seconds_matter_at_tight_tolerances(error_ms, expected):
    assert score([(0, 60_000, 0)], [(0, 60_000 + error_ms, 0, 0.9)], tolerances=TIGHT).average_map == expected


def test_one_of_three_found_is_four_elevenths():
    """Recall 1/3 reaches the levels 0, 0.1, 0.2 and 0.3."""
    events = [(0, 60_000 * minute, 0) for minute in (1, 2, 3)]
    assert score(events, [(0, 60_000, 0, 0.9)]).average_map == pytest.approx(4 / 11)


def test_a_class_without_events_stays_in_the_mean():
    assert score([(0, 60_000, 0)], [(0, 60_000, 0, 0.9)], classes=4).average_map == pytest.approx(1 / 4)


def test_an_event_takes_the_most_confident_prediction_near_it_and_the_others_are_false():
    found = [(0, 59_000, 0, 0.3), (0, 60_000, 0, 0.2), (0, 61_000, 0, 0.4)]
    assert score([(0, 60_000, 0)], found, tolerances=[5]).average_map == 1
    # The best one is nearer to the second event, but the first event comes first.
    one_for_two = score([(0, 60_000, 0), (0, 62_000, 0)], [(0, 62_000, 0, 0.9), (0, 60_000, 0, 0.5)], tolerances=[5])
    assert one_for_two.average_map == 1


def test_an_event_that_is_refused_its_best_prediction_takes_the_next():
    events = [(0, 60_000, 0), (0, 61_000, 0), (0, 62_000, 0)]
    found = [(0, 61_000, 0, 0.9), (0, 61_500, 0, 0.8), (0, 62_500, 0, 0.7)]
    assert score(events, found, tolerances=[5]).average_map == 1


def test_the_last_of_two_predictions_in_one_frame_stays():
    right, wrong = (0, 60_000, 0, 0.9), (0, 600_000, 0, 0.5)
    assert score([(0, 60_000, 0)], [right, wrong, (0, 60_100, 0, 0.1)]).average_map == pytest.approx(0.5)
    assert score([(0, 60_000, 0)], [right, wrong, (0, 60_100, 0, -1.0)]).average_map == 0


def test_confidences_between_two_of_the_200_thresholds_are_equals():
    """Why spread confidences score more: a hit at 0.0011 cannot be told from a false alarm at 0.0010."""
    near = score([(0, 60_000, 0)], [(0, 60_000, 0, 0.0011), (0, 600_000, 0, 0.0010)]).average_map
    spread = score([(0, 60_000, 0)], [(0, 60_000, 0, 0.11), (0, 600_000, 0, 0.10)]).average_map
    assert (near, spread) == (pytest.approx(0.5), pytest.approx(1))


def test_what_lies_past_two_hours_meets_in_the_last_frame():
    assert score([(0, 8_000_000, 0)], [(0, 9_000_000, 0, 0.5)], tolerances=[1]).average_map == 1


def test_visible_and_unshown_events_are_scored_apart():
    events = Truth(np.array([0, 0]), np.array([60_000, 600_000]), np.array([0, 0]), np.array([True, False]))
    found = predictions([(0, 60_000, 0, 0.9)])
    scores = average_map(events, found, halves=1, classes=1, frame_rate=2.0)
    assert scores.visible.average_map == pytest.approx(1)
    assert scores.unshown.average_map == 0
    found = predictions([(0, 600_000, 0, 0.9)])
    unshown = average_map(events, found, halves=1, classes=1, frame_rate=2.0).unshown
    assert (unshown.average_map, unshown.per_class[0]) == (pytest.approx(17 / 13), pytest.approx(1))
    assert average_map(
        events, found, halves=1, classes=1, frame_rate=2.0, tolerances=[5]
    ).unshown.average_map == pytest.approx(1)


@pytest.mark.parametrize(
    ("events", "found", "tolerances", "says"),
    [
        ([(1, 0, 0)], [], LOOSE, "half outside 0 … 0"),
        ([], [(0, 0, 1, 0.5)], LOOSE, "label outside 0 … 0"),
        ([], [(0, -9_000_000, 0, 0.5)], LOOSE, "before the half"),
        ([], [], [], "must be positive and ascend"),
        ([], [], [5, 5], "must be positive and ascend"),
        ([], [], [0, 5], "must be positive and ascend"),
    ],
)
def test_what_the_grid_does_not_have_is_refused(events, found, tolerances, says):
    with pytest.raises(ValueError, match=says):
        score(events, found, tolerances=tolerances)
