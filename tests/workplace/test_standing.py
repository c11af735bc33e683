import json
import shutil
import subprocess

import pytest

from rmsnet.cli import main
from rmsnet.workplace import standing as module
from rmsnet.workplace.standing import standing


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


@pytest.fixture
def project(folder, repository):
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(repository / name, folder)
    return folder


def write_dataset(folder):
    for split in ("Train", "Valid", "Test"):
        listed = {"league": {"season": [f"game of {split}"]}}
        (folder / f"SoccerNetGames{split}.json").write_text(json.dumps(listed))
    (folder / "dataset.json").write_text(json.dumps({"name": "Friendlies", "simulated": True}))


def test_in_an_empty_folder_it_says_that_nothing_is_there_how_to_begin_and_makes_nothing(folder, capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "project:       none" in said
    assert "next:          rmsnet data simulate --out data" in said
    assert not list(folder.iterdir())


def test_a_dataset_is_told_with_its_games_and_as_simulated(project, monkeypatch):
    (project / "data").mkdir()
    write_dataset(project / "data")
    monkeypatch.setattr(module, "_stale", lambda: ["validate"])
    said = dict(standing())
    assert said["dataset"] == "data/: Friendlies (simulated): 1 train, 1 valid, 1 test"
    assert said["stale"] == "validate"
    assert said["next"] == "dvc repro"


def test_the_newest_training_is_the_last(project):
    heads = "epoch,loss,classification_loss,regression_loss,valid_average_map,learning_rate,gradient_norm"
    for name, score in (("first", 0.25), ("second", 0.5)):
        (project / "models" / name).mkdir(parents=True)
        rows = f"{heads},clips_per_second,seconds\n1,1,1,1,{score},1,1,1,1\n"
        (project / "models" / name / "history.csv").write_text(rows)
    said = dict(standing())
    assert said["last training"] == "models/second: valid Average-mAP 50.0 in epoch 1 of 1; 2 in models/"


def test_parameters_that_are_wrong_are_said_and_end_it(project):
    (project / "params.yaml").write_text("train: {epoch: 3}")
    assert [what for what, _ in standing()] == ["project", "parameters"]


def test_a_damaged_store_is_said_in_its_line(project):
    (project / "mlflow.db").write_text("no database")
    assert "cannot be used as MLflow store" in dict(standing())["champion"]


def test_what_dvc_would_run_is_stale_but_for_what_it_always_runs(monkeypatch):
    answer = json.dumps({"train": [{"changed deps": {"features": "modified"}}], "store": ["always changed"]})
    done = subprocess.CompletedProcess((), 0, answer, "")
    monkeypatch.setattr(module.subprocess, "run", lambda *_, **__: done)
    assert module._stale() == ["train"]


def test_where_dvc_fails_its_reason_is_one_line(monkeypatch):
    def fail(*_, **__):
        raise subprocess.CalledProcessError(255, "dvc", stderr="ERROR: you are not\ninside of a DVC repository")

    monkeypatch.setattr(module.subprocess, "run", fail)
    assert module._stale() == ["DVC cannot say (ERROR: you are not inside of a DVC repository)"]


@pytest.mark.parametrize(
    ("state", "begins"),
    [
        ((True, False, False, False, False), "rmsnet data simulate"),
        ((True, True, False, False, True), "dvc repro"),
        ((True, True, True, False, True), "dvc repro"),
        ((False, True, False, False, False), "rmsnet validate data"),
        ((True, True, True, False, False), "rmsnet registry register"),
        ((True, True, True, True, False), "rmsnet spot MATCH --model models:/rmsnet@champion"),
    ],
)
def test_the_next_command_follows_from_what_is_there(state, begins):
    from rmsnet.params import Params

    assert module._next(Params(), *state).startswith(begins)
