"""Learning curves of a row over its seeds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.study.learning import curve_rows, curves_of, draw_curves
from rmsnet.study.summary import estimate
from rmsnet.training.history import Epoch


def history(scores: list[float]) -> list[Epoch]:
    return [Epoch(number, 2 * score, 0, 0, score, 0.1, 1, 1, 1) for number, score in enumerate(scores, start=1)]


def test_each_epoch_has_the_mean_and_the_interval_over_the_seeds() -> None:
    found = curves_of([history([0.1, 0.5]), history([0.3, 0.7])])
    assert [value.mean for value in found.score] == pytest.approx([0.2, 0.6])
    assert found.score[1] == estimate([0.5, 0.7])
    assert found.loss[0] == estimate([0.2, 0.6])


def test_one_training_has_curves_without_a_band() -> None:
    assert [value.ends for value in curves_of([history([0.1, 0.2])]).score] == [None, None]


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), min_size=1, max_size=4))
def test_a_curve_ends_with_the_training_that_stops_first(scores) -> None:
    found = curves_of(list(map(history, scores)))
    assert len(found.score) == len(found.loss) == min(map(len, scores))


def test_the_table_holds_what_the_picture_shows_and_the_picture_is_the_same_each_time() -> None:
    curves = {"full": curves_of([history([0.1, 0.5]), history([0.3, 0.7])]), "other": curves_of([history([0.2])])}
    rows = curve_rows(curves)
    assert [(row["setting"], row["epoch"]) for row in rows] == [("full", 1), ("full", 2), ("other", 1)]
    drawn = draw_curves(curves, "test (simulated)")
    assert drawn.png.startswith(b"\x89PNG")
    assert drawn.svg.startswith(b"<?xml")
    assert drawn == draw_curves(curves, "test (simulated)")
