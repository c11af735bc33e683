"""SRT and WebVTT, read back by FFmpeg."""

from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.matches.exports import srt, vtt
from rmsnet.matches.exports.cues import clock, cues
from rmsnet.matches.exports.cuts import halves, reel
from tests.matches.exports.timelines import NTSC, RATES, event, moment, source, timeline

WRITERS = {"srt": srt.write, "vtt": vtt.write}


def read(path):
    """(start, end, text) in milliseconds, as FFmpeg demultiplexes and decodes."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.size]
        return [
            (packet.pts, packet.pts + packet.duration, b"".join(one.dialogue for one in packet.decode()).decode())
            for packet in packets
        ]


@pytest.mark.parametrize("kind", WRITERS)
def test_ffmpeg_reads_what_is_shown_when(tmp_path, kind):
    (written,) = halves("match", [source()], [event(1.2), event(3), event(3, label="Yellow->red card"), event(2699)])
    path = tmp_path / f"match.{kind}"
    path.write_text(WRITERS[kind](written).text)
    assert read(path) == [
        (1200, 3000, "Goal 1'"),
        (3000, 7000, "Goal 1'\nYellow->red card 1'"),
        (2_699_000, 2_700_000, "Goal 45'"),
    ]


def test_a_time_of_an_hour_and_more_is_written_in_full():
    assert clock(3_853_283, ".") == "01:04:13.283"
    assert clock(3_556_403, ",") == "00:59:16,403"


def test_webvtt_escapes_what_it_takes_for_tags_and_srt_has_no_escapes():
    (first,) = vtt.write(timeline(source(), [(0, 90, [moment(0, "A & B <c> -->")])])).text.splitlines()[3:]
    assert first == "A &amp; B &lt;c&gt; --&gt;"
    assert "A & B <c>" in srt.write(timeline(source(), [(0, 90, [moment(0, "A & B <c>")])])).text


def test_times_are_those_of_the_player_where_the_picture_starts_late():
    late = source(zero=Fraction(1, 2))
    assert cues(halves("match", [late], [event(100)])[0])[0].start == 99_980


def test_in_the_reel_a_name_does_not_outlast_its_cut():
    (written,) = reel("match", [source()], [event(100, after=1), event(300)])
    assert [one[:2] for one in cues(written)] == [(8000, 9000), (17000, 21000)]


@given(st.sampled_from([*RATES, NTSC]), st.lists(st.integers(0, 2_699_900), min_size=1, max_size=8))
def test_subtitles_follow_one_another_and_lose_no_event(rate, times):
    events = [event(ms / 1000) for ms in sorted(times)]
    (written,) = halves("match", [source(rate)], events)
    shown = cues(written)
    assert sum(len(one.lines) for one in shown) == len(events)
    edges = [edge for one in shown for edge in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(one.start < one.end for one in shown)
