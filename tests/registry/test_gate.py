from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from benchmarks.simulated_counts import ROWS, THRESHOLDS, Counts, Games, Kind, average_map
from rmsnet.evaluation.average_precision import Counted
from rmsnet.evaluation.bootstrap import drawn_weights
from rmsnet.evaluation.metric import Judged
from rmsnet.features.games import UsedGames
from rmsnet.params import RegisterParams
from rmsnet.registry.gate import (
    RESAMPLES,
    Duel,
    duel,
    games_check,
    p_values,
    standard_errors,
    statistical_checks,
    used_games_checks,
)
from rmsnet.registry.judging import choose
from rmsnet.registry.levels import Level

GATE = RegisterParams()
FIRST = Level(0.01, questions=0, elsewhere=0, promotions=0)
TOLERANCES = np.array([5.0, 20.0, 40.0, 60.0])

differences = st.floats(-1, 1).filter(lambda value: value == 0 or abs(value) > 1e-9)
errors = st.floats(1e-6, 1)


def judged(counts: Counts, games: Games, life: int = 0) -> Judged:
    """A model in one of the lives, as the metric keeps it; one class."""
    of_life = counts[..., life].reshape(len(counts), ROWS, THRESHOLDS).astype(np.float64)
    evidence = Counted(
        of_life[:, :-1, None], of_life[:, -1:, None], games.events[:, life : life + 1].astype(np.float64)
    )
    return Judged(len(counts), TOLERANCES, evidence, None, None)


def pair(games: int, recalls: tuple[float, float], seed: int = 0) -> tuple[Judged, Judged]:
    drawn = Games(games, 1, np.random.default_rng(seed))
    one, two = (judged(drawn.counts(Kind(recall)), drawn) for recall in recalls)
    return one, two


def p_values_of_lives(games: int, recalls: tuple[float, float], lives: int, seed: int) -> np.ndarray:
    """(lives,) of a model of the first recall against one of the second, each on games of its own."""
    drawn = Games(games, lives, np.random.default_rng(seed))
    weights = np.concatenate([np.ones((1, games)), drawn_weights(games, RESAMPLES, seed=0)]).astype(np.float32)
    one, two = (average_map(weights, drawn.counts(Kind(recall)), drawn.events) for recall in recalls)
    made = (one - two).astype(np.float64)
    return p_values(made[0], standard_errors(made[1:], games), games)


def passes(made: Duel, level: Level = FIRST) -> bool:
    return all(check.passed for check in statistical_checks(made, ("goal",), level, GATE))


def test_p_values_of_equal_models_are_uniform():
    """500 pairs on 30 games of their own. docs/registry.md has the rates at small levels."""
    made = p_values_of_lives(30, (0.7, 0.7), lives=500, seed=1)
    assert kstest(made, "uniform").statistic < 0.09  # exceeded once in 2,000 by chance
    assert (made <= 0.05).mean() < 0.08


def test_a_clearly_better_model_mostly_passes_and_a_worse_one_never():
    better = p_values_of_lives(50, (0.95, 0.7), lives=60, seed=2)
    assert (better <= FIRST.value).mean() > 0.8
    assert (1 - better > FIRST.value).all()


def test_the_gate_judges_the_simulated_counts_as_the_benchmark_does():
    games = Games(12, 3, np.random.default_rng(3))
    one, two = games.counts(Kind(0.8)), games.counts(Kind(0.6))
    weights = np.concatenate([np.ones((1, 12)), drawn_weights(12, RESAMPLES, seed=0)]).astype(np.float32)
    fast = average_map(weights, one, games.events) - average_map(weights, two, games.events)
    for life in range(3):
        made = duel(judged(one, games, life), judged(two, games, life))
        assert made.difference == pytest.approx(fast[0, life], abs=1e-6)
        assert made.differences == pytest.approx(fast[1:, life], abs=1e-6)


def test_the_same_predictions_are_no_reason():
    one, _ = pair(20, (0.6, 0.6))
    made = duel(one, one)
    assert (made.difference, made.low, made.high, made.p_value) == (0, 0, 0, 1)
    assert not passes(made, replace(FIRST, value=0.5))


def test_challenger_and_champion_change_places_and_the_bounds_their_signs():
    one, two = pair(30, (0.7, 0.5))
    made, mirrored = duel(one, two), duel(two, one)
    assert made.difference == -mirrored.difference
    assert made.low == pytest.approx(-mirrored.high, abs=1e-12)
    assert made.p_value == pytest.approx(1 - mirrored.p_value, abs=1e-12)


def test_the_standard_error_is_that_of_all_resamples_of_three_games():
    one, two = pair(3, (0.9, 0.5))
    weights = np.array([np.bincount(drawn, minlength=3) for drawn in product(range(3), repeat=3)], np.float64)
    of_one, of_two = (
        np.trapezoid(side.everything.average_precision(weights)[:, :, 0], axis=1) / 3 for side in (one, two)
    )
    assert duel(one, two).error == pytest.approx((of_one - of_two).std() * np.sqrt(3 / 2), rel=0.07)


@given(differences, errors, st.integers(2, 300))
def test_a_p_value_and_that_of_the_opposite_make_one(difference, error, games):
    both = p_values(np.array([difference, -difference]), np.array([error, error]), games)
    assert both.sum() == pytest.approx(1)
    assert ((both >= 0) & (both <= 1)).all()


