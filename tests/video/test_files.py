"""Which files are videos of a half, and which part of an HQ file the half is."""

from pathlib import Path

import av
import pytest

from rmsnet.errors import UserError
from rmsnet.video.decoding import expected_samples, sampled_pictures
from rmsnet.video.files import (
    Part,
    all_videos,
    chapter_of,
    find_video,
    half_in_name,
    half_video,
    is_video,
    read_trims,
    sizes_of,
    videos_in,
)
from rmsnet.video.halves import identity_of
from tests.video.videos import number_of, write_video

TRIMS = "[1_HQ.mkv]\nstart_time_second = 4\nduration_second = 6\n"


def touched(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name for name in names]
    for path in paths:
        path.write_bytes(b"")
    return paths


CAMERAS = ("1.mkv", "1_224p.MP4", "2_cam.MTS", "1.m2ts", "1.ts", "1.mov", "1.flv", "1.VOB", "1.3gp", "1.avi", "1.m3u8")


@pytest.mark.parametrize("name", CAMERAS)
def test_what_cameras_and_recorders_call_a_video(tmp_path, name):
    (path,) = touched(tmp_path, name)
    assert is_video(path)
    assert videos_in(tmp_path) == {int(name[0]): [path]}


@pytest.mark.parametrize(
    "name", ["Labels.json", "1_ResNET.npy", "video.ini", "1_224p.mkv.part", "notes.txt", "._1.mkv"]
)
def test_what_is_no_video(tmp_path, name):
    touched(tmp_path, name)
    assert videos_in(tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "half"),
    [("2_224p.mkv", 2), ("1.mkv", 1), ("3.mkv", 3), ("10_224p.mkv", None), ("2nd.mkv", None), ("x.mkv", None)],
)
def test_the_half_that_a_name_begins_with(name, half):
    assert half_in_name(Path(name)) == half


def test_the_segments_of_a_playlist_are_no_videos_of_their_own(tmp_path):
    playlist = write_video(tmp_path / "1_224p.m3u8", range(0, 6000, 40), container_options={"hls_time": "2"})
    assert len(list(tmp_path.glob("*.ts"))) > 1
    assert videos_in(tmp_path) == {1: [playlist]}


def test_the_video_that_is_asked_for_or_soccernets_older_name(tmp_path):
    large, small, old = touched(tmp_path, "1_720p.mkv", "1_224p.MTS", "2.mkv")
    assert find_video(tmp_path, 1, "224p") == small
    assert find_video(tmp_path, 1, "720p") == large
    assert find_video(tmp_path, 2, "224p") == old
    assert find_video(tmp_path, 1, "HQ", "720p") == large
    with pytest.raises(UserError, match=r"1_HQ\.mkv: the half has no video"):
        find_video(tmp_path, 1, "HQ", "480p")


def test_sizes_of_one_half_go_together_and_hq_stands_back(tmp_path):
    hq, small, large, other = touched(tmp_path, "1_HQ.mkv", "1_224p.mkv", "1_720p.mkv", "1_tribune.mp4")
    assert sizes_of([hq, small, large, other], 1) == ([small, large], [other])
    assert sizes_of([hq], 1) == ([hq], [])
    assert sizes_of([other], 1) == ([other], [])


def test_pieces_of_a_half_are_told_how_to_become_one(tmp_path):
    pieces = touched(tmp_path, "1_a.MTS", "1_b.MTS")
    with pytest.raises(UserError, match=r"1_a\.MTS and 1_b\.MTS are of one half, 1; .*ffmpeg -f concat") as refused:
        sizes_of(pieces, 1)
    assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="ffmpeg -f concat"):
        find_video(tmp_path, 1, "224p")


def test_chapters_of_one_recording_have_one_name():
    assert chapter_of(Path("GX010042.MP4")) == chapter_of(Path("gx020042.mp4")) != chapter_of(Path("GX010043.MP4"))
    assert chapter_of(Path("GOPR0042.MP4")) == chapter_of(Path("GP010042.MP4"))
    assert chapter_of(Path("1_224p.mkv")) is None


@pytest.fixture
def hq(tmp_path) -> Path:
    """Ten seconds, of which six from the fourth on are the half."""
    (tmp_path / "video.ini").write_text(TRIMS)
    return write_video(tmp_path / "1_HQ.mkv", range(0, 12_000, 40), options={"g": "25"})


def test_of_an_hq_video_the_half_is_taken(hq):
    half = half_video(hq)
    assert (half.start_seconds, half.seconds, half.cut) == (4.0, 6.0, "")
    found = [number_of(picture) for picture in sampled_pictures(hq, 2.0, 0.5)]
    assert found == [100 + int(12.5 * sample) for sample in range(1, 13)]
    assert expected_samples(hq, 2.0, 0.5) == 12


def test_of_a_part_of_a_video_the_period_is_taken_and_no_longer_than_there_is_one(tmp_path):
    match = write_video(tmp_path / "match.mkv", range(0, 12_000, 40), options={"g": "25"})
    first, last = Part(match, 4.0, 6.0), Part(match, 10.0, 6.0)
    assert (half_video(first).seconds, half_video(last).seconds) == (6.0, 2.0)
    assert [number_of(picture) for picture in sampled_pictures(first, 2.0, 0.5)] == [
        100 + int(12.5 * sample) for sample in range(1, 13)
    ]
    assert [number_of(picture) for picture in sampled_pictures(last, 2.0, 0.5)] == [262, 275, 287, 299]
    with pytest.raises(UserError, match="is 12 s long, a period begins at 12 s"):
        half_video(Part(match, 12.0, 6.0))


