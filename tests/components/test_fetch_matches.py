"""The component that decides what is spotted, and with which version of a model."""

from pathlib import Path

import pytest
from kfp.dsl import Dataset, Model

from components.artifacts import dataset_root
from components.fetch_matches import fetch_matches
from rmsnet.documents import read_json
from rmsnet.network.model_files import load_model


def call(artifacts, source: Path, model: str, split: str = "", shards: int = 4):
    matches, spotter = artifacts(Dataset, "matches"), artifacts(Model, "spotter")
    return fetch_matches.python_func(str(source), "", split, model, shards, matches, spotter), matches, spotter


def test_no_more_shards_than_matches(artifacts, study, dataset: Path) -> None:
    shards, matches, spotter = call(artifacts, dataset, study.model.path, split="test")
    assert matches.metadata["matches"] == len(shards) < 4
    assert shards[-1] == f"{len(shards)}/{len(shards)}"
    assert dataset_root(Path(matches.path)) == dataset
    assert load_model(Path(spotter.path)).config["weights_hash"] == spotter.metadata["weights_hash"]


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("models:/rmsnet@champion", "fetch_matches: rmsnet: no such registered model"),
        ("models:/rmsnet", "models:/rmsnet: say which version"),
        ("nowhere", "nowhere: no model there"),
    ],
)
def test_without_the_model_there_is_one_line_and_exit_status_2(
    artifacts, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, model: str, complaint: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(SystemExit) as refusal:
        call(artifacts, dataset, model)
    assert refusal.value.code == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("fetch_matches: ")]
    assert len(lines) == 1
    assert complaint in lines[0]


def test_a_folder_without_matches(artifacts, study, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit):
        call(artifacts, tmp_path, study.model.path)
    assert "neither a game" in capsys.readouterr().err


def test_through_the_local_runner(spotted, dataset: Path) -> None:
    (model,) = spotted.metadata("fetch-matches", "spotter")
    assert model["uri"] == "models:/rmsnet/1"
    assert "models/rmsnet/versions/1" in model["mlflow_version"]
    assert model["simulated"] is True
    location = read_json(spotted.output("fetch-matches", "matches") / "location.json")
    assert location == {"path": str(dataset)}
