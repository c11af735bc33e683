"""Servers that say no, or nothing: every wait has an end, every refusal says what was refused and whose limit it is."""

import sqlite3
import threading
from pathlib import Path

import pytest

from rmsnet import tracking, waiting
from rmsnet.errors import UserError
from rmsnet.tracking import store
from rmsnet.tracking.patience import Patient
from rmsnet.tracking.spool import sync
from rmsnet.tracking.store import client_of, our_client, spool_uri
from tests.builders import EXAMPLE, write_model
from tests.mlflow_server import proxy, trickling_server

SECRET = "correct-horse-battery"


@pytest.fixture(autouse=True)
def impatient(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(waiting, "TOLD_AFTER_SECONDS", 0.1)
    monkeypatch.setattr(store, "_servers", set())
    monkeypatch.setattr(store, "_warned", set())
    return monkeypatch


def give_up_soon(patch: pytest.MonkeyPatch) -> None:
    """On the store; the spool may be slow on a busy machine."""
    limit = Patient._limit
    patch.setattr(Patient, "_limit", lambda self, *call: limit(self, *call) if "spool" in self._name else 0.3)


def train(folder: Path) -> tracking.TrackedRun:
    with tracking.tracked_run("seed 0", (), {"rmsnet.study.of": "a study"}) as run:
        run.log_epoch(1, {"loss": 1.0})
        model = folder / "model" if (folder / "model").exists() else write_model(folder / "model")
        run.model_id = run.log_model(model, EXAMPLE, {})
    return run


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, {"Content-Type": "application/json"}, b"{}"), "no MLflow server; is MLFLOW_TRACKING_URI the right"),
        ((200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), "no MLflow server: '<html>Sign in</html>'"),
        ((429, {"Retry-After": "86400"}, b"later"), "429"),
        ((503, {"Retry-After": "86400"}, b"later"), "503"),
        ((401, {}, b"who are you?"), r"search_experiments is refused \(401\): .*MLFLOW_TRACKING_USERNAME"),
        ((403, {}, b"you may not"), r"search_experiments is refused \(403\): .*lacks the right"),
        ((403, {}, b"ExpiredToken: the token has expired"), "the token has expired; get a new one"),
    ],
)
def test_a_server_that_says_no_is_one_line_and_a_training_goes_on_in_the_spool(
    tmp_path, impatient, answer, says, capsys
):
    with proxy("", lambda *_: answer) as address:
        impatient.setenv("MLFLOW_TRACKING_URI", address.replace("//", f"//me:{SECRET}@"))
        with pytest.raises(UserError, match=says) as told:
            tracking.versions("rmsnet")
        run = train(tmp_path)
    assert run.spooled
    said = capsys.readouterr().err
    assert "this run is kept in" in said
    assert SECRET not in said + str(told.value)


def test_an_answer_that_trickles_is_given_up_and_waiting_is_told_of(tmp_path, impatient, capsys):
    give_up_soon(impatient)
    with trickling_server() as address:
        impatient.setenv("MLFLOW_TRACKING_URI", address)
        with pytest.raises(UserError, match=r"no answer within 0\.3 seconds"):
            tracking.versions("rmsnet")
        assert train(tmp_path).spooled
        assert waiting.abandoned()
    assert f"waiting for MLflow store {address}: search_experiments (0.3 seconds at most)" in capsys.readouterr().err


