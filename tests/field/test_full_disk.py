"""A disk that is full, through whole commands (F16): one line with the file, nothing half-made, the next goes on."""

import errno
import os

import pytest

from rmsnet import cli
from tests.builders import learnable_bank, write_bank
from tests.field.league import GAMES, SET_FEATURES, write_league
from tests.matches.builders import write_features

SMALL = [
    part
    for change in ("epochs=1", "foreground_clips=30", "background_clips=10", "clip_frames=9", "precision=float32")
    for part in ("--set", f"train.{change}")
]

COMMANDS = {
    "train": ["train", "--features", "features", "--out", "out", *SMALL],
    "evaluate": ["evaluate", "--model", "model", "--features", "features", "--out", "out", "--bootstrap", "10"],
    "register": [
        "registry",
        "register",
        "model",
        "--evaluation",
        "evaluation",
        "--features",
        "features",
        "--out",
        "out",
    ],
    "extract": ["extract", "data", "--out", "out", *SET_FEATURES],
    "spot": ["spot", "half.npy", "--model", "model", "--out", "out"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """What every command needs."""
    folder = tmp_path_factory.mktemp("project")
    for number, split in enumerate(("train", "valid", "test")):
        write_bank(folder / "features", split, learnable_bank(2, seed=number))
    write_league(folder / "data", GAMES)
    write_features(folder / "half.npy")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for command in (
            ["train", "--features", "features", "--out", "model", *SMALL],
            [*COMMANDS["evaluate"][:-3], "evaluation/model", "--bootstrap", "10"],
        ):
            assert cli.main(command) == 0
    return folder


def room_for(files: int, patch: pytest.MonkeyPatch) -> None:
    """Let the disk be full when one more file than these is written."""
    sync, left = os.fsync, iter(range(files))

    def full(file: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(file)

    patch.setattr(os, "fsync", full)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_one_line_with_the_file_and_the_next_run_goes_on(project, monkeypatch, tmp_path, capsys, name):
    monkeypatch.chdir(project)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    out = tmp_path / "out"
    command = [str(out) if part == "out" else part for part in COMMANDS[name]]
    for files in (0, 2):
        with monkeypatch.context() as patch:
            room_for(files, patch)
            assert cli.main(command) == 2
        said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("rmsnet: ")]
        assert len(said) == 1
        place = tmp_path / (".out.partial" if name == "train" else "out")
        assert said[0].startswith(f"rmsnet: [Errno 28] No space left on device: '{place}/")
        assert said[0].endswith("; make room, then run the same command again")
        assert ".partial-" not in said[0], "the name that people know"
        assert not [path for path in tmp_path.rglob("*") if ".partial-" in path.name or ".replaced-" in path.name]
        assert name == "spot" or not out.exists(), "of a match each file is whole by itself; origin.json is the last"
        assert not (out / "origin.json").exists()
    assert cli.main(command) == 0
    assert any(out.iterdir())
