"""The challenge split, whose labels SoccerNet keeps to itself, and lists of one's own (F29)."""

import json
import os
import zipfile

import pytest

from rmsnet import cli
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.soccernet import list_dataset, read_split
from rmsnet.errors import UserError
from rmsnet.evaluation.files import read_predictions
from tests.field.league import GAMES, SET_FEATURES, game, write_game, write_json, write_league
from tests.matches.builders import write_model

SECRET = [game(8), game(9)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture
def challenge(tmp_path):
    """Two games with features, without labels, on a list of their own, and nothing else."""
    data = tmp_path / "data"
    for seed, name in enumerate(SECRET):
        write_game(data / name, name, seed=seed)
        (data / name / "Labels.json").unlink()
    write_json(data / "SoccerNetGamesChallenge.json", SECRET)
    return data


def run(capsys, *arguments):
    status = cli.main([str(argument) for argument in arguments])
    return status, capsys.readouterr()


def test_games_without_labels_are_inspected_and_validated(challenge, tmp_path, capsys):
    status, said = run(capsys, "data", "inspect", challenge, *SET_FEATURES)
    assert (status, "challenge" in said.out, "no gaps" in said.out) == (0, True, True)
    assert run(capsys, "validate", challenge, "--out", tmp_path / "report", *SET_FEATURES)[0] == 0
    report = json.loads((tmp_path / "report" / "validation.json").read_text())
    assert report["statistics"]["splits"]["challenge"]["games"] == 2


@pytest.mark.parametrize("split", [("--split", "challenge"), ("--split", "Challenge"), ()])
def test_they_are_spotted_and_the_results_zip_into_what_the_server_takes(challenge, model, tmp_path, capsys, split):
    out = tmp_path / "out"
    assert run(capsys, "spot", challenge, *split, "--model", model, "--out", out)[0] == 0
    archive = tmp_path / "results.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for path in sorted(out.rglob("results_spotting.json")):
            made.write(path, path.relative_to(out).as_posix())
    assert not read_predictions(archive, SECRET, class_list("v1")).missing
    load = pytest.importorskip("SoccerNet.Evaluation.utils").LoadJsonFromZip
    for name in SECRET:
        found = load(str(archive), os.path.join(name, "results_spotting.json"))  # noqa: PTH118  # as the server does
        assert found["UrlLocal"] == name
        assert {int(row["half"]) for row in found["predictions"]} <= {1, 2}


def test_beside_labelled_splits_they_are_no_gap_and_no_fault(tmp_path, model, capsys):
    data = write_league(tmp_path / "data", {**GAMES, "challenge": SECRET})
    for name in SECRET:
        (data / name / "Labels.json").unlink()
    assert run(capsys, "validate", data, "--out", tmp_path / "report", *SET_FEATURES)[0] == 0
    report = json.loads((tmp_path / "report" / "validation.json").read_text())
    assert [check["expectation"] for check in report["checks"] if check["status"] != "passed"] == []
    assert run(capsys, "extract", data, "--out", tmp_path / "features", *SET_FEATURES)[0] == 0
    assert not (tmp_path / "features" / "challenge.json").exists()
    assert run(capsys, "spot", data, "--model", model, "--out", tmp_path / "out")[0] == 0
    assert len(list((tmp_path / "out").rglob("results_spotting.json"))) == 6


def test_missing_labels_of_the_three_splits_stay_a_fault(tmp_path, capsys):
    data = write_league(tmp_path / "data")
    (data / GAMES["test"][0] / "Labels.json").unlink()
    assert run(capsys, "validate", data, "--out", tmp_path / "report", *SET_FEATURES)[0] == 1


def test_a_list_of_ones_own_may_take_games_out_of_the_others(tmp_path, model, capsys):
    derbies = [GAMES["train"][0], GAMES["test"][0]]
    data = write_league(tmp_path / "data")
    write_json(data / "SoccerNetGamesMyDerbies.json", derbies)
    assert read_split(data, "myderbies") == read_split(data, "MyDerbies") == derbies
    assert run(capsys, "validate", data, "--out", tmp_path / "report", *SET_FEATURES)[0] == 0
    command = ("spot", data, "--split", "myderbies", "--model", model, "--out", tmp_path / "out")
    assert run(capsys, *command)[0] == 0
    assert len(list((tmp_path / "out").rglob("results_spotting.json"))) == 2


def test_a_list_that_is_not_there_is_refused_with_those_that_are(challenge, model, tmp_path, capsys):
    status, said = run(capsys, "spot", challenge, "--split", "derbies", "--model", model, "--out", tmp_path / "out")
    assert status == 2
    assert "SoccerNetGamesDerbies.json: no such split list; put one there, or take one of challenge" in said.err


def test_the_official_lists_hold_where_there_are_none(tmp_path):
    pytest.importorskip("SoccerNet.Evaluation.utils")
    assert list(list_dataset(tmp_path).splits) == ["train", "valid", "test", "gate"]
    assert len(read_split(tmp_path, "challenge")) == 50
    with pytest.raises(UserError, match="no such split list"):
        read_split(tmp_path, "derbies")
