"""Many matches in one go: a bad one does not stop the night, and the next run does what is left."""

import json
from pathlib import Path

import numpy as np
import pytest

from rmsnet.cli import main
from rmsnet.documents import read_json
from tests.matches.builders import write_features, write_sure_model

GAMES = [f"a_league/2030-2031/2030-01-0{day} - 15-00 A 0 - 0 B" for day in (1, 2, 3)]


@pytest.fixture
def league(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    for number, game in enumerate(GAMES):
        for half in (1, 2):
            (data / game).mkdir(parents=True, exist_ok=True)
            write_features(data / game / f"{half}_test.npy", seed=number)
    (data / "SoccerNetGamesTest.json").write_text(json.dumps(GAMES))
    return data


def spotting(league: Path, tmp_path: Path) -> list[str]:
    out = ["--out", str(tmp_path / "out"), "--split", "test"]
    return ["spot", str(league), "--model", str(tmp_path / "model"), *out]


def test_a_bad_match_does_not_stop_the_others_and_is_named_at_the_end(
    league: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_sure_model(tmp_path / "model")
    bad = league / GAMES[1] / "2_test.npy"
    whole = bad.read_bytes()
    bad.write_bytes(whole[:-100])
    command = spotting(league, tmp_path)
    assert main(command) == 1
    said = capsys.readouterr().err
    assert "1 of 3 matches are not spotted" in said
    assert str(bad) in said
    pages = [tmp_path / "out" / game / "report.html" for game in GAMES]
    assert [page.exists() for page in pages] == [True, False, True]
    assert set(read_json(tmp_path / "out" / GAMES[0] / "results_spotting.json"))
    times = [page.stat().st_mtime_ns for page in (pages[0], pages[2])]
    bad.write_bytes(whole)
    assert main(command) == 0
    assert pages[1].exists()
    assert [page.stat().st_mtime_ns for page in (pages[0], pages[2])] == times
    listed = (tmp_path / "out" / "events.csv").read_text()
    assert all(game in listed for game in GAMES)
    np.save(league / GAMES[0] / "1_test.npy", np.load(league / GAMES[0] / "1_test.npy")[1:])
    assert main(command) == 0
    assert pages[0].stat().st_mtime_ns != times[0]
    assert pages[2].stat().st_mtime_ns == times[1]


def test_a_match_without_files_is_left_out_before_time_goes_into_any(
    league: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    write_sure_model(tmp_path / "model")
    for half in (1, 2):
        (league / GAMES[2] / f"{half}_test.npy").unlink()
    command = spotting(league, tmp_path)
    assert main(command) == 1
    first, *_, last = capsys.readouterr().err.strip().splitlines()
    assert first.startswith(f"warning: {GAMES[2]}: will be left out")
    assert "1 of 3 matches are not spotted" in last
    assert (tmp_path / "out" / GAMES[1] / "report.html").exists()


def test_a_folder_of_games_goes_on_behind_a_bad_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_sure_model(tmp_path / "model")
    for number, name in enumerate(("A 1 - 0 X", "B 1 - 0 X", "C 1 - 0 X")):
        for half in (1, 2):
            write_features(tmp_path / "m" / name / f"{half}_test.npy", seed=number)
    bad = tmp_path / "m" / "B 1 - 0 X" / "2_test.npy"
    bad.write_bytes(bad.read_bytes()[:-8])
    command = ["spot", str(tmp_path / "m"), "--model", str(tmp_path / "model"), "--out", str(tmp_path / "out")]
    assert main(command) == 1
    assert "1 of 3 matches are not spotted" in capsys.readouterr().err
    listed = (tmp_path / "out" / "events.csv").read_text()
    assert "A 1 - 0 X" in listed
    assert "C 1 - 0 X" in listed
    assert "C 1 - 0 X" in (tmp_path / "out" / "index.html").read_text()
