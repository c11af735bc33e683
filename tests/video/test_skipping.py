"""Pictures that nobody asks for are left out; the others are those of a whole decoding, bit for bit."""

import hashlib
from contextlib import nullcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.video import packets
from rmsnet.video.decoding import DecodingReport, sampled_pictures
from rmsnet.video.files import Part
from rmsnet.video.packets import Tally, frames_from
from rmsnet.video.recording import recording_of
from rmsnet.video.skipping import Choice, Irregular, Times
from tests.video.videos import join, number_of, write_video

PICTURES = 150
HEIGHT, WIDTH = 96, 160

FAST = {"preset": "ultrafast", "bf": "3", "b-pyramid": "none"}
X265 = "log-level=error:bframes=4:rc-lookahead=12:b-adapt=0"


def moving(number: int) -> np.ndarray:
    """A picture of which every part moves, so that one made from others than it should be shows it."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin((rows * k + columns * (4 - k) + 5 * number) / 11) for k in (1, 2, 3)]
    noise = np.random.default_rng(number).integers(-20, 20, (HEIGHT, WIDTH, 1))
    return np.clip(110 + 80 * np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


SHOTS = [av.VideoFrame.from_ndarray(moving(number), format="rgb24") for number in range(PICTURES)]


def write(path: Path, codec: str, options: dict[str, str] | None = None, times_ms=None, pixels="yuv420p") -> Path:
    """A video of 25 pictures a second, or with pictures at given times."""
    base = Fraction(1, 1000) if times_ms else Fraction(1, 25)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options or {})
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, pixels
        stream.time_base = stream.codec_context.time_base = base
        for number, shot in enumerate(SHOTS):
            frame = shot.reformat(format=pixels)
            frame.pts, frame.time_base = (times_ms[number] if times_ms else number), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def remux(source: Path, target: Path, change) -> Path:
    """A copy of a video, of whose packets something is changed."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream_from_template(read.streams.video[0])
        for number, packet in enumerate(read.demux(video=0)):
            if packet.size:
                packet.stream = stream
                change(number, packet)
                written.mux(packet)
    return target


def taken(video, rate: float = 2.0) -> tuple[list[str], list[str]]:
    """MD5 of the sampled pictures, and what was not in order."""
    report = DecodingReport()
    pictures = sampled_pictures(video, rate, 1 / rate, report)
    return [hashlib.md5(picture.tobytes()).hexdigest() for picture in pictures], report.warnings()


