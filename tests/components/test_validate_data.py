"""The component of the validate stage."""

import shutil
from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Dataset, Markdown, Metrics, Model

from components.artifacts import dataset_root
from components.collect_features import collect_features
from components.extract_features import extract_features
from components.train import train
from components.validate_data import validate_data
from rmsnet.documents import read_json
from rmsnet.provenance import write_pointer
from rmsnet.tracking import read_run, run_tags
from tests.components.conftest import PARAMS


def call(artifacts, source: Path | str, params: dict | None = None):
    made = {
        "data": artifacts(Dataset, "data"),
        "validation": artifacts(Artifact, "validation"),
        "report": artifacts(HTML, "report"),
        "verdict": artifacts(Markdown, "verdict"),
        "metrics": artifacts(Metrics, "metrics"),
    }
    return validate_data.python_func(str(source), "", params or {}, **made), made


def test_good_data_pass_and_stay_where_they_are(artifacts, dataset: Path) -> None:
    passed, made = call(artifacts, dataset)
    assert passed is True
    assert dataset_root(Path(made["data"].path)) == dataset
    assert made["data"].metadata["verdict"].startswith("passed")
    assert Path(made["verdict"].path).read_text().startswith("# Validation of")
    assert Path(made["report"].path).read_text().startswith("<!")
    assert made["metrics"].metadata["failed"] == made["metrics"].metadata["broken"] == 0


def test_the_hash_that_dvc_knows_the_data_by_reaches_the_models_run(
    artifacts, dataset: Path, study, monkeypatch
) -> None:
    data = artifacts(Dataset, "revision")
    shutil.copytree(dataset, data.path)
    write_pointer(Path(data.path), "0123.dir")
    monkeypatch.setattr("rmsnet.dataset.sources.fetch", lambda *arguments: Path(data.path))
    _, made = call(artifacts, "repository")
    assert made["data"].metadata["dvc_md5"] == "0123.dir"
    part, features = artifacts(Dataset, "part"), artifacts(Dataset, "features")
    extract_features.python_func(data, "1/1", {}, part)
    collect_features.python_func([part], features)
    assert features.metadata["dvc_md5"] == "0123.dir"
    params = {**PARAMS, "train": {**PARAMS["train"], "epochs": 1}}
    model = artifacts(Model, "model")
    others = artifacts(Metrics, "scores"), artifacts(HTML, "curves"), artifacts(Artifact, "unsent")
    train.python_func(features, "full", params, model, *others)
    assert model.metadata["dvc_md5"] == "0123.dir"
    assert run_tags(read_run(Path(model.path))["run_id"])["dvc.md5"] == "0123.dir"


def test_bad_data_leave_their_report_and_do_not_pass(artifacts, dataset: Path, tmp_path: Path) -> None:
    bad = tmp_path / "data"
    shutil.copytree(dataset, bad)
    next(bad.glob("**/1_ResNET_TF2_PCA512.npy")).unlink()
    passed, made = call(artifacts, bad)
    assert passed is False
    assert made["data"].metadata["verdict"] == "failed"
    assert made["metrics"].metadata["failed"] > 0
    assert "critical" in Path(made["verdict"].path).read_text()


def test_a_source_that_is_not_there_is_one_line_and_exit_status_2(artifacts, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        call(artifacts, tmp_path / "absent")
    assert refusal.value.code == 2
    assert "absent: no such folder; is the data's volume mounted?" in capsys.readouterr().err


def test_unknown_parameters_are_one_line_and_exit_status_2(artifacts, dataset: Path, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        call(artifacts, dataset, {"train": {"epoch": 3}})
    assert refusal.value.code == 2
    assert "validate_data: params: train.epoch: unknown key" in capsys.readouterr().err


def test_through_the_local_runner(ran, dataset: Path) -> None:
    assert read_json(ran.output("validate-data", "data") / "location.json") == {"path": str(dataset)}
    (metadata,) = ran.metadata("validate-data", "metrics")
    assert metadata["passed"] > 10
