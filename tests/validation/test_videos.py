"""Videos beside features, and videos that the features are still to be made from."""

import shutil
from contextlib import suppress

import pytest

from rmsnet import cli
from rmsnet.dataset.labels import HALVES
from rmsnet.documents import read_json
from rmsnet.errors import CheckFailed
from rmsnet.params import ExtractParams
from rmsnet.validation import validate
from tests.builders import write_labels
from tests.validation.datasets import ANNOTATIONS, FEATURES, FRAMES, GAMES, feature_file
from tests.validation.test_checks import LATE, wrong
from tests.video.videos import write_video

ALL_GAMES = [game for games in GAMES.values() for game in games]
GAME = ALL_GAMES[0]
VIDEOS = ExtractParams(source="videos", features=FEATURES)

READABLE = "both halves have a readable video"
RATE = "features have the frame rate that their name promises, by the length of the video"
GAP = "features and video are equally long, to 2 s"
MEDIAN = "halves are about as long as the other halves (0.8 to 1.4 of their median)"


def filmed(path, seconds):
    """A video so long, a picture a second."""
    return write_video(path, range(0, round(1000 * seconds), 1000), rate=1)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return filmed(tmp_path_factory.mktemp("video") / "half.mkv", FRAMES / 2)


@pytest.fixture
def both(dataset, video):
    """Features and videos of every half, equally long."""
    for game in ALL_GAMES:
        for half in HALVES:
            shutil.copy(video, video_file(dataset, game, half))
    return dataset


@pytest.fixture
def videos(both):
    """Videos of every half, and no features."""
    for game in ALL_GAMES:
        for half in HALVES:
            feature_file(both, game, half).unlink()
    return both


def video_file(root, game=GAME, half=2):
    return root / game / f"{half}_224p.mkv"


def report(root, out, params):
    """The checks as validation.json has them, by what they expect."""
    with suppress(CheckFailed):
        validate(root, out, params)
    return {check["expectation"]: check for check in read_json(out / "validation.json")["checks"]}


def test_features_with_videos_beside_them_pass_and_are_held_against_them(both, tmp_path):
    checks = report(both, tmp_path / "report", ExtractParams(features=FEATURES))
    assert {check["status"] for check in checks.values()} == {"passed"}
    assert checks[RATE]["rows_checked"] == checks[GAP]["rows_checked"] == 2 * len(ALL_GAMES)


@pytest.mark.parametrize("source", ["videos", "frames"])
def test_videos_without_features_pass_where_features_are_made_from_them(videos, tmp_path, capsys, source):
    out = tmp_path / "report"
    assert cli.main(["validate", str(videos), "--out", str(out), "--set", f"extract.source={source}"]) == 0
    assert "passed: no critical check failed, no warnings" in capsys.readouterr().out
    found = read_json(out / "validation.json")
    assert found["videos"] == "224p"
    assert "features" not in found
    assert {check["rows_checked"] for check in found["checks"] if check["table"] == "features"} == {0}
    assert found["statistics"]["half_minutes"] == {"smallest": 2.0, "median": 2.0, "largest": 2.0}
    assert "nothing to check" in (out / "report.html").read_text()


def test_without_features_the_source_features_is_refused(videos):
    found = wrong(videos)
    assert found["both halves have a readable feature file"] == ("critical", "failed", 2 * len(ALL_GAMES))


def test_features_that_lie_beside_the_videos_are_not_judged_where_they_are_not_used(both):
    feature_file(both, GAME).write_bytes(b"")
    assert wrong(both, params=VIDEOS) == {}


def missing(path):
    path.unlink()


def cut_off(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_off_mp4(path):
    path.unlink()
    cut_off(filmed(path.with_suffix(".mp4"), FRAMES / 2))


def no_video(path):
    path.write_text("Subscription required")


def sound_alone(path):
    import av

    with av.open(str(path), "w") as container:
        sound = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=8000)
        frame.sample_rate = 8000
        container.mux(sound.encode(frame))


def link_outside(path):
    elsewhere = path.parents[4] / "elsewhere.mkv"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


FAULTS = {
    "missing": (missing, "absent"),
    "cut off": (cut_off, "cut off: its last picture is at "),
    "cut off, its index at its end": (cut_off_mp4, "no video, or damaged at its start"),
    "no video": (no_video, "no video, or damaged at its start"),
    "sound alone": (sound_alone, "has no video stream"),
    "a link out of the dataset": (link_outside, "leads out of the dataset"),
}


@pytest.mark.parametrize(("change", "says"), FAULTS.values(), ids=FAULTS)
def test_a_half_without_a_whole_video_is_refused_by_name(videos, tmp_path, change, says):
    change(video_file(videos))
    assert wrong(videos, params=VIDEOS)[READABLE] == ("critical", "failed", 1)
    (row,) = report(videos, tmp_path / "report", VIDEOS)[READABLE]["rows"]
    assert (row["game"], row["half"]) == (GAME, 2)
    assert row["video"].startswith(says)


def test_beside_features_a_missing_video_is_no_fault_and_a_cut_one_a_warning(both):
    video_file(both).unlink()
    assert wrong(both) == {}
    cut_off(video_file(both, half=1))
    assert wrong(both) == {"videos that are there can be read": ("warning", "failed", 1)}


def test_features_twice_as_long_as_the_video_are_refused(both):
    filmed(video_file(both), FRAMES / 4)
    assert wrong(both) == {RATE: ("critical", "failed", 1), GAP: ("warning", "failed", 1)}


def test_features_a_little_longer_than_a_long_video_are_a_warning(both):
    """2.3 s are more than a frame or two and less than 2 % of two minutes."""
    write_video(video_file(both), [*range(0, 117_000, 1000), 116_700], rate=1)
    assert wrong(both) == {GAP: ("warning", "failed", 1)}


def test_without_features_halves_are_as_long_as_their_videos(videos):
    filmed(video_file(videos), FRAMES / 4)
    late = {"gameTime": "1 - 02:01", "label": "y-card", "team": "home"}
    write_labels(videos / GAME, [*3 * ANNOTATIONS["v1"], late])
    found = wrong(videos, params=VIDEOS)
    assert found[MEDIAN] == ("warning", "failed", 1)
    assert found[LATE] == ("warning", "failed", 1)


def test_the_videos_that_the_parameters_name_are_the_ones_that_are_checked(videos):
    for game in ALL_GAMES:
        for half in HALVES:
            video_file(videos, game, half).rename(videos / game / f"{half}_720p.mkv")
    assert wrong(videos, params=ExtractParams(source="videos", videos="720p")) == {}
    assert wrong(videos, params=VIDEOS) == {READABLE: ("critical", "failed", 2 * len(ALL_GAMES))}
