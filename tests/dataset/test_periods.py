"""Times as people say them."""

import pytest

from rmsnet.dataset.periods import HALVES, Period, as_entries, periods_of, require_in_order


@pytest.mark.parametrize(
    ("period", "seconds", "said"),
    [
        (HALVES[0], 0, "1'"),
        (HALVES[0], 44 * 60 + 59.9, "45'"),
        (HALVES[0], 46 * 60, "45+2'"),
        (HALVES[1], 22 * 60, "68'"),
        (Period("ET", 15, 105), 0, "ET 106'"),
        (Period("ET", 15, 90), 15 * 60, "ET 105+1'"),
        (Period("Q3", 12), 251, "Q3 4:11"),
        (Period("", 30, 30), 30 * 60, "60+1'"),
        (Period("", 90), 61.9, "1:01"),
    ],
)
def test_a_time_is_said_as_its_sport_says_it(period: Period, seconds: float, said: str):
    assert period.said(int(1000 * seconds)) == said


def test_periods_come_back_from_a_config_and_old_configs_have_two_halves():
    quarters = tuple(Period(f"Q{number}", 12) for number in (1, 2, 3, 4))
    assert periods_of({"periods": as_entries(quarters)}) == quarters
    assert periods_of({}) == HALVES


@pytest.mark.parametrize(
    ("periods", "said"),
    [
        ([], "there are none"),
        ([Period("", 45, 0), Period("", 45, 40)], "overlap"),
        ([Period("a", 45, 0), Period("b", 45)], "all of them a first_minute, or none"),
        ([Period("Q1", 12), Period("Q1", 12)], "a name of its own"),
    ],
)
def test_what_is_no_sequence_of_periods_is_refused(periods: list[Period], said: str):
    with pytest.raises(ValueError, match=said):
        require_in_order(periods)