@given(differences, st.floats(0, 1), errors, st.integers(2, 300))
def test_a_larger_difference_never_has_a_larger_p_value(difference, more, error, games):
    small, large = p_values(np.array([difference, difference + more]), np.array([error, error]), games)
    assert large <= small


@given(st.floats(1e-6, 1), errors, st.integers(2, 300), st.integers(1, 300))
def test_the_same_difference_in_standard_errors_says_more_on_more_games(difference, error, games, more):
    few, many = (float(p_values(np.array(difference), np.array(error), number)) for number in (games, games + more))
    assert many <= few + 1e-12


@given(st.floats(-1, 1), st.integers(2, 300))
def test_where_nothing_varies_nothing_is_proved(difference, games):
    assert p_values(np.array(difference), np.array(0.0), games) == 1


def made_of(**changes) -> Duel:
    better = Duel(
        25, 0.7, 0.6, 0.03, 0.001, 0.05, 0.15, np.full(100, 0.1), np.full(2, 0.1), np.full(2, 0.0), np.full(2, 0.2)
    )
    return replace(better, **changes)


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, []),
        ({"p_value": 0.01}, []),
        ({"p_value": 0.011}, ["better beyond doubt"]),
        ({"p_value": 0.6}, ["better beyond doubt"]),
        ({"class_difference": np.array([0.3, -0.1]), "class_high": np.array([0.4, -0.06])}, ["no class falls"]),
        ({"class_difference": np.array([0.3, -0.1]), "class_high": np.array([0.4, -0.04])}, []),
    ],
    ids=["better", "just", "not surely better", "not better", "a class falls", "a class may have fallen"],
)
def test_what_the_numbers_must_say(changes, failed):
    checks = statistical_checks(made_of(**changes), ("card", "goal"), FIRST, GATE)
    assert [check.name for check in checks if not check.passed] == failed
    if failed == ["no class falls"]:
        assert "goal by 10.0 (at least 6.0)" in checks[-1].detail


def test_a_decision_says_its_p_value_its_level_and_which_question_it_was():
    detail = statistical_checks(made_of(), ("card", "goal"), replace(FIRST, questions=11), GATE)[0].detail
    assert "equal models show as much in 0.1 % of cases, question 12 may err in 1 %" in detail


@pytest.mark.parametrize("games", [3, 19, 20])
def test_a_few_games_decide_nothing(games):
    assert games_check(games, GATE).passed == (games >= 20)


def test_among_models_that_the_best_does_not_surely_surpass_the_first_named_asks():
    """Which of two equal ones has the higher number depends on seed and processor."""
    models = {
        "poor": pair(20, (0.05, 0.05), 1)[0],
        "one": pair(20, (0.6, 0.6), 1)[0],
        "two": pair(20, (0.6, 0.6), 1)[1],
    }

    def chosen(*names: str):
        folders = [Path(name) for name in names]
        return choose(folders, lambda model: models[model.name].scores().average_map, lambda one: models[one.name])

    assert chosen("poor", "one", "two").model.name == "one"
    assert chosen("poor", "two", "one").model.name == "two"
    whys = {chosen(*names).why.partition(" ")[2][:27] for names in (("one", "two"), ("two", "one"))}
    assert "is not surely better on val" in whys
    assert chosen("poor", "one").why == "the best on valid, surely better than those named before it"
    assert chosen("poor").why == ""


ONE, TWO, THREE = (frozenset([key, f"labels of {key}"]) for key in ("one", "two", "three"))


def uses(learned=(), chosen=()) -> UsedGames:
    return UsedGames(frozenset().union(*learned), frozenset().union(*chosen))


@pytest.mark.parametrize(
    ("challenger", "champion", "failed"),
    [
        (uses([THREE], [THREE]), None, []),
        (uses([THREE], [THREE]), uses([THREE], [THREE]), []),
        (uses([TWO]), uses(), ["never learned from these games"]),
        (uses([{"labels of one"}]), None, ["never learned from these games"]),
        (uses(), uses([ONE]), ["never learned from these games"]),
        (uses([], [TWO]), None, ["never chosen by these games"]),
        (uses(), uses([], [ONE]), ["never chosen by these games"]),
        (None, uses(), ["never learned from these games"]),
    ],
    ids=["apart", "both", "trained", "renamed", "champion trained", "stopped", "champion stopped", "nobody knows"],
)
def test_neither_model_has_used_the_games_that_decide(challenger, champion, failed):
    checks = used_games_checks([ONE, TWO], challenger, champion, challenged=True)
    assert [check.name for check in checks if not check.passed] == failed


def test_a_first_champion_may_have_been_chosen_by_the_games_but_never_trained_on_them():
    for used, passes in ((uses([], [ONE]), True), (uses([ONE]), False), (None, False)):
        assert all(check.passed for check in used_games_checks([ONE], used, None, challenged=False)) == passes


def test_the_spread_per_game_is_what_the_standard_error_says():
    assert made_of().spread == pytest.approx(0.03 * 5)


def test_models_judged_on_other_games_are_not_compared():
    with pytest.raises(ValueError, match="same games"):
        duel(pair(10, (0.6, 0.6))[0], pair(11, (0.6, 0.6))[1])