def taken_of_all(video, rate: float = 2.0) -> tuple[list[str], list[str]]:
    """The same where every picture is decoded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packets, "may_skip", lambda *_: False)
        return taken(video, rate)


def share_decoded(path: Path, rate: float = 2.0) -> float:
    """Which share of the pictures of a video comes out of the decoder."""
    recording, step = recording_of(path), 1 / Fraction(rate)
    decoded = [
        sum(1 for _ in frames_from(recording, Fraction(0), Tally(), times)) for times in (Times(step, step), None)
    ]
    return decoded[0] / decoded[1]


STRUCTURES = {
    "h264, three B-frames": ("b.mkv", "libx264", {**FAST, "g": "50"}, 0.5),
    "h264, B-frames made from B-frames": ("pyramid.mp4", "libx264", {**FAST, "b-pyramid": "normal", "g": "25"}, 0.6),
    "h264, open groups": ("open.ts", "libx264", {**FAST, "g": "30", "x264-params": "open-gop=1"}, 0.6),
    "h264, one key frame": ("one.mkv", "libx264", {**FAST, "g": "1000", "sc_threshold": "0"}, 0.6),
    "h264, key frames alone": ("intra.mkv", "libx264", {**FAST, "bf": "0", "g": "1"}, 0.15),
    "h264, no key frame but the first": ("refresh.mkv", "libx264", {**FAST, "x264-params": "intra-refresh=1"}, 0.6),
    "hevc, open groups": ("open.mp4", "libx265", {"preset": "ultrafast", "x265-params": f"{X265}:keyint=20"}, 0.5),
    "hevc in a transport stream": ("hevc.ts", "libx265", {"preset": "ultrafast", "x265-params": f"{X265}"}, 0.5),
    "hevc in layers": (
        "layers.mkv",
        "libx265",
        {"preset": "ultrafast", "x265-params": f"{X265}:temporal-layers=3"},
        1.0,
    ),
    "mpeg-2, open groups": ("mpeg2.ts", "mpeg2video", {"bf": "2", "g": "12"}, 0.5),
    "mpeg-2, closed groups": (
        "mpeg2.mpg",
        "mpeg2video",
        {"bf": "2", "g": "12", "flags": "+cgop", "sc_threshold": "1000000000"},
        0.5,
    ),
    "mpeg-2, interlaced": ("woven.ts", "mpeg2video", {"bf": "2", "g": "12", "flags": "+ildct+ilme"}, 0.5),
    "motion jpeg": ("mjpeg.mkv", "mjpeg", {}, 0.15),
    "mpeg-4, times of decoding alone": ("mpeg4.avi", "mpeg4", {"bf": "2", "g": "12"}, 1.0),
    "vp9": ("vp9.webm", "libvpx-vp9", {"cpu-used": "8", "deadline": "realtime", "g": "12"}, 1.0),
}


@pytest.mark.parametrize(("name", "codec", "options", "at_most"), STRUCTURES.values(), ids=STRUCTURES)
def test_the_sampled_pictures_are_those_of_a_whole_decoding(tmp_path, name, codec, options, at_most):
    path = write(tmp_path / name, codec, options, pixels="yuvj420p" if codec == "mjpeg" else "yuv420p")
    for rate in (2.0, 0.3):
        assert taken(path, rate) == taken_of_all(path, rate)
    share = share_decoded(path)
    assert share <= at_most if at_most < 1 else share == 1


@pytest.mark.parametrize("clip", ["action_0/clip_1.mp4", "action_2/clip_0.mp4", "action_4/clip_3.mp4"])
def test_real_clips_give_the_pictures_of_a_whole_decoding(shared, clip):
    path = shared / "video" / clip
    assert taken(path) == taken_of_all(path)
    assert share_decoded(path) < 0.9


def test_a_picture_that_no_other_is_made_from_is_there_when_it_is_wanted(tmp_path):
    """Each of the pictures in turn: with three B-frames between two others most of them are referred to by none."""
    path = write_video(tmp_path / "b.mkv", range(0, 4000, 40), options={**FAST, "g": "50", "sc_threshold": "0"})
    assert share_decoded(path, 1.0) < 0.5
    for first in range(8):
        pictures = sampled_pictures(path, 1.0, (first + 0.5) / 25)
        assert [number_of(picture) for picture in pictures][:4] == [first, first + 25, first + 50, first + 75]


def test_a_variable_rate_is_sampled_as_it_is(tmp_path):
    times = np.cumsum(np.random.default_rng(0).integers(5, 300, PICTURES)).tolist()
    path = write(tmp_path / "vfr.mkv", "libx264", {**FAST, "g": "50"}, times)
    assert taken(path) == taken_of_all(path)


def test_a_stretch_without_pictures_is_told_as_long_as_it_is(tmp_path):
    """The first picture behind each gap is one that no other is made from, a second before one is wanted."""
    times = [*range(0, 53 * 40, 40), *range(7060, 7060 + 52 * 40, 40), *range(16_020, 16_020 + 45 * 40, 40)]
    path = write(tmp_path / "gaps.mkv", "libx264", {**FAST, "g": "1000", "sc_threshold": "0"}, times)
    assert share_decoded(path, 0.1) < 0.6
    assert taken(path, 0.1)[1] == taken_of_all(path, 0.1)[1] == ["no new picture from 9.1 s to 16.0 s"]


def test_a_period_in_the_middle_of_a_file_shows_the_same_pictures(tmp_path):
    path = write(tmp_path / "open.ts", "libx264", {**FAST, "g": "30", "x264-params": "open-gop=1"})
    part = Part(path, 2.7, 2.0)
    assert taken(part) == taken_of_all(part)


def test_a_flag_that_calls_every_picture_a_key_frame_is_not_believed(tmp_path):
    source = write(tmp_path / "b.mp4", "libx264", {**FAST, "g": "75"})
    path = remux(source, tmp_path / "keys.nut", lambda _, packet: setattr(packet, "is_keyframe", True))
    assert taken(path) == taken_of_all(path)


def later(packet, seconds: float) -> None:
    packet.pts += round(seconds / packet.time_base)


@pytest.mark.parametrize(
    "change",
    [
        lambda number, packet: later(packet, 0.04 * (number == 60)),
        lambda number, packet: later(packet, 0.055 * (number % 37 == 5)),
        lambda number, packet: later(packet, 3 * (number % 50 == 7)),
    ],
    ids=["two pictures at one time", "pictures out of order", "pictures that leap"],
)
def test_where_times_are_broken_the_rest_is_decoded_whole(tmp_path, change):
    path = remux(write(tmp_path / "b.mp4", "libx264", {**FAST, "g": "25"}), tmp_path / "broken.mkv", change)
    assert taken(path)[0] == taken_of_all(path)[0]


def test_a_clock_that_starts_again_is_followed_through_all_pictures(tmp_path):
    one = write(tmp_path / "one.ts", "mpeg2video", {"bf": "2", "g": "12"})
    path = join(tmp_path / "joined.ts", one, one)
    assert taken(path) == taken_of_all(path)
    assert share_decoded(path) == 1.0


def test_a_recording_that_begins_between_key_frames_gives_the_same_pictures(tmp_path):
    content = write(tmp_path / "whole.ts", "mpeg2video", {"bf": "2", "g": "12"}).read_bytes()
    path = tmp_path / "cut.ts"
    path.write_bytes(content[188 * (len(content) // 188 // 7) :])
    assert taken(path)[0] == taken_of_all(path)[0]
    assert share_decoded(path) < 0.6


def choice_of(ticks: list[int], keys: set[int], times: Times) -> tuple[Choice, list[int]]:
    """What is chosen of a stream of pictures in the order of the file, and the ticks that are wanted."""
    context = SimpleNamespace(name="mjpeg", extradata=None)
    stream = SimpleNamespace(codec_context=context, time_base=Fraction(1, 1000))
    stored = [
        SimpleNamespace(pts=tick, size=1, is_keyframe=number in keys, is_discard=False)
        for number, tick in enumerate(ticks)
    ]
    end = SimpleNamespace(pts=None, size=0, is_keyframe=False, is_discard=False)
    choice = Choice(stream, Fraction(0), times)
    return choice, sorted(packet.pts for packet, wanted in choice.of([*stored, end]) if wanted and packet.size)


def test_a_wanted_picture_that_does_not_come_is_missed():
    half = Times(Fraction(1, 2), Fraction(1, 2))
    for missing, irregular in ((480, True), (520, False), (1960, True)):
        choice, _ = choice_of(list(range(0, 2000, 40)), {0}, half)
        come = [tick for tick in range(0, 2000, 40) if tick != missing]
        with pytest.raises(Irregular) if irregular else nullcontext():
            for tick in (*come, None):
                choice.check(tick)


@given(
    st.lists(st.integers(1, 900), min_size=2, max_size=60),
    st.integers(1, 8),
    st.integers(100, 3000),
    st.randoms(use_true_random=False),
)
def test_whatever_is_on_the_screen_at_a_wanted_time_is_chosen(pauses, reordered, step_ms, random):
    shown = np.cumsum(pauses).tolist()
    stored = []
    for begin in range(0, len(shown), reordered):  # groups that begin with a key frame
        head, *rest = shown[begin : begin + reordered]
        stored += [head, *random.sample(rest, len(rest))]
    step = Fraction(step_ms, 1000)
    _, chosen = choice_of(stored, set(range(0, len(shown), reordered)), Times(step, step))
    for tick, behind in pairwise(shown):
        if tick // step_ms < (behind - 1) // step_ms or tick % step_ms == 0:
            assert tick in chosen
    assert shown[-1] in chosen
