"""What a video says of its rate, length and time code."""

from fractions import Fraction

import av
import numpy as np
import pytest

from rmsnet.errors import UserError
from rmsnet.matches.exports.cues import cues
from rmsnet.matches.exports.cuts import halves, reel, whole
from rmsnet.matches.exports.source import source_of
from rmsnet.video.files import Part
from tests.matches.exports.timelines import NTSC, RATES, event
from tests.video.videos import numbered, write_video


def write_film(path, rate, frames=60, *, timecode=None, times=None, time_base=None):
    """A film of frames at a rate, or at some times; each shows its number."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        if time_base:
            stream.time_base = stream.codec_context.time_base = time_base
        if timecode:
            stream.metadata["timecode"] = container.metadata["timecode"] = timecode
        for number, time in enumerate(times or range(frames)):
            frame = av.VideoFrame.from_ndarray(numbered(number))
            frame.pts, frame.time_base = time, time_base or 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mov", "ts"])
@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_exact_whatever_the_container_rounds_it_to(tmp_path, rate, kind):
    film, notes = source_of(1, write_film(tmp_path / f"film.{kind}", rate))
    assert (film.rate, film.frames, film.size, film.channels, notes) == (rate, 60, (96, 64), 0, ())


@pytest.mark.parametrize("kind", ["mp4", "mkv", "mov", "avi"])
@pytest.mark.parametrize(
    ("rate", "timecode", "start", "drop"),
    [
        (NTSC, "01:00:00;00", 107892, True),
        (NTSC, "01:00:00:00", 108000, False),
        (Fraction(25), "10:00:00:00", 900000, False),
        (Fraction(25), None, 0, False),
    ],
)
def test_the_time_code_of_the_first_frame_is_found_where_the_container_keeps_it(
    tmp_path, kind, rate, timecode, start, drop
):
    film, notes = source_of(1, write_film(tmp_path / f"film.{kind}", rate, 10, timecode=timecode))
    assert (film.start, film.drop, notes) == (start, drop, ())


def test_a_label_that_does_not_exist_is_said_and_counting_starts_at_zero(tmp_path):
    film, (note,) = source_of(1, write_film(tmp_path / "film.mkv", NTSC, 10, timecode="00:04:00;01"))
    assert (film.start, film.drop) == (0, False)
    assert note.startswith("film.mkv: its time code cannot be used (00:04:00;01: drop-frame leaves this label out")


def test_drop_frame_at_a_rate_without_it_is_said_and_the_frame_it_names_kept(tmp_path):
    film, (note,) = source_of(1, write_film(tmp_path / "film.mkv", Fraction(30), 10, timecode="00:10:00;00"))
    assert (film.start, film.drop) == (17982, False)
    assert "30 frames a second have no drop-frame time code" in note
    film, (note,) = source_of(1, write_film(tmp_path / "film.mkv", Fraction(25), 10, timecode="00:10:00;00"))
    assert (film.start, film.drop) == (0, False)
    assert "25 frames a second have no drop-frame time code" in note


@pytest.mark.parametrize("kind", ["mp4", "mkv", "ts"])
def test_pictures_that_come_at_no_one_rate_are_said(tmp_path, kind):
    steps = np.random.default_rng(0).choice([33, 34, 40, 50], 99)
    times = [0, *(int(time) for time in np.cumsum(steps))]
    film, (note,) = source_of(1, write_film(tmp_path / f"film.{kind}", 30, times=times, time_base=Fraction(1, 1000)))
    assert note.startswith(f"film.{kind}: its pictures do not come at one rate")
    assert "convert it to a constant rate" in note
    assert film.seconds == pytest.approx(times[-1] / 1000, abs=0.1)


def test_milliseconds_of_a_constant_rate_are_that_rate_even_if_the_header_says_another(tmp_path):
    times = [round(number * 1001 / 30) for number in range(520)]
    path = write_film(tmp_path / "film.mkv", 30, times=times, time_base=Fraction(1, 1000))
    film, notes = source_of(1, path)
    assert (film.rate, notes) == (NTSC, ())


def test_a_picture_that_starts_after_the_sound_is_counted_from_itself(tmp_path):
    path = write_video(tmp_path / "film.mp4", range(500, 2500, 40), sound_ms=2500)
    film, _ = source_of(1, path)
    assert float(film.zero) == pytest.approx(0.5, abs=0.05)
    assert film.frame_at(0.1) == 0
    assert film.frame_at(1.5) == pytest.approx(25, abs=1)
    assert film.channels == 1


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"film\.mp4: no video"):
        source_of(1, tmp_path / "film.mp4")


def test_a_stream_without_a_header_is_counted(tmp_path):
    film, _ = source_of(1, write_film(tmp_path / "film.h264", Fraction(25), 60))
    assert film.frames == pytest.approx(60, abs=1)


def test_of_a_file_that_begins_before_kick_off_the_half_is_shown_and_subtitles_keep_the_clock_of_the_file(tmp_path):
    path = write_film(tmp_path / "1_HQ.mkv", 25, 500)
    (tmp_path / "video.ini").write_text("[1_HQ.mkv]\nstart_time_second = 4\nduration_second = 10\n")
    film, notes = source_of(1, path)
    assert (film.frames, film.seconds, notes) == (500, 10.0, ())
    events = [event(0), event(6, before=1, after=1), event(11)]
    (edits,), (cuts,), (file,) = (make("match", [film], events) for make in (whole, reel, halves))
    assert [(cut.first, cut.behind) for cut in edits.cuts] == [(100, 350)]
    assert [(cut.first, cut.behind) for cut in cuts.cuts] == [(100, 275)]
    assert [(start, lines) for start, _, lines in cues(file)] == [(4000, ("Goal 1'",)), (10_000, ("Goal 1'",))]


def test_subtitles_of_a_match_in_one_file_are_one_file_on_its_clock(tmp_path):
    path = write_film(tmp_path / "match.mp4", 25, 500)
    films = [source_of(half, Part(path, start, 8.0))[0] for half, start in ((1, 2.0), (2, 10.0))]
    events = [event(3, half=1, before=1, after=1), event(4, half=2, before=1, after=1)]
    (file,) = halves("match", films, events)
    assert file.name == "match match"
    assert [start for start, _, _ in cues(file)] == [5000, 14_000]
    (edits,) = whole("match", films, events)
    assert [(cut.first, cut.behind) for cut in edits.cuts] == [(50, 250), (250, 450)]


def test_a_clock_that_breaks_is_said(tmp_path):
    parts = [write_film(tmp_path / f"{number}.ts", 25, 100).read_bytes() for number in (1, 2)]
    (tmp_path / "film.ts").write_bytes(b"".join(parts))
    film, (note,) = source_of(1, tmp_path / "film.ts")
    assert film.frames == pytest.approx(200, abs=2)
    assert note.startswith("film.ts: the file's clock breaks at 4.0 s")
    assert "join its parts on one clock" in note
