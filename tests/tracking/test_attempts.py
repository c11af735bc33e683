"""A task that a cluster starts again finds what its first attempt has left in the store."""

from pathlib import Path

import pytest

from rmsnet import tracking
from rmsnet.tracking.attempts import finished_earlier
from rmsnet.tracking.store import our_client
from tests.tracking.test_runs import GROUPS, train


@pytest.fixture(autouse=True)
def local_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv(tracking.TASK, "minio://run/train/one/model")


def killed() -> str:
    """A run that nobody has closed."""
    return tracking.TrackedRun("seed 0", GROUPS, {}).run_id


def test_a_killed_attempts_run_is_marked_killed_and_the_second_says_so(tmp_path: Path, capsys) -> None:
    first = killed()
    second = train(tmp_path)
    client = our_client()
    assert client.get_run(first).info.status == "KILLED"
    assert client.get_run(second.run_id).info.status == "FINISHED"
    assert f"its MLflow run {first} is marked KILLED" in capsys.readouterr().err


def test_what_an_attempt_has_finished_is_found_with_its_model(tmp_path: Path) -> None:
    done = train(tmp_path)
    found = finished_earlier("seed 0", GROUPS)
    assert found is not None
    run_id, model_id, folder = found
    assert (run_id, model_id) == (done.run_id, done.model_id)
    assert (folder / "model.safetensors").read_bytes() == (tmp_path / "model" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("change", ["task", "seed", "variant", "no task"])
def test_another_task_seed_or_variant_is_nobodys_earlier_attempt(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tmp_path)
    if change == "task":
        monkeypatch.setenv(tracking.TASK, "minio://run/train/two/model")
    elif change == "no task":
        monkeypatch.delenv(tracking.TASK)
    groups = (GROUPS[0], tracking.Group("variant", "other", "other")) if change == "variant" else GROUPS
    assert finished_earlier("seed 1" if change == "seed" else "seed 0", groups) is None


def test_a_store_that_is_away_means_training_again(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert finished_earlier("seed 0", GROUPS) is None
    assert "no earlier attempt could be looked for" in capsys.readouterr().err
