from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from online_fdr.p_values import Gai
from scipy.stats import t

from rmsnet.params import RegisterParams
from rmsnet.registry.levels import PastDecision, games_to_see, next_level, outlook, share, visible_difference

STRICT, FDR = RegisterParams(control="strict"), RegisterParams(control="fdr")
GAMES = frozenset("abcde")

answers = st.lists(st.booleans(), max_size=40)
controls = st.sampled_from([STRICT, FDR])


def asked(promoted: bool = False, line: str = "ours", games: frozenset[str] = GAMES) -> PastDecision:
    return PastDecision(line, games, promoted, spread=0.16)


def level(past, params=STRICT, games=GAMES) -> float:
    return next_level(past, "ours", games, params).value


def levels(promotions: list[bool], params: RegisterParams) -> list[float]:
    """The level of each question of a life, and of the one that comes next."""
    past = [asked(promoted) for promoted in promotions]
    return [level(past[:number], params) for number in range(len(past) + 1)]


def test_the_first_question_of_a_budget_of_five_percent_is_asked_at_one():
    assert level([]) == pytest.approx(0.01, rel=0.02)
    assert [share(question) for question in (1, 2, 21)] == pytest.approx([1 / 5, 2 / 15, 1 / 150])


@given(st.integers(0, 5000))
def test_a_budget_is_never_overspent_and_in_the_end_spent(refusals):
    spent = sum(share(question + 1) for question in range(refusals))
    assert spent == pytest.approx(1 - 4 / (4 + refusals))


@given(answers)
def test_strict_spends_less_than_the_budget_until_the_first_wrong_promotion_whenever_that_is(promotions):
    *passed, following = levels(promotions, STRICT)
    refused = [value for value, promoted in zip(passed, promotions, strict=True) if not promoted]
    assert sum(refused) + following < STRICT.error_rate


@given(answers)
def test_fdr_spends_less_than_a_budget_for_each_promotion(promotions):
    *passed, following = levels(promotions, FDR)
    refused = [value for value, promoted in zip(passed, promotions, strict=True) if not promoted]
    assert sum(refused) + following < FDR.error_rate * max(1, sum(promotions))


@given(answers)
def test_fdr_is_the_alpha_investing_of_the_published_library(promotions):
    class Shares:
        def calc_gamma(self, j, *_):
            return share(j)

    investing = Gai(FDR.error_rate, FDR.error_rate * (1 - 1e-12))
    investing.seq = Shares()
    for value, promoted in zip(levels(promotions, FDR), [*promotions, False], strict=True):
        investing.test_one(0.0 if promoted else 1.0)
        assert investing.last_test_level == pytest.approx(value)


@given(answers, controls)
def test_a_refusal_makes_the_next_question_stricter_and_a_promotion_never_does(promotions, params):
    past = [asked(promoted) for promoted in promotions]
    assert level([*past, asked()], params) < level(past, params)
    assert level([*past, asked(promoted=True)], params) >= level(past, params)


@given(answers)
def test_strict_is_never_more_generous_than_fdr(promotions):
    past = [asked(promoted) for promoted in promotions]
    assert level(past, STRICT) <= level(past, FDR)


@given(answers, controls, st.sets(st.text(max_size=2)))
def test_new_games_and_new_names_of_them_do_not_reset_a_line(promotions, params, games):
    past = [asked(promoted) for promoted in promotions]
    assert level(past, params, games) == level(past, params)


@given(st.booleans(), st.sets(st.sampled_from("abcdefgh"), min_size=1), controls)
def test_another_line_counts_as_refused_where_it_shares_a_game_and_not_at_all_where_it_does_not(
    promoted, games, params
):
    past = [asked(promoted, "theirs", frozenset(games))]
    made = next_level(past, "ours", GAMES, params)
    shared = bool(games & GAMES)
    assert (made.questions, made.elsewhere, made.promotions) == (shared, shared, 0)
    assert made.value == level([asked()] if shared else [], params)


@given(answers)
def test_a_new_name_for_a_line_buys_no_level(promotions):
    past = [asked(promoted) for promoted in promotions]
    renamed = [replace(decision, line="before") for decision in past]
    assert level(renamed, FDR) <= level(past, FDR)


def test_promotions_after_the_first_open_a_budget_for_the_share_and_not_for_the_strict_one():
    past = [asked(promoted=True), asked(), asked(promoted=True)]
    assert level(past, STRICT) == level([asked()])
    assert level(past, FDR) == pytest.approx(level([]) + level([asked()]), rel=0.02)
    assert next_level(past, "ours", GAMES, FDR).promotions == 2


@given(st.floats(1e-6, 0.2), st.floats(0.005, 0.5), st.floats(0.01, 0.5))
def test_the_games_to_see_a_difference_are_the_fewest(value, difference, spread):
    games = games_to_see(difference, value, spread)
    assert visible_difference(value, games, spread) <= difference
    assert games == 2 or visible_difference(value, games - 1, spread) > difference


def test_a_visible_difference_passes_in_four_of_five_cases():
    """20,000 sets of 30 games: a standard error of 0.3 %; the approximation of the power costs less than 1 %."""
    random = np.random.default_rng(0)
    differences = visible_difference(0.005, 30, 0.16) + 0.16 * random.standard_normal((20_000, 30))
    statistics = differences.mean(axis=1) / differences.std(axis=1, ddof=1) * np.sqrt(30)
    assert (t.sf(statistics, 29) <= 0.005).mean() == pytest.approx(0.8, abs=0.02)


def test_fresh_games_restore_the_sight_of_the_first_question_and_not_its_level():
    past = [asked() for _ in range(20)]
    seen = outlook(past, "ours", GAMES, STRICT, 50)
    assert seen.visible > seen.visible_at_first
    assert visible_difference(level(past), 50 + seen.fresh_games, past[-1].spread) <= seen.visible_at_first
    assert 35 < seen.fresh_games < 60


def test_without_a_question_there_is_no_spread_to_tell_what_can_be_seen():
    assert outlook([], "ours", GAMES, STRICT, 50).visible is None
    assert outlook([asked()], "ours", GAMES, FDR, 50).fresh_games >= 0


@pytest.mark.parametrize(("key", "value"), [("error_rate", 0.0), ("error_rate", 0.7)])
def test_an_impossible_budget_is_refused(key, value):
    with pytest.raises(ValueError, match=key):
        RegisterParams(**{key: value})
