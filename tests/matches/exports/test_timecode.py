"""Time codes and frame times, exactly, at every rate."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.errors import UserError
from rmsnet.matches.exports.timecode import DROP_FRAME, frame_of, frame_shown, milliseconds, timecode
from tests.matches.exports.timelines import NTSC, RATES

rates = st.sampled_from(RATES)
frames = st.integers(0, 24 * 3600 * 24 - 1)
"""Of a day, at the slowest rate."""


@pytest.mark.parametrize(
    ("frame", "label"),
    [
        (1798, "00:00:59;28"),
        (1799, "00:00:59;29"),
        (1800, "00:01:00;02"),
        (17981, "00:09:59;29"),
        (17982, "00:10:00;00"),
        (107957, "01:00:02;05"),
    ],
)
def test_drop_frame_labels_at_29_97(frame, label):
    assert timecode(frame, NTSC, drop=True) == label
    assert frame_of(label, NTSC) == frame


def test_at_59_94_four_labels_a_minute_are_dropped():
    rate = Fraction(60000, 1001)
    assert [timecode(frame, rate, drop=True) for frame in (3599, 3600)] == ["00:00:59;59", "00:01:00;04"]
    assert timecode(10 * 3600 - 36, rate, drop=True) == "00:10:00;00"


def test_the_same_frame_has_another_label_without_drops():
    assert timecode(107957, NTSC, drop=False) == "00:59:58:17"
    assert frame_of("01:00:02:01", Fraction(24)) == 86449


@pytest.mark.parametrize(
    ("code", "rate", "says"),
    [
        ("00:04:00;01", NTSC, "00:04:00;01: drop-frame leaves this label out"),
        ("00:01:00;03", Fraction(60000, 1001), "leaves this label out"),
        ("00:00:00;00", Fraction(25), "25 frames a second have no drop-frame time code"),
        ("00:00:00;00", Fraction(30), "30 frames a second have no drop-frame time code"),
        ("00:00:00;00", Fraction(24000, 1001), "23.976 frames a second have no drop-frame time code"),
        ("00:00:00:25", Fraction(25), "names no frame"),
        ("00:60:00:00", Fraction(25), "names no frame"),
        ("24:00:00:00", Fraction(25), "names no frame"),
        ("1:00:00:00", Fraction(25), "not a time code"),
        ("00:00:00:00", Fraction(25, 2), "12.5 frames a second have no time code"),
    ],
)
def test_what_names_no_frame_is_refused_in_one_line(code, rate, says):
    with pytest.raises(UserError, match=says):
        frame_of(code, rate)


def test_a_rate_without_a_drop_frame_form_is_refused():
    with pytest.raises(UserError, match="25 frames a second have no drop-frame time code; only 29"):
        timecode(0, Fraction(25), drop=True)


def test_after_a_day_time_codes_begin_again():
    assert timecode(24 * 3600 * 25, Fraction(25), drop=False) == "00:00:00:00"
    assert timecode(frame_of("23:59:59;29", NTSC) + 1, NTSC, drop=True) == "00:00:00;00"


@given(frames, rates, st.booleans())
def test_a_time_code_leads_back_to_its_frame(frame, rate, drop):
    assert frame_of(timecode(frame, rate, drop and rate in DROP_FRAME), rate) == frame


@pytest.mark.parametrize("drop", [True, False])
@pytest.mark.parametrize("rate", sorted(DROP_FRAME))
def test_opentimelineio_counts_labels_alike(ask_otio, rate, drop):
    some = [*range(0, 40_000, 7), *range(1_000_000, 2_000_000, 997)]
    theirs = ask_otio(frames=some, rate=float(rate), drop=drop)
    assert theirs == [timecode(frame, rate, drop) for frame in some]


@given(frames, st.sampled_from(sorted(DROP_FRAME)))
def test_drop_frame_codes_stay_within_a_sixth_of_a_second_of_the_clock_over_a_day(frame, rate):
    code = timecode(frame, rate, drop=True)
    hours, minutes, seconds, frame_number = (int(part) for part in code.replace(";", ":").split(":"))
    said = 3600 * hours + 60 * minutes + seconds + Fraction(frame_number, round(rate))
    assert abs(said - frame / rate) < Fraction(3, 20)


@given(frames, rates)
def test_a_frame_written_in_milliseconds_comes_back(frame, rate):
    """Truncated both ways, frame 29 of 25 a second came back as 28."""
    assert frame_shown(milliseconds(frame, rate), rate) == frame


@given(st.integers(0, 100 * 60_000), rates)
def test_a_time_is_that_of_the_frame_that_is_shown_at_it(position_ms, rate):
    frame = frame_shown(position_ms, rate)
    half = Fraction(1, 2000)
    assert frame / rate <= Fraction(position_ms, 1000) + half < (frame + 1) / rate + 2 * half


def test_positions_are_frames_as_soccernet_counts_them():
    assert frame_shown(1160, Fraction(25)) == 1160 // 40
    assert frame_shown(1500, Fraction(2)) == 3


def test_before_the_start_the_first_frame_stands():
    assert frame_shown(0, NTSC) == frame_shown(-4000, NTSC) == 0
