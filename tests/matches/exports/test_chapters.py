"""Chapters: the rules of YouTube, and FFmpeg as reader."""

import re
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.errors import UserError
from rmsnet.matches.exports import ffmetadata, youtube
from rmsnet.matches.exports.chapters import Chapter, chapters, chapters_of
from rmsnet.matches.exports.cuts import halves, reel
from tests.matches.exports.timelines import event, moment, source, timeline

starts = st.lists(st.tuples(st.integers(-50_000, 3_000_000), st.text("ab", min_size=1)), max_size=12)


def test_a_part_of_a_longer_video_keeps_what_is_running_at_its_start_and_nothing_negative():
    whole = [(0, "Intro"), (2333, "Bread & Fred"), (8125, "Just Chatting"), (9114, "Outro")]
    kept, joined = chapters([(1000 * (start - 8025), title) for start, title in whole], 1_089_000)
    assert kept == [Chapter(0, 100_000, "Bread & Fred"), Chapter(100_000, 1_089_000, "Just Chatting")]
    assert joined == 0


def test_a_later_start_ends_the_one_before_it_whatever_the_order():
    kept, _ = chapters([(7_517_200, "b"), (3_741_565, "a")], 8_000_000)
    assert kept == [
        Chapter(0, 3_741_565, "Start"),
        Chapter(3_741_565, 7_517_200, "a"),
        Chapter(7_517_200, 8_000_000, "b"),
    ]


@given(starts, st.integers(1, 3_000_000), st.sampled_from([1, 10_000]))
def test_chapters_fill_the_video_and_none_is_too_short(drawn, length, least):
    kept, joined = chapters(drawn, length, least)
    assert kept[0].start == 0
    assert kept[-1].end == length
    assert all(one.end == other.start for one, other in pairwise(kept))
    assert all(one.end - one.start >= least for one in kept) or len(kept) == 1
    assert joined == sum(one.title.count(", ") for one in kept)


def test_a_chapter_begins_where_its_cut_or_its_lead_in_begins():
    events = [event(100), event(200)]
    (half,), (cut,) = halves("match", [source()], events), reel("match", [source()], events)
    assert [one[:2] for one in chapters_of(half)[0]] == [(0, 92_000), (92_000, 192_000), (192_000, 2_700_000)]
    assert [one[:2] for one in chapters_of(cut)[0]] == [(0, 15_000), (15_000, 30_000)]


def test_youtube_gets_its_first_chapter_at_zero_and_one_width_of_times():
    (half,) = halves("match", [source()], [event(100), event(200, label="Yellow->red card"), event(2000)])
    assert youtube.write(half).text == "00:00 Start\n01:32 Goal 2'\n03:12 Yellow→red card 4'\n33:12 Goal 34'\n"
    (long,) = halves("match", [source(minutes=100)], [event(100), event(200), event(5000)])
    times = [line.split()[0] for line in youtube.write(long).text.splitlines()]
    assert times == ["00:00:00", "00:01:32", "00:03:12", "01:23:12"]


def test_what_comes_within_ten_seconds_is_joined_and_said():
    events = [event(12), event(19), event(60), event(65), event(100), event(2699)]
    (half,) = halves("match", [source()], events)
    text, remarks = youtube.write(half)
    assert text == "00:00 Goal 1'\n00:11 Goal 1'\n00:52 Goal 2', Goal 2'\n01:32 Goal 2', Goal 45'\n"
    assert remarks == ("chapters of less than 10 s, which YouTube refuses, joined with others: 2",)


def test_fewer_than_three_chapters_are_refused_for_youtube_would_show_none():
    (half,) = halves("match", [source()], [event(100)])
    with pytest.raises(UserError, match="YouTube shows chapters where 3 or more have 10 s, and here 2 would"):
        youtube.write(half)


def test_titles_hold_no_letters_that_a_description_refuses_and_are_not_too_long():
    long = [moment(25 * (100 + second), f"Goal {second}'") for second in range(20)]
    others = [moment(25 * 300, "a <b>"), moment(25 * 400, "c")]
    lines = youtube.write(timeline(source(), [(0, 25 * 600, [*long, *others])])).text.splitlines()
    assert all(len(re.sub(r"^\d\d:\d\d ", "", line)) <= 70 for line in lines)
    assert lines[1].endswith("…")
    assert not re.search("[<>]", "".join(lines))
    assert "a ‹b›" in lines[-2]


def test_ffmpeg_reads_the_same_chapters(tmp_path):
    moments = [moment(100, "a=b; #1 \\ c", begin=50), moment(500, "Goal 1'", begin=400)]
    written = timeline(source(), [(0, 1000, moments)], "A = B; #reel")
    path = tmp_path / "match.ffmetadata"
    path.write_text(ffmetadata.write(written).text)
    with av.open(str(path), format="ffmetadata") as container:
        assert container.metadata["title"] == "A = B; #reel"
        read = [(one["start"], one["end"], one["metadata"]["title"]) for one in container.chapters()]
        assert {one["time_base"] for one in container.chapters()} == {Fraction(1, 1000)}
    assert read == [(0, 2000, "Start"), (2000, 16_000, "a=b; #1 \\ c"), (16_000, 40_000, "Goal 1'")]
