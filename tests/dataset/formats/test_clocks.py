"""Times as texts: what they mean, and what is no time."""

from fractions import Fraction

import pytest

from rmsnet.dataset.formats.clocks import clock, ms_of_clock, period_of_minute
from rmsnet.dataset.formats.times import game_time, ms_of_seconds, rate, rounded, whole_ms
from rmsnet.errors import UserError


@pytest.mark.parametrize(
    ("text", "hours", "position_ms"),
    [
        ("59:16.403", True, 3_556_403),  # hours may be left out, as in WebVTT
        ("1:04:13.283", True, 3_853_283),
        ("01:04:13,283", True, 3_853_283),
        ("100:05", False, 6_005_000),
        ("5:7", False, 307_000),
        ("0:00", False, 0),
        ("12:34.54", False, 754_540),  # a decimal fraction: half a second and 40 ms
        ("-0:00:00.200", True, -200),
        ("12,5", None, 12_500),
    ],
)
def test_a_clock_is_read(text, hours, position_ms):
    assert ms_of_clock(text, hours) == position_ms


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("1:02:03", False),
        ("12", True),
        ("1:60", False),
        ("1:60:00", True),
        ("", True),
        ("a:b", True),
        ("1:2:3:4", True),
    ],
)
def test_what_is_no_such_clock_is_refused(text, hours):
    with pytest.raises(ValueError, match="is not like"):
        ms_of_clock(text, hours)


def test_a_clock_is_written_so_that_it_reads_back():
    for position_ms in (0, 1, 999, 59_999, 60_000, 3_599_999, 3_600_000, 6_005_007, -200):
        assert ms_of_clock(clock(position_ms), hours=True) == position_ms
        assert ms_of_clock(clock(position_ms, hours=False), hours=False) == position_ms
    assert clock(3_853_283) == "1:04:13.283"
    assert clock(307_000, hours=False) == "05:07"


def test_a_minute_of_a_match_is_in_its_period():
    """ "120'" is not minute 12, "120+2" not 1202, and 45+3 comes before 47'."""
    assert period_of_minute("120'") == (4, 14 * 60_000)
    assert period_of_minute("120+2") == (4, 16 * 60_000)
    assert period_of_minute("45+3") == (1, 47 * 60_000)
    assert period_of_minute("47'") == (2, 60_000)
    assert sorted([period_of_minute("47'"), period_of_minute("45+3'")])[0] == period_of_minute("45+3")
    assert period_of_minute("1") == (1, 0)


@pytest.mark.parametrize("text", ["1202", "44+2", "", "x", "121", "12:30"])
def test_what_is_no_minute_is_refused(text):
    with pytest.raises(ValueError, match="no minute of a match"):
        period_of_minute(text)


def test_game_times_are_padded_since_others_cut_them_by_place():
    assert game_time(1, 307_900) == "1 - 05:07"
    assert game_time(2, 6_005_000) == "2 - 100:05"
    assert game_time(1, -200) == "1 - 00:00"


def test_numbers_are_rounded_to_the_nearest():
    assert [rounded(Fraction(value)) for value in ("0.5", "1.5", "-0.5", "0.49", "1199.6")] == [1, 2, 0, 0, 1200]
    assert [whole_ms(value) for value in (1160, "1160", "1200.5", 1200.7, "1,5")] == [1160, 1160, 1201, 1201, 2]
    assert ms_of_seconds("380.1234") == 380_123
    assert ms_of_seconds("1e-05") == 0


@pytest.mark.parametrize("value", ["one_second", "", "1/2", float("nan"), float("inf"), "1e99", 10**19, "1" * 10_000])
def test_what_is_no_number_of_milliseconds_is_refused(value):
    with pytest.raises(ValueError, match=r"no number|later than"):
        whole_ms(value)


def test_rates_are_exact():
    assert rate("30000/1001") == Fraction(30000, 1001)
    assert rate("29.97") == Fraction("29.97")
    assert rate(25.0) == 25


@pytest.mark.parametrize("text", ["0", "-1", "1000", "25/0", "fast", "1e9999999", "nan", ""])
def test_what_is_no_rate_is_refused(text):
    with pytest.raises(UserError, match="no frame rate"):
        rate(text)