def test_the_video_of_a_match_has_the_size_that_is_asked_for_or_any_name_where_it_is_alone(tmp_path):
    (tmp_path / "camera.MP4").touch()
    assert find_video(tmp_path, None, "224p").name == "camera.MP4"
    (tmp_path / "720p.mp4").touch()
    assert find_video(tmp_path, None, "720p").name == "720p.mp4"
    assert [path.name for path in sizes_of(all_videos(tmp_path), None)[0]] == ["720p.mp4"]
    (tmp_path / "720p.mp4").rename(tmp_path / "other.mp4")
    with pytest.raises(UserError, match=r"camera\.MP4 and other\.mp4 are of one match; .*ffmpeg -f concat"):
        find_video(tmp_path, None, "224p")
    with pytest.raises(UserError, match=r"nothing/224p\.mkv: the match has no video; get it"):
        find_video(tmp_path / "nothing", None, "224p")


def test_an_hq_video_that_ends_before_its_half_is_cut_off(hq):
    (hq.parent / "video.ini").write_text(TRIMS.replace("= 6", "= 2700"))
    assert half_video(hq).cut == "cut off: its last picture is at 8 s of 2700 s"


@pytest.mark.parametrize(
    ("trims", "says"),
    [
        (None, "begins before kick-off, and there is no video.ini"),
        ("[2_HQ.mkv]\nstart_time_second = 4\nduration_second = 6\n", r"no section \[1_HQ\.mkv\]"),
        ("[1_HQ.mkv]\nstart_time_second = 4\n", "not a video.ini"),
        ("[1_HQ.mkv]\nstart_time_second = noon\nduration_second = 6\n", "not a video.ini"),
        ("[1_HQ.mkv]\nstart_time_second = nan\nduration_second = 6\n", "starts at nan s"),
        ("[1_HQ.mkv]\nstart_time_second = -4\nduration_second = 6\n", "starts at -4.0 s"),
        ("[1_HQ.mkv]\nstart_time_second = 4000\nduration_second = 6\n", "is 12 s long, its half starts at 4000 s"),
        ("half 1 from 00:04", "not a video.ini"),
    ],
)
def test_an_hq_video_whose_half_nobody_knows_is_refused(hq, trims, says):
    path = hq.parent / "video.ini"
    if trims is None:
        path.unlink()
    else:
        path.write_text(trims)
    with pytest.raises(UserError, match=says) as refused:
        half_video(hq)
    assert "\n" not in str(refused.value)


def test_video_ini_may_come_from_windows(tmp_path):
    path = tmp_path / "video.ini"
    path.write_bytes(b"\xef\xbb\xbf" + TRIMS.replace("\n", "\r\n").encode())
    assert read_trims(path) == {"1_HQ.mkv": (4.0, 6.0)}


def test_what_was_made_of_another_part_of_a_video_is_made_again(hq):
    before = identity_of(hq, "recipe")
    (hq.parent / "video.ini").write_text(TRIMS.replace("= 4", "= 5"))
    assert identity_of(hq, "recipe") != before


@pytest.fixture
def pieces(tmp_path) -> Path:
    """Ten seconds, cut after six, as cameras do when a file is full; each piece has a clock of its own."""
    for number, first, last in ((1, 0, 150), (2, 150, 250)):
        times = range(0, 40 * (last - first), 40)
        write_video(tmp_path / f"1_224p.{number}.mp4", times, numbers=range(first, last), options={"g": "25"})
    return tmp_path / "1_224p.mp4"


def test_a_half_in_several_files_is_one_half(pieces):
    assert find_video(pieces.parent, 1, "224p") == pieces
    half = half_video(pieces)
    assert (half.seconds, half.cut, half.recording.remarks) == (pytest.approx(10.0), "", ())
    expected = [min(int(12.5 * sample), 249) for sample in range(1, 21)]
    assert [number_of(picture) for picture in sampled_pictures(pieces, 2.0, 0.5)] == expected
    part = Part(pieces, 5.0, 3.0)
    assert [number_of(picture) for picture in sampled_pictures(part, 2.0, 0.5)] == [137, 150, 162, 175, 187, 200]
    before = identity_of(pieces, "recipe")
    second = pieces.with_name("1_224p.2.mp4")
    second.write_bytes(second.read_bytes() + b" ")
    assert identity_of(pieces, "recipe") != before


def test_pieces_in_the_wrong_order_are_refused_and_those_that_overlap_are_told(pieces):
    def begun(number: int, clock: str) -> None:
        path = pieces.with_name(f"1_224p.{number}.mp4")
        with av.open(str(path)) as source, av.open(str(path.with_suffix(".new.mp4")), "w") as copy:
            copy.metadata["creation_time"] = f"2030-01-01T{clock}Z"
            stream = copy.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    copy.mux(packet)
        path.with_suffix(".new.mp4").rename(path)

    begun(1, "20:00:00")
    begun(2, "20:00:06")
    assert half_video(pieces).recording.remarks == ()
    begun(2, "20:00:01")
    (remark,) = half_video(pieces).recording.remarks
    assert remark.startswith("1_224p.2.mp4 was begun 5 s before the end of 1_224p.1.mp4")
    begun(2, "19:59:00")
    with pytest.raises(UserError, match=r"1_224p\.2\.mp4 was begun before 1_224p\.1\.mp4; number the pieces in order"):
        half_video(pieces)


def test_a_broken_piece_is_named(pieces):
    pieces.with_name("1_224p.2.mp4").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"1_224p\.mp4: 1_224p\.2\.mp4: no video"):
        half_video(pieces)
