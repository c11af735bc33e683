"""Sampling by presentation time: every picture says its number, so that the tests can see which one was taken."""

import resource
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmsnet.errors import UserError
from rmsnet.video.decoding import DecodingReport, expected_samples, sampled_pictures
from tests.video.videos import number_of, write_video

EVERY_40_MS = range(0, 6000, 40)


def numbers(path: Path, report: DecodingReport | None = None) -> list[int]:
    return [number_of(picture) for picture in sampled_pictures(path, 2.0, 0.5, report)]


def shown(times_ms, end_ms: int) -> list[int]:
    """Which picture is on the screen at 0.5, 1.0, … s: the last that is not later; before the first one, the first."""
    times = np.asarray(times_ms)
    samples = np.arange(500, max(end_ms, 500) + 1, 500)
    return np.maximum(np.searchsorted(times, samples, side="right") - 1, 0).tolist()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mkv", {"bf": "0"}),
        ("b_frames.mkv", {"bf": "3", "g": "50"}),
        ("b_frames.mp4", {"bf": "3", "g": "50"}),
        ("stream.ts", {"bf": "2"}),
    ],
)
def test_a_sample_is_the_picture_on_screen_at_its_time(tmp_path, name, options):
    report = DecodingReport()
    path = write_video(tmp_path / name, EVERY_40_MS, options=options)
    assert numbers(path, report) == shown(EVERY_40_MS, 6000)
    assert report.warnings() == []
    assert expected_samples(path, 2.0, 0.5) == 12


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(10, 1500), min_size=1, max_size=30))
def test_a_variable_frame_rate_is_sampled_by_time(tmp_path, pauses):
    times = np.cumsum([0, *pauses]).tolist()
    found = numbers(write_video(tmp_path / "vfr.mkv", times, options={"bf": "2"}))
    assert found == shown(times, 10**6)[: len(found)]
    assert len(found) >= (times[-1] - 500) // 500 + 1


def test_less_than_one_picture_a_sample_repeats_pictures(tmp_path):
    times = range(0, 9000, 3000)
    path = write_video(tmp_path / "slides.mkv", times, rate=1)
    assert numbers(path)[:14] == [0] * 5 + [1] * 6 + [2] * 3


def test_pictures_that_start_after_the_sound_keep_their_time(tmp_path):
    times = range(3000, 6000, 40)
    path = write_video(tmp_path / "late.mkv", times, sound_ms=6000)
    assert numbers(path) == shown(times, 6000)
    assert numbers(path)[:6] == [0] * 6


def test_a_file_whose_clock_starts_anywhere_starts_at_zero(tmp_path):
    path = write_video(tmp_path / "clock.ts", range(7000, 9000, 40))
    assert numbers(path) == shown(range(0, 2000, 40), 2000)


def test_a_stretch_with_sound_alone_holds_the_last_picture_and_is_reported(tmp_path):
    times = [*range(0, 2000, 40), *range(9000, 11000, 40)]
    report = DecodingReport()
    path = write_video(tmp_path / "gap.mkv", times, sound_ms=11000)
    assert numbers(path, report) == shown(times, 11000)
    assert report.warnings() == ["no new picture from 2.0 s to 9.0 s"]


def wrong_samples(path: Path, times, report: DecodingReport | None = None) -> list[int]:
    """Which samples of a damaged video are not those of the whole one; none is missing."""
    found, expected = numbers(path, report), shown(times, times[-1] + 40)
    assert len(found) == len(expected)
    return [sample for sample, (one, other) in enumerate(zip(found, expected, strict=True)) if one != other]


def test_pictures_that_cannot_be_decoded_cost_only_themselves_and_are_reported(tmp_path):
    """A second between two key frames, the packets from 6 to 7 s, overwritten; the container is whole."""
    times = range(0, 12000, 40)
    path = write_video(tmp_path / "damaged.mkv", times, options={"g": "25", "bf": "2"})
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux(video=0):
            if packet.pts is not None and 6000 <= packet.pts < 7000:
                start = content.index(bytes(packet), packet.pos)
                content[start : start + packet.size] = b"\xff" * packet.size
    path.write_bytes(content)
    report = DecodingReport()
    # Samples are at 0.5, 1.0, … s; the pictures just before the damage may go with it, as the threads of the decoder
    # give back several at a time.
    assert {11, 12} <= set(wrong_samples(path, times, report)) <= {10, 11, 12, 13}
    assert any("damaged packets were left out" in warning for warning in report.warnings())


