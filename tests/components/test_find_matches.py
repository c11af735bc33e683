"""The component that decides what is spotted, and with which version of a model."""

from pathlib import Path

import pytest
from kfp.dsl import Model

from components.data import identified
from components.find_matches.body import body
from rmsnet.network.model_files import load_model


def call(artifacts, source: Path, model: str, split: str = "", pods: int = 4):
    spotter = artifacts(Model, "spotter")
    return body(str(source), "", split, model, pods, spotter), spotter


def test_no_more_parts_than_matches_each_with_all_that_spotting_depends_on(artifacts, study, dataset: Path) -> None:
    parts, spotter = call(artifacts, dataset, str(study.folder / "model"), split="test")
    assert [item["part"] for item in parts] == [f"{number}/{len(parts)}" for number in range(1, len(parts) + 1)]
    assert len(parts) < 4
    weights = load_model(Path(spotter.path)).config["weights_hash"]
    for item in parts:
        assert item["fingerprint"] == identified(str(dataset), "")
        assert item["weights"] == weights == spotter.metadata["weights_hash"]


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        ("models:/rmsnet@champion", "find_matches: bad input: rmsnet: no such registered model"),
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
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("find_matches: ")]
    assert len(lines) == 1
    assert complaint in lines[0]


def test_a_folder_without_matches(artifacts, study, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit):
        call(artifacts, tmp_path, str(study.folder / "model"))
    assert "neither a game" in capsys.readouterr().err


def test_through_the_local_runner(spotted) -> None:
    (model,) = spotted.metadata("find-matches", "spotter")
    assert model["uri"] == "models:/rmsnet/1"
    assert "models/rmsnet/versions/1" in model["mlflow_version"]
    assert model["simulated"] == "yes"
