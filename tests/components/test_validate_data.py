"""The component of the validate stage."""

import shutil
from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Dataset, Metrics

from components.data import identified
from components.door import PASSED
from components.extract_features.body import body as extract
from components.validate_data.body import body
from rmsnet.features.bank import read_bank
from rmsnet.provenance import write_pointer


def call(artifacts, source: Path, minimum_games: int = 1):
    made = artifacts(Artifact, "validation"), artifacts(HTML, "page"), artifacts(Metrics, "metrics")
    return body(str(source), "", identified(str(source), ""), {}, minimum_games, *made), *made


def test_good_data_pass(artifacts, dataset: Path) -> None:
    verdict, validation, page, metrics = call(artifacts, dataset)
    assert verdict == PASSED
    assert validation.metadata["verdict"].startswith("passed")
    assert Path(page.path).read_text().startswith("<!doctype html>")
    assert metrics.metadata["failed"] == metrics.metadata["broken"] == 0


def test_bad_data_leave_their_report_and_a_reason(artifacts, dataset: Path, tmp_path: Path, capsys) -> None:
    bad = shutil.copytree(dataset, tmp_path / "data")
    next(bad.glob("**/1_ResNET_TF2_PCA512.npy")).unlink()
    verdict, validation, page, metrics = call(artifacts, bad)
    assert "critical" in verdict
    assert validation.metadata["verdict"] == "failed"
    assert metrics.metadata["failed"] > 0
    assert "Data refused" in Path(page.path).read_text()
    printed = capsys.readouterr().out
    assert verdict in printed
    assert validation.path not in printed


def test_few_games_of_the_gate_are_said_before_anything_is_trained(artifacts, dataset: Path, capsys) -> None:
    _, _, page, _ = call(artifacts, dataset, minimum_games=20)
    said = "the gate split has 3 games and a champion is replaced on 20 at least"
    assert said in capsys.readouterr().out
    assert said in Path(page.path).read_text()


def test_the_hash_that_dvc_knows_the_data_by_reaches_the_banks(
    artifacts, dataset: Path, tmp_path: Path, monkeypatch
) -> None:
    revision = shutil.copytree(dataset, tmp_path / "revision")
    write_pointer(revision, "0123.dir")
    _, validation, _, _ = call(artifacts, revision)
    assert validation.metadata["dvc_md5"] == "0123.dir"
    features = artifacts(Dataset, "features")
    extract(str(revision), "", identified(str(revision), ""), PASSED, "1/1", {}, "", features)
    assert features.metadata["dvc_md5"] == read_bank(Path(features.path), "train").info["dvc_md5"] == "0123.dir"


def test_a_source_that_is_not_there_is_one_line_and_exit_status_2(artifacts, tmp_path: Path, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        body(str(tmp_path / "absent"), "", "x", {}, 1, *[artifacts(Artifact, name) for name in "abc"])
    assert refusal.value.code == 2
    assert "bad input: " in capsys.readouterr().err


def test_through_the_local_runner(ran) -> None:
    (metadata,) = ran.metadata("validate-data", "metrics")
    assert metadata["passed"] > 10
