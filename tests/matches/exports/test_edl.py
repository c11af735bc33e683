"""CMX 3600, read back by OpenTimelineIO's adapter."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from rmsnet.errors import UserError
from rmsnet.matches.exports import edl
from rmsnet.matches.exports.cuts import reel
from rmsnet.matches.exports.timecode import frame_of
from tests.matches.exports.timelines import NTSC, event, moment, periods_of_one_file, source, timeline

HOUR = "01:00:00:00"


@pytest.fixture
def read(read_otio):
    """The clips of the picture."""
    return lambda text, rate: read_otio(text, "cmx_3600", rate=float(rate))["tracks"][0]["items"]


def test_an_event_a_cut_and_a_line_for_each_moment():
    text = edl.write(timeline(source(start=90000), [(2300, 2675, [moment(2500, "Goal 2'")])])).text
    assert text == (
        "TITLE: match reel\n"
        "FCM: NON-DROP FRAME\n"
        "\n"
        "001  1720P    AA/V  C        01:01:32:00 01:01:47:00 01:00:00:00 01:00:15:00\n"
        "* FROM CLIP NAME: 1_720p.mkv\n"
        "* SOURCE FILE: /video of match/1_720p.mkv\n"
        "* LOC: 01:00:08:00 GREEN   Goal 2', confidence 93 %\n"
    )


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(25), Fraction(30), Fraction(50), Fraction(60)])
def test_opentimelineio_reads_the_same_frames(read, rate):
    (written,) = reel("match", [source(rate), source(rate, half=2)], [event(100), event(103), event(9.5, half=2)])
    clips = read(edl.write(written).text, rate)
    assert [clip["name"] for clip in clips] == ["1_720p.mkv", "2_720p.mkv"]
    begin = frame_of(HOUR, rate)
    for clip, (offset, cut) in zip(clips, written.placed(), strict=True):
        assert clip["source"] == [cut.first, cut.frames]
        assert clip["record"] == [offset, cut.frames]
        assert [(one["name"], one["frame"] - begin) for one in clip["markers"]] == [
            (f"{one.title}, {one.note}", offset + one.frame - cut.first) for one in cut.moments
        ]


def test_three_moments_of_a_cut_are_three_markers(read):
    moments = [moment(frame, name) for frame, name in ((10, "a"), (20, "b"), (30, "c"))]
    (clip,) = read(edl.write(timeline(source(), [(0, 100, moments)])).text, 25)
    assert [one["name"][0] for one in clip["markers"]] == ["a", "b", "c"]


def test_drop_frame_is_written_as_such_on_both_sides_and_at_the_moments():
    film = source(NTSC, drop=True, start=frame_of("10:00:00;00", NTSC))
    text = edl.write(timeline(film, [(1790, 1810, [moment(1800)])])).text
    assert "FCM: DROP FRAME\n" in text
    assert "C        10:00:59;20 10:01:00;12 01:00:00;00 01:00:00;20\n" in text
    assert "* LOC: 01:00:00;10 GREEN" in text


def test_opentimelineio_finds_the_frames_behind_drop_frame_codes(read):
    (written,) = reel("match", [source(NTSC, drop=True)], [event(100), event(700), event(2000)])
    text = edl.write(written).text
    clips = read(text, NTSC)
    assert [clip["source"] for clip in clips] == [[cut.first, cut.frames] for cut in written.cuts]
    assert [clip["record"][0] for clip in clips] == [offset for offset, _ in written.placed()]
    # Its reader drops markers with a semicolon.
    begin, found = frame_of("01:00:00;00", NTSC), re.findall(r"LOC: (\S+)", text)
    assert [frame_of(code, NTSC) - begin for code in found] == [frame for frame, *_ in written.moments()]


def test_videos_of_one_name_have_tapes_of_different_names():
    one, other = source(), source(half=2, path=Path("/other folder/1_720p.mkv"))
    (written,) = reel("match", [one, other], [event(100), event(100, half=2)])
    assert re.findall(r"^00\d  (\S+)", edl.write(written).text, re.MULTILINE) == ["1720P", "1720P2"]


def test_halves_of_one_file_are_on_one_tape():
    (written,) = reel("match", periods_of_one_file(), [event(100), event(100, half=2)])
    assert re.findall(r"^00\d  (\S+)", edl.write(written).text, re.MULTILINE) == ["MATCH", "MATCH"]


def test_a_moment_has_its_place_in_the_time_of_the_record(read):
    (clip,) = read(edl.write(timeline(source(Fraction(24)), [(0, 100, [moment(49)])])).text, 24)
    assert [one["frame"] for one in clip["markers"]] == [86449]  # 01:00:02:01


def test_a_silent_video_is_cut_without_sound():
    assert " V     C " in edl.write(timeline(source(channels=0), [(0, 10, [])])).text


def test_more_cuts_than_it_can_number_are_refused():
    many = timeline(source(), [(frame, frame + 1, []) for frame in range(1000)])
    with pytest.raises(UserError, match="1000 cuts, and an EDL numbers 999; raise --confidence"):
        edl.write(many)
