"""The component that trains a variant and judges it."""

import csv
import json
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import torch
from kfp.dsl import HTML, ClassificationMetrics, Metrics, Model
from safetensors.torch import load_file

from components.artifacts import PROCESSES
from components.train.body import body
from components.training import deliver
from rmsnet.documents import read_json
from rmsnet.network.model_files import load_model
from rmsnet.tracking import find_run, read_run, run_record
from rmsnet.tracking.store import our_client
from tests.components.conftest import PARAMS

SHORT = {**PARAMS, "train": {**PARAMS["train"], "epochs": 1}}


def outputs(artifacts, name: str = "again"):
    kinds = {"trained": Model, "page": HTML, "metrics": Metrics, "confusion": ClassificationMetrics}
    return {key: artifacts(kind, f"{name}/{key}") for key, kind in kinds.items()}


def test_a_model_its_scores_and_one_page(study) -> None:
    model = load_model(study.folder / "model")
    assert model.classes == ("card", "subs", "soccer")
    facts = study.trained.metadata
    assert (facts["variant"], facts["simulated"], facts["display_name"]) == ("full", "yes", "model full")
    assert "runs/" in facts["mlflow_run"]
    assert study.trained.framework == "PyTorch float32"
    test = read_json(study.folder / "evaluation" / "test" / "metrics.json")
    assert study.metrics.metadata["test/average_map"] == test["average_map"]
    assert study.metrics.metadata["test/ap/card"] == test["per_class"]["card"]
    rows = list(csv.DictReader((study.folder / "model" / "history.csv").open()))
    assert study.metrics.metadata["epochs"] == len(rows) == 2


def test_the_page_names_the_variant_and_tells_addresses_as_text(study) -> None:
    page = Path(study.page.path).read_text()
    assert "<title>full, seed 0: " in page
    for part in ("Training", "Test split: full", "Valid split: full", "Where more is"):
        assert f"<h2>{part}</h2>" in page
    assert study.trained.metadata["mlflow_run"] in page
    assert "<a " not in page
    assert "http-equiv" not in page


def test_the_charts_are_json(study) -> None:
    matrix = study.confusion.metadata["confusionMatrix"]
    assert [item["displayName"] for item in matrix["annotationSpecs"]] == ["card", "subs", "soccer", "nothing"]
    json.dumps(study.confusion.metadata, allow_nan=False)


def test_an_unknown_variant(artifacts, study, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        body(study.features, "bald", PARAMS, **outputs(artifacts))
    assert refusal.value.code == 2
    assert "train: bad input: variants.bald: no such variant; known: full, no-masking" in capsys.readouterr().err


@pytest.mark.slow
def test_an_outage_of_mlflow_costs_nothing(artifacts, study, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Training and evaluation go on, what was not sent goes with the model, and the next task delivers it."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    here = str(our_client().tracking_uri)
    made = outputs(artifacts)
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
        body(study.features, "full", SHORT, **made)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", here)
    folder = Path(made["trained"].path)
    deliver(folder / "unsent")
    assert "was kept while MLflow was away, is MLflow run" in capsys.readouterr().out
    run = read_run(folder / "model")
    assert not find_run(run["run_id"], run["model_id"]).spooled
    assert {"valid_average_map", "test_average_map"} <= set(run_record(run["run_id"], run["model_id"]).scores)


@pytest.mark.slow
def test_a_second_attempt_takes_what_the_first_has_trained(artifacts, study, tmp_path: Path, capsys) -> None:
    """The pod was lost while it evaluated: the same task, another pod."""
    made, kept = outputs(artifacts), tmp_path / "the first pod's disk"
    made["trained"] = Model(uri=study.trained.uri)
    first = read_run(study.folder / "model")["run_id"]
    shutil.move(study.folder, kept)
    try:
        body(study.features, "full", PARAMS, **made)
        assert read_run(study.folder / "model")["run_id"] == first
    finally:
        shutil.rmtree(study.folder, ignore_errors=True)
        shutil.move(kept, study.folder)
    printed = capsys.readouterr().err
    assert "an earlier attempt at this task has trained it" in printed
    assert "epoch 1/2" not in printed
    assert made["metrics"].metadata == study.metrics.metadata


@pytest.fixture
def train_in(artifacts, study, python_folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Train in so many processes, without dropout, which each process draws for itself; model and metrics."""

    monkeypatch.setattr(sys, "executable", str(python_folder / "python"))  # what the processes are

    def train_in(processes: int, **changes: float) -> tuple[Path, Metrics]:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        monkeypatch.setenv(PROCESSES, str(processes))
        params = {**PARAMS, "train": {**PARAMS["train"], "epochs": 1, "dropout": 0.0, **changes}}
        made = outputs(artifacts, f"in {processes}")
        body(study.features, "full", params, **made)
        return Path(made["trained"].path) / "model", made["metrics"]

    return train_in


@pytest.mark.slow
def test_two_processes_leave_what_one_leaves(train_in) -> None:
    (one, of_one), (two, of_two) = train_in(1), train_in(2)
    assert {path.name for path in one.iterdir()} == {path.name for path in two.iterdir()}
    weights, others = (load_file(model / "model.safetensors") for model in (one, two))
    for name, tensor in weights.items():
        torch.testing.assert_close(others[name], tensor, rtol=1e-3, atol=1e-4, msg=name)
    assert of_two.metadata["train_loss"] == pytest.approx(of_one.metadata["train_loss"], abs=1e-3)
    assert read_run(two)["run_id"] != read_run(one)["run_id"]


def test_what_the_processes_refuse_is_a_refusal(train_in, capfd, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as refusal:
        train_in(2, clip_frames=5001)
    assert refusal.value.code == 2
    printed = capfd.readouterr().err
    assert "rmsnet: " in printed
    assert "what it said stands above" in printed
    assert "Traceback" not in printed
    assert not list(tmp_path.glob("torchelastic*")), "PyTorch's notes stay among the temporary files"


def test_through_the_local_runner(ran) -> None:
    assert sorted(item["variant"] for item in ran.metadata("train", "trained")) == ["full", "no-masking"]
    assert any("full: epoch 2/2" in line for line in ran.log["train"])
    for metadata in ran.metadata("train", "confusion"):
        assert len(metadata["confusionMatrix"]["rows"]) == 4
