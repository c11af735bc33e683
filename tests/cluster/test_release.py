"""A release on a real cluster: `make cluster-test` with KFP_HOST, DEPLOYMENT and SOURCE, and kubectl set to it.

SOURCE is what the pipelines' `source=` would be, reachable from pods: a simulated dataset of six games will do. Every
run's tasks are printed as a table. Skipped where the variables are not set.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import uuid4

import pytest
import yaml

from pipelines.cluster.api import Kubeflow
from pipelines.cluster.pods import kubernetes, pods_of
from pipelines.cluster.runs import RunState, TaskState, _tasks, status, stop, wait
from pipelines.cluster.schedules import listed
from pipelines.cluster.submitting import Submitted
from rmsnet.errors import CheckFailed
from rmsnet.style.tables import as_text

HOST, DEPLOYMENT, SOURCE = (os.environ.get(name, "") for name in ("KFP_HOST", "DEPLOYMENT", "SOURCE"))
NAMESPACE = os.environ.get("KFP_NAMESPACE", "")

pytestmark = pytest.mark.skipif(
    not (HOST and DEPLOYMENT and SOURCE), reason="no cluster: set KFP_HOST, DEPLOYMENT and SOURCE"
)

SHORT: dict[str, dict[str, Any]] = {
    "train": {"epochs": 1, "foreground_clips": 64, "background_clips": 64},
    "evaluate": {"bootstrap": 20},
    "register": {"floor": 0},
    "variants": {"full": {}, "no-masking": {"masking_probability": 0}},
}
"""A training of seconds; that the model is any good is not asked here."""

ROWS, SEEDS = 9, 9

MINUTES = 60


@pytest.fixture(scope="module")
def kubeflow() -> Kubeflow:
    return Kubeflow(HOST, NAMESPACE, os.environ.get("KF_PIPELINES_TOKEN"))


@pytest.fixture(scope="module")
def model() -> str:
    """A registered model of this test run alone."""
    return f"cluster-test-{uuid4().hex[:8]}"


def command(*arguments: str) -> dict:
    """What a command of `python -m pipelines` answers that compiles a pipeline."""
    return command_without_deployment(*arguments, "--deployment", DEPLOYMENT)


def command_without_deployment(*arguments: str) -> dict:
    """What a command of `python -m pipelines` answers."""
    return json.loads(said_by_command(*arguments, "--json"))


def said_by_command(*arguments: str) -> str:
    """What a command of `python -m pipelines` prints."""
    place = ["--host", HOST, *(["--namespace", NAMESPACE] if NAMESPACE else [])]
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", *arguments, *place], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def short(model: str, **sections: dict[str, Any]) -> list[str]:
    """Options of a command: parameters of a training of seconds, with some sections otherwise."""
    changes = {**sections, "register": {"model_name": model}}
    params = {name: {**SHORT.get(name, {}), **changes.get(name, {})} for name in {**SHORT, **changes}}
    with NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
        yaml.safe_dump(params, file)
    return ["--params", file.name]


def started(pipeline: str, model: str, *arguments: str, **sections: dict[str, Any]) -> Submitted:
    return Submitted(**command("submit", pipeline, f"source={SOURCE}", *arguments, *short(model, **sections)))


def ended(kubeflow: Kubeflow, run: Submitted) -> RunState:
    """A run when it is over, its tasks printed."""
    began = time.monotonic()
    try:
        wait(kubeflow, run, 60 * MINUTES)
    except CheckFailed as error:
        print(f"\n{error}")
    return show(status(kubeflow, run.run_id), time.monotonic() - began)


def show(found: RunState, seconds: float | None = None) -> RunState:
    """Print the tasks of a run."""
    rows = [
        {
            "task": task.shown,
            "state": task.state,
            "seconds": f"{task.seconds or 0:.0f}",
            "retries": "" if task.attempts is None else str(task.attempts - 1),
        }
        for task in found.tasks
    ]
    after = "" if seconds is None else f" after {seconds:.0f} s"
    print(f"\n{found.name}: {found.state}{after}\n{as_text(rows)}", flush=True)
    return found


@pytest.fixture(scope="module")
def trained(kubeflow: Kubeflow, model: str) -> RunState:
    return ended(kubeflow, started("training", model, "variants=[full, no-masking]"))


def test_a_training_makes_a_champion(trained: RunState) -> None:
    assert trained.state == "SUCCEEDED"


def test_the_same_again_is_taken_from_the_first_and_green(kubeflow: Kubeflow, model: str, trained: RunState) -> None:
    again = ended(kubeflow, started("training", model, "variants=[full, no-masking]"))
    assert again.state == "SUCCEEDED"
    worked = {task.key for task in again.tasks if task.state != "CACHED"}
    assert worked == {"identify-data", "register-model", "require"}


def test_bad_data_are_red_and_the_words_are_true(kubeflow: Kubeflow, model: str) -> None:
    run = ended(kubeflow, started("training", model, "variants=[full]", extract={"features": "nobody-has-these"}))
    assert run.state == "FAILED"
    states = {task.key: task for task in run.tasks}
    assert states["validate-data"].state == "SUCCEEDED"
    refused = states["extract-features"]
    assert (refused.state, refused.attempts) == ("FAILED", 1)
    assert "check failed: the data did not pass their validation" in refused.reason


def test_a_pod_that_is_lost_runs_again(kubeflow: Kubeflow, model: str) -> None:
    run = started("training", f"{model}-lost", "variants=[full]", "--no-cache", train={"foreground_clips": 2000})
    core = kubernetes(required=True)
    until = time.monotonic() + 60 * MINUTES
    while time.monotonic() < until:
        pods = pods_of(core, run.run_id, NAMESPACE) or []
        training = [pod for pod in pods if pod.task == "train" and pod.phase == "Running"]
        # One that is lost before Argo has seen it run is made again and counted as no retry.
        if training and any(task.key == "train" and task.state == "RUNNING" for task in _by_the_api(kubeflow, run)):
            core.delete_namespaced_pod(training[0].name, training[0].namespace, grace_period_seconds=0)
            break
        time.sleep(2)
    found = ended(kubeflow, run)
    assert found.state == "SUCCEEDED"
    assert {task.attempts for task in found.tasks if task.key == "train"} == {2}


def _by_the_api(kubeflow: Kubeflow, run: Submitted) -> list[TaskState]:
    """Tasks as Kubeflow alone tells of them."""
    details = kubeflow.client._run_api.run_service_get_run(run.run_id).run_details.task_details
    return _tasks(details or (), {"train": "train"})


def test_a_study_of_nine_rows_nine_seeds_and_seventeen_classes(kubeflow: Kubeflow, model: str) -> None:
    rows = {f"dropout-{number}": {"dropout": number / 10} for number in range(ROWS - len(SHORT["variants"]))}
    run = started("ablation", model, "study=", f"seeds={SEEDS}", variants=rows, data={"classes": "v2"})
    assert ended(kubeflow, run).state == "SUCCEEDED"
    table = said_by_command("logs", run.run_id, "tabulate")
    print(table)
    assert f", {SEEDS} seeds**" in table
    assert all(f"| {name} " in table for name in (*rows, *SHORT["variants"]))


def test_matches_are_spotted_with_the_champion(kubeflow: Kubeflow, model: str, trained: RunState) -> None:
    assert ended(kubeflow, started("spotting", model, "split=test", f"model=models:/{model}@champion")).state == (
        "SUCCEEDED"
    )


def test_a_schedule_starts_a_run_by_itself_and_the_next_when_it_has_ended(kubeflow: Kubeflow, model: str) -> None:
    name = f"{model}-schedule"
    when = ["--every", "1m", "--schedule", name]
    command("schedule", "training", f"source={SOURCE}", "variants=[full]", *when, *short(name))
    (schedule,) = (item for item in listed(kubeflow) if item.name == name)
    runs: list[str] = []
    try:
        assert _eventually(lambda: len(_add_new(runs, runs_of(kubeflow, schedule.identity))) > 1)
    finally:
        for run_id in runs[1:]:
            stop(kubeflow, run_id)
        command_without_deployment("schedule", "delete", name)
    first = status(kubeflow, runs[0])
    assert show(first).state == "SUCCEEDED"


def runs_of(kubeflow: Kubeflow, schedule: str) -> list[str]:
    """Ids of the runs that a schedule has started, the first one first."""
    scope = {"namespace": NAMESPACE} if NAMESPACE else {}
    found = kubeflow.client._run_api.run_service_list_runs(page_size=100, sort_by="created_at desc", **scope).runs
    return [run.run_id for run in reversed(found or []) if run.recurring_run_id == schedule]


def _add_new(known: list[str], found: list[str]) -> list[str]:
    known += [item for item in found if item not in known]
    return known


def _eventually(happened: Callable[[], bool]) -> bool:
    until = time.monotonic() + 60 * MINUTES
    while time.monotonic() < until:
        if happened():
            return True
        time.sleep(5)
    return False
