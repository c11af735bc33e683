"""The clock of a recording, on the times of its packets alone."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rmsnet.video.clock import LONGEST_GAP_SECONDS, Clock, continuous

MILLISECOND = Fraction(1, 1000)
STEP = 40


def clock_of(times, keys=None, decoded=None) -> Clock:
    """Of packets at times in ms, a key frame every 25."""
    keys = [number % 25 == 0 for number in range(len(times))] if keys is None else keys
    return continuous(times, times if decoded is None else decoded, keys, MILLISECOND, STEP)


def piece(start: int, pictures: int) -> list[int]:
    return [start + STEP * number for number in range(pictures)]


def on_the_clock(times, clock: Clock) -> list[int]:
    shift, shifts, placed = 0, {one.packet: one.ticks for one in clock.breaks}, []
    for number, time in enumerate(times):
        shift = shifts.get(number, shift)
        if number not in clock.strays:
            placed.append(time + shift)
    return placed


@given(st.lists(st.tuples(st.integers(0, 10**8), st.integers(1, 8)), min_size=1, max_size=5))
def test_pieces_whose_clocks_start_anywhere_follow_one_another(pieces):
    """Where the clock goes back, or leaps by more than a half can last; a leap within a half is a gap, and stays."""
    times: list[int] = []
    expected: list[int] = []
    for start, seconds in pieces:
        ahead = start - times[-1] if times else 0
        assume(not times or ahead != 0)
        step = ahead if 0 < ahead <= 1000 * LONGEST_GAP_SECONDS else STEP
        expected += piece(expected[-1] + step if times else start, 25 * seconds)
        times += piece(start, 25 * seconds)
    assert on_the_clock(times, clock_of(times)) == expected


@given(st.integers(0, 10**9), st.lists(st.integers(1, 1000 * LONGEST_GAP_SECONDS), max_size=50))
def test_a_clock_that_goes_on_is_left_alone(start, pauses):
    times = [start]
    for pause in pauses:
        times.append(times[-1] + pause)
    assert clock_of(times) == Clock()


def test_pictures_that_are_stored_in_the_order_of_decoding_are_no_breaks():
    times = [number * STEP + offset for number in range(0, 300, 3) for offset in (2 * STEP, 0, STEP)]
    keys = [number % 75 == 0 for number in range(len(times))]
    assert clock_of(times, keys, decoded=piece(-80, 300)) == Clock()


@pytest.mark.parametrize("wrong", [0, 3_000_000_000, 5_000])
def test_a_packet_on_another_clock_between_packets_on_one_is_a_stray(wrong):
    times = piece(10_000, 100)
    times[40] = wrong
    assert clock_of(times) == Clock(strays=frozenset({40}))


def test_packets_before_the_clock_begins_are_strays():
    clock = clock_of([8_000_000_000, *piece(1000, 100)])
    assert (clock.first, clock.strays, clock.breaks) == (1, {0}, ())


def test_the_end_is_that_of_the_last_picture_on_the_clock():
    times = [*piece(5000, 50), *piece(0, 25)]
    clock = clock_of(times)
    assert clock.end(times, [STEP] * 75, MILLISECOND, STEP) == 5000 + 75 * STEP
    assert clock.breaks[0].seconds == 7.0
