import multiprocessing
import os
from pathlib import Path

import pytest

from rmsnet import tracking
from rmsnet.errors import UserError
from rmsnet.tracking.store import client_of, one_line, our_client, store_errors

PROCESSES = 4

GROUPS = (tracking.Group("study", "one study", "a study"), tracking.Group("variant", "one variant", "full"))


def _log_a_run(folder: Path, start) -> None:
    os.chdir(folder)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    start.wait()
    with tracking.tracked_run("seed 0", GROUPS, {}) as run:
        run.log_epoch(1, {"loss": 1.0})
        assert not run.spooled


@pytest.mark.slow
def test_many_processes_may_start_at_once_on_no_store_at_all(tmp_path, monkeypatch):
    """Several processes on a cold SQLite store all failed with MLflow alone (3.17.2)."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES)
    processes = [context.Process(target=_log_a_run, args=(tmp_path, start)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    client = our_client()
    experiments = client.search_experiments(filter_string="name = 'rmsnet'")
    runs = client.search_runs([experiment.experiment_id for experiment in experiments])
    assert len(experiments) == 1
    assert sorted(run.info.run_name for run in runs) == ["a study", "full", *["seed 0"] * PROCESSES]
    assert all(run.info.status == "FINISHED" for run in runs)


@pytest.mark.parametrize("content", [b"no database, just text that is long enough to be looked at" * 20])
def test_a_store_that_is_no_database_is_refused_in_one_line(tmp_path, monkeypatch, content):
    path = tmp_path / "mlflow.db"
    path.write_bytes(content)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{path}")
    with pytest.raises(UserError, match=r"mlflow\.db: cannot be used as MLflow store"):
        tracking.versions("rmsnet")
    assert path.read_bytes() == content


def test_a_store_in_a_folder_that_cannot_be_made_is_refused(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/file/mlflow.db")
    with pytest.raises(UserError, match="cannot be used as MLflow store"):
        tracking.versions("rmsnet")


def test_a_server_that_is_away_is_one_short_reason(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(store_errors()) as trouble:
        client_of("http://127.0.0.1:1").get_run("0" * 32)
    assert one_line(trouble.value) == "it does not answer: [Errno 111] Connection refused"