def hurt(path: Path, packets: range) -> Path:
    """The second half of each of some packets overwritten."""
    content = bytearray(path.read_bytes())
    random = np.random.default_rng(0)
    with av.open(str(path)) as container:
        for number, packet in enumerate(container.demux(video=0)):
            if number in packets and packet.size:
                start = content.index(bytes(packet), packet.pos)
                content[start + packet.size // 2 : start + packet.size] = random.bytes(packet.size - packet.size // 2)
    path.write_bytes(content)
    return path


def test_a_picture_that_the_decoder_marks_as_corrupt_is_not_used_and_counted(tmp_path):
    """Key frames alone: what is damaged is damaged by itself, and comes out of the decoder with a mark."""
    path = write_video(tmp_path / "hurt.mkv", EVERY_40_MS, codec="mpeg4", options={"g": "1"})
    report = DecodingReport()
    found = numbers(hurt(path, range(60, 90)), report)
    assert len(found) == 12
    assert not set(found) & set(range(60, 90))
    assert found[:4] + found[7:] == (shown(EVERY_40_MS, 6000)[:4] + shown(EVERY_40_MS, 6000)[7:])
    assert 20 < report.damaged <= 30


def test_a_video_most_of_which_is_damaged_is_refused_before_anything_is_made_of_it(tmp_path):
    path = write_video(tmp_path / "hurt.mkv", EVERY_40_MS, codec="mpeg4", options={"g": "1"})
    with pytest.raises(UserError, match=r"hurt\.mkv: \d+ of \d+ pictures cannot be decoded"):
        next(sampled_pictures(hurt(path, range(20, 150)), 2.0, 0.5))


def test_random_bytes_in_the_middle_cost_no_more_than_their_surroundings(tmp_path):
    """FFmpeg goes on at the next cluster (here of a second) and the key frame after it (a second apart)."""
    times = range(0, 12000, 40)
    clusters = {"cluster_time_limit": "1000"}
    path = write_video(tmp_path / "damaged.mkv", times, options={"g": "25"}, container_options=clusters)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 500] = np.random.default_rng(0).bytes(500)
    path.write_bytes(content)
    wrong = wrong_samples(path, times)
    assert len(wrong) >= 1
    assert wrong[-1] - wrong[0] <= 6


@pytest.mark.parametrize(("name", "left"), [("cut.mkv", 0.5), ("cut.mp4", 0.8)])
def test_a_file_that_is_cut_short_gives_what_is_left_and_says_so(tmp_path, name, left):
    container_options = {"movflags": "faststart"} if name.endswith(".mp4") else {}
    path = write_video(tmp_path / name, EVERY_40_MS, options={"g": "25"}, container_options=container_options)
    content = path.read_bytes()
    path.write_bytes(content[: int(left * len(content))])
    report = DecodingReport()
    found = numbers(path, report)
    assert 2 <= len(found) < 12
    assert found == shown(EVERY_40_MS, 6000)[: len(found)]
    assert any("the pictures end at" in warning for warning in report.warnings())


