import csv
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.soccernet import open_dataset
from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.simulation import simulate
from rmsnet.simulation.games import split_sizes

GAMES, MINUTES = 5, 5


def digest(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def simulate_elsewhere(out: Path, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "rmsnet.cli", "data", "simulate", "--out", str(out)]
    command += ["--games", str(GAMES), "--minutes", str(MINUTES)]
    return subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "data"
    simulate(out, games=GAMES, minutes=MINUTES)
    return out


def test_a_simulated_dataset_has_soccernets_layout_and_says_that_it_is_simulated(simulated):
    dataset = open_dataset(simulated)
    assert dataset.simulated is True
    sizes = {split: len(games) for split, games in dataset.splits.items()}
    assert sizes == {"train": 3, "valid": 1, "test": 1, "gate": 2}
    for games in dataset.splits.values():
        for game in games:
            league, season, name = game.split("/")
            assert league == "simulated_league"
            assert len(season) == 9
            for half in (1, 2):
                features = np.load(dataset.features_path(game, half, "ResNET_TF2_PCA512"), allow_pickle=False)
                assert features.shape == (MINUTES * 60 * 2, 512)
                assert features.dtype == np.float32
            goals = [event for event in game_events(dataset.labels(), game, class_list("v2")) if event.label == "Goal"]
            score = [int(part) for part in name.split() if part.isdigit()]
            assert sum(score) == len(goals)
    assert [path.name for path in simulated.parent.iterdir()] == ["data"]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(simulated, tmp_path):
    simulate(tmp_path / "again", games=GAMES, minutes=MINUTES)
    assert digest(tmp_path / "again") == digest(simulated)
    simulate(tmp_path / "other", games=GAMES, minutes=MINUTES, seed=1)
    same = {name for name, value in digest(tmp_path / "other").items() if digest(simulated).get(name) == value}
    assert not any(name.endswith(".npy") for name in same)


def test_games_of_the_gate_are_added_and_the_others_stay_what_they_are(simulated, tmp_path):
    info = simulate(tmp_path / "data", games=GAMES, gate=0, minutes=MINUTES)
    assert info["games"] == {"train": 3, "valid": 1, "test": 1}
    assert not (tmp_path / "data" / "SoccerNetGamesGate.json").exists()
    without, with_gate = (
        {value for name, value in digest(root).items() if name.endswith(".npy")}
        for root in (tmp_path / "data", simulated)
    )
    assert without < with_gate
    assert len(with_gate - without) == 4


def test_the_bytes_do_not_depend_on_the_vector_instructions_of_the_machine(simulated, tmp_path):
    """NumPy's kernels for older processors give the same dataset, down to the last bit."""
    from numpy._core import _multiarray_umath as umath

    features = umath.__cpu_features__
    switched_off = [name for name in umath.__cpu_dispatch__ if features.get(name)]
    if not switched_off:
        pytest.skip("NumPy has no kernels here that could be switched off")
    plain = simulate_elsewhere(tmp_path / "plain", NPY_DISABLE_CPU_FEATURES=" ".join(switched_off))
    assert plain.wait() == 0
    assert digest(tmp_path / "plain") == digest(simulated)


def test_the_bytes_are_those_that_every_other_machine_gets(simulated):
    """Golden: written down on x86-64 with AVX-512; the demo's whole dataset is pinned in data.dvc likewise."""
    whole = hashlib.sha256(json.dumps(digest(simulated), sort_keys=True).encode()).hexdigest()
    assert whole == "d28255f1f2a8a97dbfee028318ec6a62b6ff2086e5da4c226543b7848cbd843e"


def test_a_dataset_that_is_there_is_left_as_it_is_and_a_damaged_one_is_made_whole(simulated, tmp_path):
    out = tmp_path / "data"
    shutil.copytree(simulated, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.npy")}
    simulate(out, games=GAMES, minutes=MINUTES)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.npy")} == before
    victim = next(iter(before))
    victim.write_bytes(victim.read_bytes()[:1000])
    simulate(out, games=GAMES, minutes=MINUTES)
    assert digest(out) == digest(simulated)


def test_a_killed_simulation_leaves_no_dataset_and_continues_where_it_was(simulated, tmp_path):
    out = tmp_path / "data"
    victim = simulate_elsewhere(out)
    partial = tmp_path / ".data.partial"
    while not list(partial.rglob("*.npy")):
        assert victim.poll() is None, "it was over before it could be killed"
        time.sleep(0.001)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not out.exists()
    kept = {path.name: path.stat().st_ino for path in partial.rglob("1_*.npy")}
    assert kept
    simulate(out, games=GAMES, minutes=MINUTES)
    assert digest(out) == digest(simulated)
    assert os.listdir(tmp_path) == ["data"]
    assert set(kept.values()) <= {path.stat().st_ino for path in out.rglob("1_*.npy")}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"games": 2}, "--games 2: at least 3"),
        ({"minutes": 4}, "--minutes 4: a half has 5 to 60 minutes"),
        ({"seed": -1}, "--seed -1"),
        ({"gate": -1}, "--gate -1: must not be negative"),
        ({"labels": Path("nowhere.zip"), "gate": 5}, "--gate 5: not with --labels"),
        ({"labels": Path("nowhere.zip")}, "nowhere.zip: no such folder or zip"),
        ({"labels": Path("nowhere.zip"), "minutes": 15}, "leave it out"),
    ],
)
def test_impossible_arguments_are_refused_and_nothing_is_written(options, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says):
        simulate(Path("data"), **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_was_not_simulated_is_never_replaced(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious.txt").write_text("mine")
    with pytest.raises(UserError, match="was not simulated"):
        simulate(tmp_path / "data", games=3, minutes=5)
    write_json(tmp_path / "data" / "dataset.json", {"name": "SoccerNet", "simulated": False})
    with pytest.raises(UserError, match="was not simulated"):
        simulate(tmp_path / "data", games=3, minutes=5)
    assert (tmp_path / "data" / "precious.txt").read_text() == "mine"
    with pytest.raises(UserError, match="is a file"):
        simulate(tmp_path / "data" / "precious.txt", games=3, minutes=5)


def test_splits_are_cut_as_soccernets_are():
    assert split_sizes(500) == {"train": 300, "valid": 100, "test": 100}
    assert split_sizes(48) == {"train": 28, "valid": 10, "test": 10}
    assert split_sizes(3) == {"train": 1, "valid": 1, "test": 1}


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_real_annotations_get_features_of_their_real_length(version, shared, tmp_path):
    """Real labels byte for byte, official splits, half lengths as measured where they are known."""
    from rmsnet.dataset.game_files import GameFiles
    from rmsnet.dataset.labels import LABEL_FILES
    from rmsnet.dataset.soccernet import read_split

    source = shared / "soccernet" / f"labels_{version}.zip"
    info = simulate(tmp_path / "data", labels=source, games=5)
    assert info["simulated"] is True
    assert info["name"] == "Simulated features under real annotations"
    dataset = open_dataset(tmp_path / "data")
    files = GameFiles(source)
    with (shared / "soccernet" / "half_durations.csv").open(encoding="utf-8", newline="") as file:
        seconds = {(row["game"], int(row["half"])): float(row["duration_seconds"]) for row in csv.DictReader(file)}
    for split, games in dataset.splits.items():
        assert list(games) == read_split(shared / "soccernet", split)[: len(games)]
        for game in games:
            name = LABEL_FILES[version]
            assert (tmp_path / "data" / game / name).read_bytes() == files.read(game, name)
            for half in (1, 2):
                features = np.load(dataset.features_path(game, half, "ResNET_TF2_PCA512"), mmap_mode="r")
                if (game, half) in seconds:
                    assert len(features) == int(2 * seconds[game, half])
                else:
                    assert len(features) >= 2 * 45 * 60
    known = [game for split in ("valid", "test") for game in dataset.splits[split]]
    assert all((game, half) in seconds for game in known for half in (1, 2))
