import math
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from rmsnet import tracking
from rmsnet.cli import terminable
from rmsnet.errors import CheckFailed, UserError
from rmsnet.tracking.runs import IDENTITY_TAG
from rmsnet.tracking.spool import sync
from rmsnet.tracking.store import client_of, connect, our_client, spool_uri
from tests.builders import EXAMPLE, write_model
from tests.mlflow_server import Line, free_port

GROUPS = (tracking.Group("study", "study key", "a study"), tracking.Group("variant", "variant key", "full"))


@pytest.fixture
def local_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def impatient(tmp_path, monkeypatch):
    """Calls to a server that is away fail at once; the spool lies in the test's folder."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.chdir(tmp_path)
    return monkeypatch


def train(folder: Path, epochs: int = 3, at_epoch=lambda epoch: None, key: str = "") -> tracking.TrackedRun:
    """What the train stage tells its run; `at_epoch` may do something to the store meanwhile."""
    groups = tuple(tracking.Group(group.kind, group.key + key, group.name) for group in GROUPS)
    with tracking.tracked_run("seed 0", groups, {"simulated": "true"}) as run:
        run.log_params({"train.epochs": epochs})
        run.log_data("matches train", "0123", "train", {"dvc.md5": "abc"})
        for epoch in range(1, epochs + 1):
            at_epoch(epoch)
            run.log_epoch(epoch, {"loss": 1 / epoch})
        (folder / "notes").mkdir(exist_ok=True)
        (folder / "notes" / "note.txt").write_text("so it was")
        run.log_folder(folder / "notes", "training")
        at_epoch("model")
        model = folder / "model" if (folder / "model").exists() else write_model(folder / "model")
        run.model_id = run.log_model(model, EXAMPLE, {"variant": "full"})
    return run


def test_a_run_says_where_it_comes_from_and_lies_in_its_variant_and_study(tmp_path, local_store):
    run = train(tmp_path)
    client = our_client()
    logged = client.get_run(run.run_id)
    variant = client.get_run(logged.data.tags["mlflow.parentRunId"])
    study = client.get_run(variant.data.tags["mlflow.parentRunId"])
    assert (study.info.run_name, variant.info.run_name, logged.info.run_name) == ("a study", "full", "seed 0")
    assert logged.info.status == "FINISHED"
    assert logged.data.params == {"train.epochs": "3"}
    assert [metric.value for metric in client.get_metric_history(run.run_id, "loss")] == [1, 1 / 2, 1 / 3]
    dataset = logged.inputs.dataset_inputs[0].dataset
    assert (dataset.name, dataset.digest) == ("matches train", "0123")
    assert "abc" in dataset.source
    assert [item.model_id for item in logged.outputs.model_outputs] == [run.model_id]


def test_a_second_seed_lies_in_the_same_variant(tmp_path, local_store):
    runs = [train(tmp_path), train(tmp_path)]
    client = our_client()
    assert len({client.get_run(run.run_id).data.tags["mlflow.parentRunId"] for run in runs}) == 1


def test_a_logged_model_is_code_and_safetensors_and_gives_the_same_events(tmp_path, local_store):
    run = train(tmp_path)
    logged = Path(connect().artifacts.download_artifacts(f"models:/{run.model_id}"))
    files = {path.name for path in logged.rglob("*")}
    assert {"MLmodel", "model.safetensors", "config.json", "pyfunc_model.py"} <= files
    assert not [name for name in files if name.endswith((".pkl", ".pt", ".pth", ".pickle"))]
    from rmsnet.network.model_files import load_model
    from rmsnet.spotting.inference import spot_features

    ours = spot_features(load_model(tmp_path / "model"), EXAMPLE)
    theirs = tracking.predict_with_logged_model(run.model_id, EXAMPLE)
    np.testing.assert_array_equal(ours.position_ms, theirs["position_ms"])
    np.testing.assert_allclose(ours.confidence, theirs["confidence"], atol=1e-6)


def test_an_interrupted_run_is_continued_without_its_epochs_twice(tmp_path, local_store):
    with pytest.raises(KeyboardInterrupt), tracking.tracked_run("seed 0", GROUPS, {}) as broken:
        broken.log_epoch(1, {"loss": 1.0})
        raise KeyboardInterrupt
    client = our_client()
    assert client.get_run(broken.run_id).info.status == "KILLED"
    with tracking.tracked_run("seed 0", GROUPS, {}, broken.run_id) as run:
        assert (run.run_id, run.epochs) == (broken.run_id, 1)
        run.log_epoch(1, {"loss": 1.0})
        run.log_epoch(2, {"loss": 0.5})
    assert [metric.step for metric in client.get_metric_history(run.run_id, "loss")] == [1, 2]
    assert client.get_run(run.run_id).info.status == "FINISHED"


def test_a_failed_training_is_a_failed_run(tmp_path, local_store):
    with pytest.raises(ValueError, match="bad"), tracking.tracked_run("seed 0", GROUPS, {}) as run:
        raise ValueError("bad")
    assert our_client().get_run(run.run_id).info.status == "FAILED"


def test_a_loss_that_is_no_number_ends_the_training_and_never_reaches_the_store(tmp_path, local_store):
    with (
        pytest.raises(CheckFailed, match=r"epoch 2: loss became nan: .*lower train\.learning_rate"),
        tracking.tracked_run("seed 0", GROUPS, {}) as run,
    ):
        run.log_epoch(1, {"loss": 1.0})
        run.log_epoch(2, {"valid_loss": 0.5, "loss": math.nan})
    client = our_client()
    assert client.get_run(run.run_id).info.status == "FAILED"
    assert client.get_run(run.run_id).data.metrics.keys() & {"loss", "valid_loss"} == {"loss"}


def test_a_process_that_is_terminated_leaves_its_run_killed(tmp_path, local_store):
    with pytest.raises(KeyboardInterrupt), terminable(), tracking.tracked_run("seed 0", GROUPS, {}) as run:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    assert our_client().get_run(run.run_id).info.status == "KILLED"


def test_what_is_tracked_again_under_the_same_identity_is_the_same_run_without_its_rows_twice(tmp_path, local_store):
    """A study that was killed between its run and the note of it."""
    runs = []
    for _ in range(2):
        with tracking.tracked_run("seed 0", GROUPS, {IDENTITY_TAG: "training 1"}) as run:
            run.log_epoch(1, {"loss": 1.0})
            runs.append(run.run_id)
    assert runs[0] == runs[1]
    assert [metric.step for metric in our_client().get_metric_history(runs[0], "loss")] == [1]


def test_scores_are_linked_to_the_model_and_the_data_it_was_judged_on(tmp_path, local_store):
    run = train(tmp_path)
    tracking.log_evaluation(
        run.run_id, run.model_id, "valid", {"average_map": 0.5}, tmp_path / "notes", ("matches valid", "4567")
    )
    metric = our_client().get_logged_model(run.model_id).metrics[0]
    assert (metric.key, metric.value) == ("valid_average_map", 0.5)
    assert (metric.dataset_name, metric.dataset_digest) == ("matches valid", "4567")


def test_an_evaluation_of_an_unknown_run_is_refused(tmp_path, local_store):
    with pytest.raises(UserError, match="has no run"):
        tracking.log_evaluation("0" * 32, "m-0", "valid", {}, tmp_path)


def test_system_metrics_are_logged(tmp_path, local_store, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    with tracking.tracked_run("seed 0", GROUPS, {}) as run:
        time.sleep(1)
    metrics = our_client().get_run(run.run_id).data.metrics
    assert "system/cpu_utilization_percentage" in metrics


def test_a_server_that_is_away_costs_a_warning_and_the_spool_brings_the_run_later(
    tmp_path, impatient, capsys, mlflow_address
):
    impatient.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    run = train(tmp_path, key=" away")
    warning = capsys.readouterr().err
    assert warning.count("\n") == 1
    assert "rmsnet registry sync" in warning
    tracking.log_evaluation(run.run_id, run.model_id, "valid", {"average_map": 0.5}, tmp_path / "notes")
    assert tracking.find_run(run.run_id, run.model_id).spooled
    with pytest.raises(UserError, match="stays in"):
        sync()

    impatient.setenv("MLFLOW_TRACKING_URI", mlflow_address)
    (synced,) = sync()
    assert sync() == []
    place = tracking.find_run(run.run_id, run.model_id)
    assert (place.uri, place.run_id, place.model_id) == (mlflow_address, synced.run_id, synced.model_id)
    _is_whole(synced.run_id, synced.model_id)
    client = our_client()
    assert [metric.key for metric in client.get_logged_model(synced.model_id).metrics] == ["valid_average_map"]
    assert len(client.get_metric_history(synced.run_id, "valid_average_map")) == 1
    assert [item.path for item in client.list_artifacts(synced.run_id, "evaluation/valid")] == [
        "evaluation/valid/note.txt"
    ]
    tracking.log_evaluation(run.run_id, run.model_id, "test", {"average_map": 0.4}, tmp_path / "notes")
    assert client.get_run(synced.run_id).data.metrics["test_average_map"] == 0.4


@pytest.mark.parametrize("moment", [2, "model"])
def test_a_server_that_dies_in_the_middle_loses_nothing(tmp_path, impatient, mlflow_address, moment, capsys):
    line = Line(mlflow_address)
    impatient.setenv("MLFLOW_TRACKING_URI", line.address)

    def die(epoch) -> None:
        if epoch == moment:
            line.cut()

    run = train(tmp_path, at_epoch=die, key=f" dies at {moment}")
    assert run.spooled
    assert "fails" in capsys.readouterr().err
    continued = client_of(spool_uri()).get_run(run.run_id).data.tags["rmsnet.continues"]

    line.mend()
    (synced,) = sync()
    assert synced.run_id == continued
    _is_whole(synced.run_id, synced.model_id)
    line.cut()


def _is_whole(run_id: str, model_id: str) -> None:
    """Everything that `train` has told its run is in the store."""
    client = our_client()
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"train.epochs": "3"}
    assert run.data.tags["simulated"] == "true"
    assert [(metric.step, metric.value) for metric in client.get_metric_history(run_id, "loss")] == [
        (1, 1),
        (2, 1 / 2),
        (3, 1 / 3),
    ]
    assert [item.dataset.digest for item in run.inputs.dataset_inputs] == ["0123"]
    assert [item.path for item in client.list_artifacts(run_id, "training")] == ["training/note.txt"]
    parent = client.get_run(run.data.tags["mlflow.parentRunId"])
    assert parent.info.run_name == "full"
    assert client.get_run(parent.data.tags["mlflow.parentRunId"]).info.run_name == "a study"
    assert [item.model_id for item in run.outputs.model_outputs] == [model_id]
    assert len(tracking.predict_with_logged_model(model_id, EXAMPLE)) > 0


def test_two_runs_that_name_the_same_new_dataset_at_once_both_name_it(local_store, monkeypatch, tmp_path):
    """Seen with SQLite and trainings side by side: "UNIQUE constraint failed: datasets.experiment_id, …"."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    log_inputs, failures = MlflowClient.log_inputs, []

    def lose_the_race_once(client, *arguments):
        if not failures:
            failures.append("lost")
            raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.experiment_id")
        log_inputs(client, *arguments)

    monkeypatch.setattr(MlflowClient, "log_inputs", lose_the_race_once)
    run = train(tmp_path)
    assert failures
    assert not run.spooled
    assert [entry.dataset.digest for entry in our_client().get_run(run.run_id).inputs.dataset_inputs] == ["0123"]