def test_a_model_that_is_too_large_for_a_proxy_is_named_with_its_size_and_brought_once_when_it_may(
    tmp_path, impatient, mlflow_address, capsys
):
    limit = 20_000

    def small(method: str, path: str, length: int):
        return (413, {}, b"Request Entity Too Large") if method == "PUT" and length > limit else None

    with proxy(mlflow_address, small) as address:
        impatient.setenv("MLFLOW_TRACKING_URI", address)
        run = train(tmp_path)
        assert run.spooled
        told = (
            r"model\.safetensors \(\d\.\d MB\) is refused: too large \(413\); the limit is the server's, or that of a"
        )
        with pytest.raises(UserError, match=told) as error:
            sync()
        assert "0 of 1 runs are there now" in str(error.value)
        with pytest.raises(UserError, match=told):
            sync()
        limit = 10**9
        (synced,) = sync()
        assert sync() == []
    client = client_of(mlflow_address)
    experiment = client.get_run(synced.run_id).info.experiment_id
    assert len(client.search_runs([experiment], "tags.`rmsnet.study.of` = 'a study'")) == 1
    models = client.search_logged_models([experiment], f"source_run_id = '{synced.run_id}'")
    assert [(model.model_id, str(model.status)) for model in models] == [(synced.model_id, "READY")]
    assert client.get_run(synced.run_id).info.status == "FINISHED"


def test_evaluations_of_a_run_wait_in_the_spool_while_its_server_is_away(tmp_path, impatient, mlflow_address):
    impatient.setenv("MLFLOW_TRACKING_URI", mlflow_address)
    run = train(tmp_path)
    assert not run.spooled
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.html").write_text("fine")
    with proxy("", lambda *_: (503, {}, b"away")) as away:
        impatient.setenv("MLFLOW_TRACKING_URI", away)
        for split, score in (("valid", 0.5), ("test", 0.25)):
            scores = {"average_map": score}
            tracking.log_evaluation(
                run.run_id, run.model_id, split, scores, tmp_path / "report", (f"matches {split}", split)
            )
    impatient.setenv("MLFLOW_TRACKING_URI", mlflow_address)
    (synced,) = sync()
    assert (synced.run_id, sync()) == (run.run_id, [])
    client = our_client()
    metrics = {metric.key: metric for metric in client.get_logged_model(run.model_id).metrics}
    assert {key: metric.value for key, metric in metrics.items()} == {
        "valid_average_map": 0.5,
        "test_average_map": 0.25,
    }
    assert metrics["test_average_map"].dataset_digest == "test"
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert [item.path for item in client.list_artifacts(run.run_id, "evaluation")] == [
        "evaluation/test",
        "evaluation/valid",
    ]


def test_a_locked_sqlite_store_is_waited_for(tmp_path, impatient, capsys):
    impatient.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    client = our_client()
    with sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None, check_same_thread=False) as other:
        other.execute("BEGIN EXCLUSIVE")
        threading.Timer(1.0, lambda: other.execute("ROLLBACK")).start()
        client.create_experiment("matches")
    other.close()
    assert "waiting for MLflow store" in capsys.readouterr().err


def test_a_sqlite_store_that_stays_locked_costs_a_training_nothing(tmp_path, impatient):
    impatient.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    our_client()
    give_up_soon(impatient)
    run = None
    with sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        run = train(tmp_path)
        other.execute("ROLLBACK")
    other.close()
    assert run.spooled
    assert client_of(spool_uri()).get_run(run.run_id).info.status == "FINISHED"


def test_a_call_that_fails_fails_as_it_would_alone():
    with pytest.raises(ZeroDivisionError):
        waiting.bounded("a division", lambda: 1 / 0)


@pytest.mark.parametrize("location", ["", "/proc/nowhere"])
def test_a_server_that_hands_out_paths_of_its_own_disk_is_called_out_when_the_run_starts(
    tmp_path, impatient, mlflow_address, location, capsys
):
    place = location or str(tmp_path / "of the server")
    impatient.setattr(store, "EXPERIMENT", f"on its own disk {location.replace('/', ' ')}")
    client_of(mlflow_address).create_experiment(store.EXPERIMENT, place)
    impatient.setenv("MLFLOW_TRACKING_URI", mlflow_address)
    run = train(tmp_path)
    said = capsys.readouterr().err
    assert f"hands out {place} for artifacts, a path of its own disk" in said
    assert "--artifacts-destination" in said
    assert run.spooled == bool(location)
    if location:
        assert f"fails at {location}, where the server keeps artifacts" in said
