"""A match with two short videos and a model that sees events in it."""

from pathlib import Path

import pytest

from rmsnet.files import write_json
from tests.chromium import chromium
from tests.matches.builders import write_features, write_game, write_sure_model
from tests.matches.page.opened import GAME, LABELS
from tests.video.videos import write_video

SECONDS = 20
RATE_TIMES = [round(1001 * number / 30) for number in range(300)]
"""Milliseconds of the pictures of ten seconds at 30000/1001 a second."""


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    return write_sure_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def videos(tmp_path_factory) -> tuple[Path, Path]:
    """A half at 25 pictures a second with sound, one at 29.97."""
    folder = tmp_path_factory.mktemp("videos")
    first = write_video(folder / "1_224p.mp4", range(0, 1000 * SECONDS, 40), sound_ms=1000 * SECONDS)
    return first, write_video(folder / "2_224p.mp4", RATE_TIMES, rate=30)


@pytest.fixture
def whole_match(tmp_path, videos) -> Path:
    """A game of a handball dataset: two halves in one file of 20 s, whose labels count from its start."""
    folder = tmp_path / "handball" / GAME
    folder.mkdir(parents=True)
    (folder / "match.mp4").hardlink_to(videos[0])
    (folder / "events.csv").write_text("time,label\n0:00:05.000,goal\n0:00:13.000,foul\n")
    write_json(folder / "kick_offs.json", [2.0, 11.0])
    described = {
        "name": "Nord",
        "simulated": True,
        "classes": [{"name": "goal"}, {"name": "foul"}],
        "labels": {"file": "events.csv", "clock": "file"},
        "periods": [{"minutes": 1, "first_minute": minute} for minute in (0, 1)],
        "files": "match",
    }
    write_json(tmp_path / "handball" / "dataset.json", described)
    return folder


@pytest.fixture
def game(tmp_path, videos) -> Path:
    """A game of a dataset with labels of the first version."""
    folder = write_game(tmp_path / "data" / GAME, labels=LABELS[:1])
    for half, video in enumerate(videos, start=1):
        (folder / f"{half}_224p.mp4").hardlink_to(video)
        write_features(folder / f"{half}_test.npy", seconds=SECONDS, seed=half)
    return folder
