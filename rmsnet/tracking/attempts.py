"""Attempts at one task: a cluster may start a task again, and the second attempt finds the runs of the first.

The environment names the task; without that a training is nobody's second attempt.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rmsnet.logs import log
from rmsnet.tracking.groups import NAME_TAG, Group
from rmsnet.tracking.logged_model import MODEL_TAG
from rmsnet.tracking.models import model_folder
from rmsnet.tracking.store import client_of, experiment_id, one_line, store_errors, tracking_uri

TASK = "RMSNET_TASK"
"""Environment variable: what all attempts at a task have in common, and nothing else has."""

TASK_TAG = "rmsnet.task"

UNFINISHED = ("RUNNING", "FAILED", "KILLED")


def task_tags() -> dict[str, str]:
    """Of a run of this process: which task it is an attempt at."""
    return {TASK_TAG: os.environ[TASK]} if os.environ.get(TASK) else {}


def earlier_runs(client: Any, experiment: str, name: str, groups: Sequence[Group]) -> list[Any]:
    """Runs of the same training by earlier attempts at this task."""
    task = os.environ.get(TASK)
    if not task:
        return []
    found = client.search_runs([experiment], f"tags.`{TASK_TAG}` = '{task}'", max_results=1000)
    wanted = {NAME_TAG: name, **{f"{group.tag}.of": group.key for group in groups}}
    return [run for run in found if all(run.data.tags.get(key) == value for key, value in wanted.items())]


def end_earlier(client: Any, experiment: str, name: str, groups: Sequence[Group]) -> None:
    """Mark what an earlier attempt at this task has left open as KILLED, and say so."""
    for run in earlier_runs(client, experiment, name, groups):
        if run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")
            log.info(
                f"an earlier attempt at this task was killed: its MLflow run {run.info.run_id} is marked KILLED, "
                "this attempt has one of its own"
            )


def finished_earlier(name: str, groups: Sequence[Group]) -> tuple[str, str, Path] | None:
    """Run, logged model and a copy of the model folder of a training that an earlier attempt at this task has finished.

    None where there is none, or the store is away: then the training is done again.
    """
    if not os.environ.get(TASK):
        return None
    try:
        client = client_of(tracking_uri())
        for run in earlier_runs(client, experiment_id(client, tracking_uri()), name, groups):
            if run.info.status == "FINISHED" and MODEL_TAG in run.data.tags:
                model_id = run.data.tags[MODEL_TAG]
                return run.info.run_id, model_id, model_folder(f"models:/{model_id}")
    except store_errors() as error:
        log.info(f"no earlier attempt could be looked for ({one_line(error)})")
    return None
