from dataclasses import replace

import numpy as np
import pytest

from rmsnet.evaluation import PROTOCOLS, Judged, compare, interval, judge, resample
from rmsnet.spots import Predictions, Truth


def population(games: int, seed: int, detector: int = 0, quality: float = 0.6) -> tuple[Truth, Predictions]:
    """Games of one half and two classes, some harder than others, and what a detector makes of them.

    It finds events with a probability of `quality` on average, some seconds off, and gives three false alarms a game.
    Another `detector` is another of the same quality on the same games.
    """
    random = np.random.default_rng(seed)
    events = random.poisson(5, size=games)
    half = np.repeat(np.arange(games), events)
    when, label = random.integers(2_700_000, size=len(half)), random.integers(2, size=len(half))
    ease = random.beta(4, 4, size=games) * 2 * quality
    random = np.random.default_rng([seed, detector])
    seen = np.flatnonzero(random.random(len(half)) < ease[half])
    alarms = np.repeat(np.arange(games), random.poisson(3, size=games))
    shifted = when[seen] + random.normal(0, 4000, size=len(seen))
    found = Predictions(
        np.concatenate([half[seen], alarms]),
        np.concatenate([np.maximum(shifted, 0), random.integers(2_700_000, size=len(alarms))]).astype(np.int64),
        np.concatenate([label[seen], random.integers(2, size=len(alarms))]),
        np.concatenate([random.beta(4, 2, size=len(seen)), random.beta(2, 4, size=len(alarms))]),
    )
    return Truth(half, when, label, np.ones(len(half), bool)), found


def judged(truth: Truth, found: Predictions, games: int, **options) -> Judged:
    options = {"tolerances": [5, 10, 20], **options}
    return judge(truth, found, game_of_half=np.arange(games), classes=2, frame_rate=2.0, **options)


def only(everything: Judged, games) -> Judged:
    """The same, of some of the games."""
    counted = everything.everything
    part = replace(
        counted, hits=counted.hits[games], predictions=counted.predictions[games], events=counted.events[games]
    )
    return Judged(len(games), everything.tolerances, part, None, None)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_resample_scores_what_the_metric_scores_on_the_drawn_games(protocol):
    """Every drawn game is copied as a game of its own and judged from the beginning."""
    games = 12
    truth, found = population(games, seed=1)
    everything = judged(truth, found, games, protocol=protocol)
    sampled = resample(everything, resamples=4, seed=5)
    for number, drawn in enumerate(np.random.default_rng(5).integers(games, size=(4, games))):
        parts = [(np.flatnonzero(truth.half == game), np.flatnonzero(found.half == game)) for game in drawn]
        of_truth, of_found = (np.concatenate(rows) for rows in zip(*parts, strict=True))
        new_half = [np.repeat(np.arange(games), [len(rows[kind]) for rows in parts]) for kind in (0, 1)]
        copied = judged(
            Truth(new_half[0], truth.position_ms[of_truth], truth.label[of_truth], truth.visible[of_truth]),
            Predictions(new_half[1], found.position_ms[of_found], found.label[of_found], found.confidence[of_found]),
            games,
            protocol=protocol,
        ).scores()
        assert sampled.ap[number] == pytest.approx(copied.ap, abs=1e-12)
        assert sampled.average_map[number] == pytest.approx(copied.average_map, abs=1e-12)
        assert sampled.per_class[number] == pytest.approx(copied.per_class, abs=1e-12)
        assert sampled.map_by_tolerance[number] == pytest.approx(copied.map_by_tolerance, abs=1e-12)


def test_the_same_seed_gives_the_same_interval():
    everything = judged(*population(20, seed=0), 20)
    first, again, other = (interval(resample(everything, 50, seed).average_map) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_interval_of_one_game_is_refused():
    with pytest.raises(ValueError, match="at least two"):
        resample(judged(*population(1, seed=2), 1))


def test_two_that_were_not_judged_alike_are_not_compared():
    truth, found = population(5, seed=0)
    with pytest.raises(ValueError, match="not judged on the same games"):
        compare(judged(truth, found, 5), judged(truth, found, 5, tolerances=[5, 10]))
    with pytest.raises(ValueError, match="not judged on the same games"):
        compare(judged(truth, found, 5), judged(*population(6, seed=0), 6))


def test_a_result_compared_with_itself_differs_by_nothing():
    everything = judged(*population(20, seed=0), 20)
    comparison = compare(everything, everything, 50)
    difference = comparison.average_map
    assert (difference.value, difference.low, difference.high, difference.probability_positive) == (0, 0, 0, 0.5)
    assert comparison.games == 20
    assert len(comparison.per_class) == 2


def test_a_result_that_lacks_some_hits_is_worse_and_pairing_sees_it():
    """A tenth of the predictions thrown away: far less than what one set of games differs from another."""
    truth, found = population(60, seed=4)
    keep = np.random.default_rng(0).random(len(found.half)) > 0.1
    fewer = Predictions(found.half[keep], found.position_ms[keep], found.label[keep], found.confidence[keep])
    better, worse = judged(truth, found, 60), judged(truth, fewer, 60)
    difference = compare(better, worse, 300).average_map
    assert difference.value == better.scores().average_map - worse.scores().average_map
    assert 0 < difference.low < difference.value < difference.high
    assert difference.probability_positive > 0.95
    low, high = interval(resample(better, 300).average_map)
    assert difference.high - difference.low < 0.7 * (high - low)
    backwards = compare(worse, better, 300).average_map
    assert backwards.low == pytest.approx(-difference.high)
    assert backwards.probability_positive == pytest.approx(1 - difference.probability_positive)


@pytest.mark.slow
@pytest.mark.parametrize("quality", [0.6, 0.8])
def test_the_interval_covers_the_expected_score_about_as_often_as_it_says(quality):
    """300 test sets of 50 games drawn from a population; 95 % of the intervals would cover their mean score."""
    size, games, sets = 4000, 50, 300
    everything = judged(*population(size, seed=7, quality=quality), size)
    random = np.random.default_rng(8)
    drawn = [only(everything, random.integers(size, size=games)) for _ in range(sets)]
    expected = np.mean([test_set.scores().average_map for test_set in drawn])
    ends = np.array([interval(resample(one, 200, number).average_map) for number, one in enumerate(drawn)])
    covered = np.mean((ends[:, 0] <= expected) & (expected <= ends[:, 1]))
    assert 0.90 <= covered <= 0.98


@pytest.mark.slow
def test_equal_detectors_are_rarely_told_apart():
    """Two of the same quality on the same 50 games: the paired interval excludes their difference in about 5 %."""
    size, games, sets = 4000, 50, 300
    one, two = (judged(*population(size, seed=7, detector=detector), size) for detector in (0, 1))
    gap = one.scores().average_map - two.scores().average_map
    assert abs(gap) < 0.01
    random = np.random.default_rng(9)
    below = above = 0
    for number in range(sets):
        drawn = random.integers(size, size=games)
        difference = compare(only(one, drawn), only(two, drawn), 200, number).average_map
        below += difference.high < gap
        above += difference.low > gap
    assert 0.01 <= (below + above) / sets <= 0.09
    assert max(below, above) / sets <= 0.06
