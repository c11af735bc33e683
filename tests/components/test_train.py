"""The component of the train stage."""

import csv
from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Metrics, Model

from components.train import train
from rmsnet.model_files import load_model
from tests.components.conftest import PARAMS


def test_a_model_with_its_curves_and_its_run_in_mlflow(artifacts, study) -> None:
    model = study.model
    assert load_model(Path(model.path)).classes == ("card", "subs", "soccer")
    assert model.framework == "PyTorch float32"
    assert model.metadata["name"] == "full"
    assert model.metadata["simulated"] is True
    assert "runs/" in model.metadata["mlflow_run"]
    assert model.metadata["mlflow_model"].startswith("models:/m-")
    assert 'src="data:image/png;base64,' in Path(study.curves.path).read_text()
    rows = list(csv.DictReader((Path(model.path) / "history.csv").open()))
    assert study.metrics.metadata["epochs"] == len(rows) == 2


def test_an_unknown_variant(artifacts, study, capsys) -> None:
    made = (artifacts(Model, "model"), artifacts(Metrics, "m"), artifacts(HTML, "c"), artifacts(Artifact, "unsent"))
    with pytest.raises(SystemExit) as refusal:
        train.python_func(study.features, "bald", PARAMS, *made)
    assert refusal.value.code == 2
    assert "variants.bald: no such variant; known: full, no-masking" in capsys.readouterr().err


@pytest.mark.slow
def test_what_mlflow_does_not_take_is_an_output(artifacts, study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("RMSNET_SPOOL", "")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    model, unsent = artifacts(Model, "model"), artifacts(Artifact, "unsent")
    params = {**PARAMS, "train": {**PARAMS["train"], "epochs": 1}}
    train.python_func(study.features, "full", params, model, artifacts(Metrics, "m"), artifacts(HTML, "c"), unsent)
    assert load_model(Path(model.path))
    assert (Path(unsent.path) / "mlflow.db").exists()


def test_through_the_local_runner(ran) -> None:
    assert sorted(item["name"] for item in ran.metadata("train", "model")) == ["full", "no-masking"]
    assert any("full: epoch 2/2" in line for line in ran.log["train"])