def test_a_video_shorter_than_the_first_sample_gives_one_picture(tmp_path):
    assert numbers(write_video(tmp_path / "flash.mkv", [0, 40, 80])) == [2]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_video_comes_out_upright(tmp_path, rotation):
    """Pictures stored lying down with a display matrix, as telephones do."""
    path = write_video(tmp_path / "phone.mp4", EVERY_40_MS[:30], rotation=rotation)
    picture = next(sampled_pictures(path, 2.0, 0.5))
    assert picture.shape == ((96, 64, 3) if rotation % 180 else (64, 96, 3))
    # A display matrix turns counter-clockwise; turned back, the picture shows its number again.
    assert number_of(np.rot90(picture, -rotation // 90)) == 12


@pytest.mark.parametrize(
    ("pixels", "codec", "options"),
    [
        ("yuv420p10le", "libx264", {}),
        ("yuv422p10le", "prores", {}),
        ("yuv420p", "libx264", {"x264-params": "interlaced=1:tff=1"}),
        ("yuvj420p", "mjpeg", {}),
    ],
)
def test_deep_colour_interlacing_and_other_codecs(tmp_path, pixels, codec, options):
    path = write_video(tmp_path / "video.mkv", EVERY_40_MS[:60], codec=codec, pixels=pixels, options=options)
    assert numbers(path) == shown(EVERY_40_MS[:60], 2400)


def test_of_interlaced_pictures_one_field_is_taken(tmp_path):
    """Two moments woven into one picture: white lines of one, black lines of the other."""
    import av

    path = tmp_path / "woven.mkv"
    woven = np.zeros((64, 96, 3), np.uint8)
    woven[::2] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"x264-params": "interlaced=1:tff=1:qp=1"})
        stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for _ in range(25):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(woven, format="rgb24")))
        container.mux(stream.encode(None))
    picture = next(sampled_pictures(path, 2.0, 0.5))
    assert picture.shape == (64, 96, 3)
    assert picture.min() > 200


def test_pixels_that_are_not_square_are_made_so(tmp_path):
    path = write_video(tmp_path / "wide.mkv", EVERY_40_MS[:30], options={"aspect": "2:1"})
    assert next(sampled_pictures(path, 2.0, 0.5)).shape == (64, 192, 3)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no such video file"),
        (b"", "no video, or damaged at its start"),
        (b"\x00" * 4000, "no video, or damaged at its start"),
        (b"Minutes and minutes of text, but no match.\n" * 90, "no video"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, content, says):
    path = tmp_path / "match.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=says) as refused:
        numbers(path)
    assert "\n" not in str(refused.value)


def test_sound_alone_is_refused(tmp_path):
    import av

    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
    with pytest.raises(UserError, match="has no video stream"):
        numbers(path)


def test_an_mp4_without_its_index_is_refused(tmp_path):
    path = write_video(tmp_path / "cut.mp4", EVERY_40_MS)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(UserError, match="damaged at its start"):
        numbers(path)


def test_memory_does_not_grow_with_the_length(tmp_path):
    """Twenty times the pictures, the same peak: 640 x 360 pictures in RGB are 0.7 MB each, 100 of them 69 MB."""
    short = write_video(tmp_path / "short.mkv", range(0, 5000, 250), size=(360, 640), options={"preset": "ultrafast"})
    long = write_video(tmp_path / "long.mkv", range(0, 100_000, 250), size=(360, 640), options={"preset": "ultrafast"})

    def peak(path: Path) -> int:
        for _ in sampled_pictures(path, 2.0, 0.5):
            pass
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = peak(short)
    assert peak(long) - before < 20_000


def test_times_never_run_backwards(tmp_path):
    found = numbers(write_video(tmp_path / "video.mkv", EVERY_40_MS, options={"bf": "4"}))
    assert all(later >= earlier for earlier, later in pairwise(found))


def test_ffmpegs_threads_report_nothing_to_python(tmp_path):
    """Whoever closes a half-read video holds the interpreter while its threads end; one that reports waits for it."""
    list(sampled_pictures(write_video(tmp_path / "video.mkv", EVERY_40_MS), 2.0, 0.5))
    assert av.logging.get_level() is None


def test_a_video_without_a_picture_size_is_refused(tmp_path):
    """Raw pictures in an .avi, whose header gives their size: 0 × 0 in its place."""
    path = write_video(tmp_path / "nothing.avi", EVERY_40_MS[:30], codec="rawvideo", pixels="bgr24")
    content = bytearray(path.read_bytes())
    sizes = ((content.find(b"strf") + 12, 8), (content.find(b"avih") + 40, 8))
    for start, length in sizes:
        content[start : start + length] = bytes(length)
    path.write_bytes(content)
    with pytest.raises(UserError, match="no picture size"):
        numbers(path)
