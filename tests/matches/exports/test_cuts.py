"""Which frames are cut out of which video."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rmsnet.matches.exports.cuts import Source, halves, plain, reel, whole
from rmsnet.matches.exports.timecode import frame_shown
from tests.matches.exports.timelines import NTSC, RATES, event, source

FIRST = source()


def cuts(timelines):
    return [(cut.first, cut.behind) for one in timelines for cut in one.cuts]


def test_a_cut_shows_the_frames_before_and_behind_its_event_half_open():
    (only,) = reel("match", [FIRST], [event(100)])
    assert cuts([only]) == [((100 - 8) * 25, (100 + 7) * 25)]
    assert [one.frame for one in only.cuts[0].moments] == [2500]
    assert only.name == "match reel"


def test_an_event_at_zero_begins_at_zero_and_one_at_the_end_ends_there():
    (only,) = reel("match", [FIRST], [event(0), event(45 * 60 - 1)])
    assert cuts([only]) == [(0, 7 * 25), ((45 * 60 - 9) * 25, 45 * 60 * 25)]
    assert [one.frame for cut in only.cuts for one in cut.moments] == [0, (45 * 60 - 1) * 25]


def test_what_the_event_itself_shows_is_in_the_cut_even_with_nothing_behind_it():
    (only,) = reel("match", [FIRST], [event(100, after=0)])
    assert cuts([only]) == [(92 * 25, 2501)]


def test_an_event_behind_the_end_is_in_no_timeline():
    assert reel("match", [FIRST], [event(45 * 60)]) == []
    assert not any(cut.moments for cut in whole("match", [FIRST], [event(45 * 60)])[0].cuts)


def test_an_event_at_the_very_start_of_the_second_half_is_the_second_half_s():
    second = source(half=2)
    (only,) = whole("match", [FIRST, second], [event(45 * 60 - 0.04), event(0, half=2)])
    assert [[one.frame for one in cut.moments] for cut in only.cuts] == [[45 * 60 * 25 - 1], [0]]
    assert [frame for frame, *_ in only.moments()] == [67499, 67500]


def test_cuts_that_overlap_are_joined_as_in_the_reel_and_keep_their_events():
    (only,) = reel("match", [FIRST], [event(100), event(105, label="card"), event(200)])
    assert cuts([only]) == [(92 * 25, 112 * 25), (192 * 25, 207 * 25)]
    first, second = only.cuts[0].moments
    assert (first.begin, second.begin) == (92 * 25, 102 * 25)  # in the middle of what the two share
    assert only.cuts[0].name == "Goal 2', Card 2'"


def test_seconds_before_and_behind_are_each_event_s_own():
    (only,) = reel("match", [FIRST], [event(100, before=20, after=1), event(200, before=0, after=3)])
    assert cuts([only]) == [(80 * 25, 101 * 25), (200 * 25, 203 * 25)]


def test_the_first_picture_may_come_later_than_the_sound():
    late = source(zero=Fraction(1, 2))
    (only,) = reel("match", [late], [event(100)])
    assert only.cuts[0].moments[0].frame == 2500 - 12.5 // 1 - 1
    assert late.frame_at(0.2) == 0
    (clock,) = halves("match", [late], [event(100)])
    assert clock.zero == Fraction(1, 2)


def test_halves_of_different_rates_have_a_timeline_each():
    other = source(NTSC, half=2, drop=True)
    two = reel("match", [FIRST, other], [event(100), event(100, half=2)])
    assert [(one.name, one.rate, one.drop) for one in two] == [
        ("match reel half-1", Fraction(25), False),
        ("match reel half-2", NTSC, True),
    ]


@given(
    st.sampled_from(RATES),
    st.lists(st.tuples(st.integers(0, 2_699_900), st.floats(0, 30), st.floats(0, 30)), min_size=1, max_size=8),
)
def test_every_event_is_in_one_cut_and_cuts_share_no_more_than_a_frame(rate, drawn):
    events = [event(ms / 1000, before=before, after=after) for ms, before, after in sorted(drawn)]
    (only,) = reel("match", [source(rate)], events)
    assert all(one.behind <= other.first + 1 for one, other in pairwise(only.cuts))
    moments = [one for cut in only.cuts for one in cut.moments]
    assert [one.frame for one in moments] == [frame_shown(one.position_ms, rate) for one in events]
    for cut in only.cuts:
        assert 0 <= cut.first < cut.behind <= cut.source.frames
        begins = [one.begin for one in cut.moments]
        assert begins == sorted(begins)
        assert begins[0] == cut.first
        assert all(cut.first <= one.begin <= one.frame < cut.behind for one in cut.moments)


def test_names_become_one_plain_line():
    assert plain("a\x00b\n c\udcff\ufffe\t d") == "a\ufffdb c\ufffd\ufffd d"
    assert plain("1 – Ö 球 🙂") == "1 – Ö 球 🙂"


def test_a_source_lasts_as_long_as_its_frames():
    assert Source(1, FIRST.path, NTSC, 30000, zero=Fraction(1)).seconds == 1002.0
