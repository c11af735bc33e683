"""Which moments are worth a look."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.annotating.choosing import Scored, by_match, choose_moments, doubt

APART = 30.0


def scored(probability, match: int = 0, half: int = 1, every: float = 10.0) -> Scored:
    """(M, N, C) answers, a moment each ten seconds."""
    answers = np.asarray(probability, np.float64)
    return Scored(match, half, every * np.arange(answers.shape[1]), answers)


def test_of_what_they_agree_on_a_coin_toss_is_the_most_uncertain():
    uncertainty, disagreement = doubt(np.array([[[0.5, 0.02, 0.98, 0.0]]] * 3))
    assert uncertainty[0] == pytest.approx([1.0, 0.141, 0.141, 0.0], abs=1e-3)
    assert disagreement == pytest.approx(0, abs=1e-9)


def test_models_that_are_sure_of_opposite_things_disagree_and_such_a_moment_is_worth_most():
    answers = [[[0.5], [0.99], [0.7]], [[0.5], [0.01], [0.7]]]
    uncertainty, disagreement = doubt(np.array(answers))
    assert uncertainty[:2, 0] == pytest.approx(1.0)
    assert disagreement[:, 0] == pytest.approx([0, 0.919, 0], abs=1e-3)
    first, *_ = choose_moments([scored(answers)], 3, APART)
    assert (first.seconds, first.probability) == (10.0, pytest.approx(0.5))


def test_a_single_model_chooses_by_what_it_is_unsure_of():
    moments = choose_moments([scored([[[0.9], [0.5], [0.0]]])], 3, 5.0)
    assert [moment.seconds for moment in moments] == [10.0, 0.0, 20.0]


def test_a_clip_that_an_event_is_just_leaving_is_no_doubt_of_its_own():
    """Every sure event has such clips on both sides; a doubt that nobody resolves comes first."""
    sure = [0.0, 0.5, 0.99, 0.5, 0.0]
    alone = [0.0, 0.1, 0.4, 0.1, 0.0]
    part = scored(np.array([[*sure, *alone]])[:, :, None], every=1.0)
    assert [moment.seconds for moment in choose_moments([part], 1, 2.0, clip_seconds=3.0)] == [7.0]
    assert [moment.seconds for moment in choose_moments([part], 1, 2.0)] == [1.0]


def test_the_classes_choose_in_turn_however_many_moments_one_of_them_has():
    usual = np.full(300, 0.5)
    rare = np.where(np.arange(300) % 150 == 75, 0.3, 0.001)
    moments = choose_moments([scored(np.stack([usual, rare], axis=1)[None])], 4, APART)
    assert [moment.label for moment in moments] == [0, 1, 0, 1]
    assert {moment.seconds for moment in moments if moment.label == 1} == {750.0, 2250.0}


answers = st.integers(1, 3).flatmap(
    lambda models: st.lists(
        st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=2), min_size=12, max_size=12),
        min_size=models,
        max_size=models,
    )
)


@given(answers, st.integers(0, 20))
def test_no_two_moments_of_a_period_are_near_and_none_is_left_that_could_be_chosen(probability, count):
    parts = [scored(probability, half=half) for half in (1, 2)]
    moments = choose_moments(parts, count, APART)
    assert len(moments) == min(count, len(choose_moments(parts, 1000, APART)))
    for half in (1, 2):
        seconds = sorted(moment.seconds for moment in moments if moment.half == half)
        assert all(later - earlier >= APART for earlier, later in pairwise(seconds))
    if len(moments) < count:
        places = [(part.half, at) for part in parts for at in part.seconds]
        assert all(
            any(moment.half == half and abs(moment.seconds - at) < APART for moment in moments) for half, at in places
        )


def test_the_match_with_the_most_doubt_comes_first_and_its_moments_in_order_of_time():
    sure, unsure = np.full((1, 30, 1), 0.01), np.full((1, 30, 1), 0.5)
    parts = [scored(sure, 0), scored(unsure, 1, 2), scored(unsure, 1, 1)]
    ranked = by_match(choose_moments(parts, 30, APART))
    assert list(ranked) == [1, 0]
    order = [(moment.half, moment.seconds) for moment in ranked[1]]
    assert order == sorted(order)


def test_of_nothing_nothing_is_chosen():
    assert choose_moments([], 10, APART) == []


def test_a_fifth_of_the_looks_sees_most_of_what_the_models_get_wrong_where_random_looks_see_a_fifth():
    """Four hours in which a usual and a rare class happen; three models see both through noise of their own."""
    random = np.random.default_rng(0)
    moments = 1440
    happens = np.stack([random.random(moments) < 0.2, random.random(moments) < 0.01], axis=1)
    signal = np.where(happens, 1.5, -3.0) + random.normal(0, 1.2, (moments, 2))
    answers = 1 / (1 + np.exp(-(signal + random.normal(0, 0.7, (3, moments, 2)))))
    wrong = (answers.mean(axis=0) > 0.5) != happens
    looks = choose_moments([scored(answers)], moments // 5, 10.0)
    seen = wrong[[int(moment.seconds / 10) for moment in looks]]
    assert (seen.sum(axis=0) > 0.6 * wrong.sum(axis=0)).all()
