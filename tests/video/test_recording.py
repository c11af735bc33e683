"""The judgement of a file: which stream, how long, on which clock, usable or not."""

import math
from fractions import Fraction
from pathlib import Path

import av
import pytest

from rmsnet.errors import UserError
from rmsnet.video.decoding import DecodingReport, sampled_pictures
from rmsnet.video.recording import recording_of, usable
from tests.video.videos import join, number_of, write_streams, write_video

SECONDS = 6
EVERY_40_MS = range(0, 1000 * SECONDS, 40)
GROUPS = {"g": "25", "bf": "2", "sc_threshold": "0"}


def numbers(path: Path, report: DecodingReport | None = None) -> list[int]:
    return [number_of(picture) for picture in sampled_pictures(path, 2.0, 0.5, report)]


def at_the_samples(first: int = 0, seconds: int = SECONDS) -> list[int]:
    """The numbers shown at 0.5, 1.0, … s of a video of 25 pictures a second; at its very end the last one."""
    return [first + min(int(12.5 * sample), 25 * seconds - 1) for sample in range(1, 2 * seconds + 1)]


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """Two recordings of six seconds, the second of which counts on, in any container."""
    folder = tmp_path_factory.mktemp("pieces")

    def write(suffix: str, **changes) -> tuple[Path, Path]:
        first, second = folder / f"a{suffix}", folder / f"b{suffix}"
        if not first.exists():
            write_video(first, EVERY_40_MS, options=GROUPS, **changes)
            write_video(second, EVERY_40_MS, options=GROUPS, numbers=range(150, 300), **changes)
        return first, second

    return write


@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".avi", ".h264", ".m2ts"])
def test_two_recordings_joined_with_cat_are_one_that_goes_on(pieces, tmp_path, suffix):
    path = join(tmp_path / f"joined{suffix}", *pieces(suffix))
    report = DecodingReport()
    assert numbers(path, report) == at_the_samples(seconds=2 * SECONDS)
    assert recording_of(path).seconds == pytest.approx(2 * SECONDS)
    assert report.damaged == 0
    says = [line for line in report.warnings() if "clock breaks at 6.0 s" in line]
    assert len(says) == len(recording_of(path).clock.breaks) == (suffix in (".ts", ".mkv", ".m2ts"))


@pytest.mark.parametrize("suffix", [".mp4", ".flv"])
def test_a_recording_behind_another_that_no_player_finds_is_named(pieces, tmp_path, suffix):
    path = join(tmp_path / f"joined{suffix}", *pieces(suffix))
    assert numbers(path) == at_the_samples()
    assert "another recording lies behind this one" in " ".join(recording_of(path).remarks)


def test_many_breaks_are_a_few_lines(pieces, tmp_path):
    first, second = pieces(".ts")
    remarks = recording_of(join(tmp_path / "joined.ts", *[first, second] * 4)).remarks
    assert len(remarks) == 4
    assert "at 4 more places" in remarks[-1]


