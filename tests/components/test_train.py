"""The component of the train stage."""

import csv
from pathlib import Path

import pytest
import torch
from kfp.dsl import HTML, Artifact, Metrics, Model
from safetensors.torch import load_file

from components.artifacts import PROCESSES
from components.train.component import train
from rmsnet.network.model_files import load_model
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


@pytest.fixture
def train_in(artifacts, study, monkeypatch: pytest.MonkeyPatch):
    """Train in so many processes, without dropout, which each process draws for itself; model and metrics."""

    def train_in(processes: int, **changes: float) -> tuple[Model, Metrics]:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        monkeypatch.setenv(PROCESSES, str(processes))
        model, metrics = artifacts(Model, f"model {processes}"), artifacts(Metrics, f"metrics {processes}")
        params = {**PARAMS, "train": {**PARAMS["train"], "epochs": 1, "dropout": 0.0, **changes}}
        made = (model, metrics, artifacts(HTML, "curves"), artifacts(Artifact, "unsent"))
        train.python_func(study.features, "full", params, *made)
        return model, metrics

    return train_in


@pytest.mark.slow
def test_two_processes_leave_what_one_leaves(train_in) -> None:
    (one, of_one), (two, of_two) = train_in(1), train_in(2)
    assert {path.name for path in Path(one.path).iterdir()} == {path.name for path in Path(two.path).iterdir()}
    weights, others = (load_file(Path(model.path) / "model.safetensors") for model in (one, two))
    for name, tensor in weights.items():
        torch.testing.assert_close(others[name], tensor, rtol=1e-3, atol=1e-4, msg=name)
    assert of_two.metadata == pytest.approx(of_one.metadata, abs=1e-3)
    own = ("mlflow_run", "mlflow_model", "valid_average_map")
    assert {key: value for key, value in one.metadata.items() if key not in own} == {
        key: value for key, value in two.metadata.items() if key not in own
    }
    assert two.metadata["mlflow_run"] != one.metadata["mlflow_run"]


def test_what_the_processes_refuse_is_a_refusal(train_in, capfd) -> None:
    with pytest.raises(SystemExit) as refusal:
        train_in(2, clip_frames=5001)
    assert refusal.value.code == 2
    printed = capfd.readouterr().err
    assert "rmsnet: " in printed
    assert "what it said stands above" in printed
    assert "Traceback" not in printed


def test_through_the_local_runner(ran) -> None:
    assert sorted(item["name"] for item in ran.metadata("train", "model")) == ["full", "no-masking"]
    assert any("full: epoch 2/2" in line for line in ran.log["train"])