def test_a_piece_that_begins_between_key_frames_is_shown_from_its_first_key_frame_on(pieces, tmp_path):
    """What its first pictures are made from is not there; they would come out mixed with the piece before."""
    first, second = (path.read_bytes() for path in pieces(".ts"))
    path = tmp_path / "joined.ts"
    path.write_bytes(first + second[188 * (len(second) // 188 // 3) :])
    found = numbers(path)
    assert found[: 2 * SECONDS - 1] == at_the_samples()[:-1]
    assert {number for number in found if number > 149} <= set(range(150, 300))
    assert found == sorted(found)


@pytest.mark.parametrize(("first_ms", "second_ms"), [(1_000_000, 0), (0, 10_000_000), (500, 500)])
def test_a_clock_that_jumps_far_is_bridged(tmp_path, first_ms, second_ms):
    """FFmpeg takes a jump back of more than a minute for a wrap of the 33 bits: 26 hours ahead."""
    parts = []
    for number, start in enumerate((first_ms, second_ms)):
        times = [start + time for time in EVERY_40_MS]
        options = {"g": "25", "bf": "0"}
        shown = range(150 * number, 150 * number + 150)
        parts.append(write_video(tmp_path / f"{number}.ts", times, options=options, numbers=shown))
    path = join(tmp_path / "joined.ts", *parts)
    assert numbers(path) == at_the_samples(seconds=2 * SECONDS)


def test_a_wrap_of_the_33_bits_is_no_break(tmp_path):
    wrap_ms = 2**33 // 90
    times = [wrap_ms - 4400 + time for time in EVERY_40_MS]
    path = write_video(tmp_path / "wrap.ts", times, options={"g": "25", "bf": "0"})
    recording = recording_of(path)
    assert recording.clock.breaks == recording.remarks == ()
    assert recording.seconds == pytest.approx(SECONDS, abs=0.001)
    assert len(numbers(path)) == 2 * SECONDS


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("live.mkv", {"live": "1"}),
        ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("live.flv", {"flvflags": "no_duration_filesize"}),
        ("list.m3u8", {"hls_time": "2", "hls_list_size": "0"}),
        ("raw.h264", {}),
        ("stream.ts", {}),
    ],
)
def test_a_length_that_is_not_in_the_header_is_found_in_the_packets(tmp_path, name, options):
    path = write_video(tmp_path / name, EVERY_40_MS, options=GROUPS, container_options=options)
    recording = recording_of(path)
    assert (recording.problem, recording.cut) == ("", "")
    assert recording.seconds == pytest.approx(SECONDS)
    assert numbers(path) == at_the_samples()


@pytest.mark.parametrize("suffix", [".avi", ".asf", ".h264"])
def test_where_packets_do_not_say_when_they_are_shown_the_decoder_orders_them(tmp_path, suffix):
    path = write_video(tmp_path / f"club{suffix}", EVERY_40_MS, options={"g": "50", "bf": "2"})
    report = DecodingReport()
    assert numbers(path, report) == at_the_samples()
    assert report.warnings() == []


def test_times_of_decoding_under_the_name_of_times_of_presentation_are_seen_through(tmp_path):
    """What becomes of H.264 in AVI when it is copied to Matroska."""
    source = write_video(tmp_path / "half.mp4", EVERY_40_MS, options=GROUPS)
    path = tmp_path / "copied.mkv"
    with av.open(str(source)) as container, av.open(str(path), "w") as copy:
        stream = copy.add_stream_from_template(container.streams.video[0])
        for number, packet in enumerate(container.demux(video=0)):
            if packet.size:
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                packet.pts = packet.dts = number
                packet.duration = 1
                copy.mux(packet)
    report = DecodingReport()
    assert numbers(path, report) == at_the_samples()
    assert report.warnings() == []


def test_a_leap_that_no_half_has_is_bridged_in_any_container(tmp_path):
    times = [*range(0, 30_000, 200), *range(3_030_000, 3_060_000, 200)]
    path = write_video(tmp_path / "leap.mp4", times, rate=5, options={"g": "25"})
    recording = recording_of(path)
    assert recording.seconds == pytest.approx(60, abs=0.3)  # MP4 does not say how long the last picture stands
    assert (recording.cut, len(recording.clock.breaks)) == ("", 1)
    assert len(numbers(path)) in (119, 120)


def test_a_gap_that_a_half_may_have_is_one(tmp_path):
    times = [*range(0, 30_000, 200), *range(630_000, 660_000, 200)]
    path = write_video(tmp_path / "gap.mkv", times, rate=5, options={"g": "25"})
    report = DecodingReport()
    assert len(numbers(path, report)) == 1320
    assert report.warnings() == ["no new picture from 29.8 s to 630.0 s"]


def test_a_long_file_is_judged_by_its_header_and_its_end(tmp_path, monkeypatch):
    times = range(0, 60_000, 200)
    path = write_video(tmp_path / "long.mkv", times, rate=5, options={"g": "25"})
    monkeypatch.setattr("rmsnet.video.recording._by_packets", lambda *_: pytest.fail("all packets were read"))
    assert recording_of(path).seconds == pytest.approx(60)


def test_a_long_file_that_is_cut_is_looked_at_whole(tmp_path):
    path = write_video(tmp_path / "long.mkv", range(0, 60_000, 200), rate=5, options={"g": "25"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    recording = recording_of(path)
    assert 20 < recording.seconds < 40
    assert recording.cut == f"cut off: its last picture is at {recording.seconds:.0f} s of 60 s"


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_of_several_streams_the_largest_is_shown(tmp_path, suffix):
    sizes = [(32, 48), (64, 96), (32, 96)]
    path = write_streams(tmp_path / f"streams{suffix}", sizes, shown=1 if suffix == ".mp4" else None)
    assert set(numbers(path)) == {1}


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_stream_that_is_marked_as_default_comes_first(tmp_path, suffix):
    path = write_streams(tmp_path / f"streams{suffix}", [(64, 96), (32, 48)], shown=1)
    assert set(numbers(path)) == {1}


def test_a_large_still_beside_the_pictures_is_no_video(tmp_path):
    path = write_streams(tmp_path / "still.mkv", [(128, 192), (64, 96)], still=0)
    assert set(numbers(path)) == {1}


ENCRYPTION = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "0123456789abcdef0123456789abcdef",
    "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
}


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_an_encrypted_video_is_refused(tmp_path, codec):
    path = write_video(tmp_path / "paid.mp4", EVERY_40_MS, codec=codec, container_options=ENCRYPTION)
    with pytest.raises(UserError, match=r"paid\.mp4: .*encrypted or damaged") as refused:
        usable(path)
    assert "\n" not in str(refused.value)
    assert math.isnan(recording_of(path).seconds) or recording_of(path).problem


def test_a_file_is_judged_again_when_it_has_changed(tmp_path):
    path = tmp_path / "half.mkv"
    assert recording_of(path).problem == "no such video file"
    write_video(path, EVERY_40_MS)
    assert recording_of(path).seconds == pytest.approx(SECONDS)
    write_video(path, EVERY_40_MS[:50])
    assert recording_of(path).seconds == pytest.approx(2)
