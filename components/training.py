"""A training and its evaluation in one pod, which a second attempt goes on with."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.artifacts import PROCESSES
from rmsnet.params import Params

if TYPE_CHECKING:
    from rmsnet.evaluation.assessment import Assessment

MODEL, EVALUATION, UNSENT = "model", "evaluation", "unsent"
"""In the folder of a training: the model folder, what the evaluate stage leaves, and what MLflow did not take."""


@dataclass(frozen=True)
class Trained:
    """A trained and judged variant.

    Attributes:
        metrics: content of the model's metrics.json.
        judged: "valid" and "test".
        run_id: of MLflow.
    """

    metrics: dict[str, Any]
    judged: "dict[str, Assessment]"
    run_id: str


Trainer = Callable[[Path, Path, Params, str], dict[str, Any]]
"""From frame banks, the model folder, parameters and a variant to the content of the model's metrics.json."""


def in_this_pod(features: Path, out: Path, params: Params, variant: str) -> dict[str, Any]:
    """A `Trainer`: as many processes as the pod has GPUs."""
    from rmsnet.training.launch import train_in_processes

    return train_in_processes(int(os.environ.get(PROCESSES, "1")), features, out, params, variant=variant)


def train_and_judge(
    features: Path, out: Path, unsent: Path, params: Params, variant: str, task: str, train: Trainer = in_this_pod
) -> Trained:
    """Train a variant as an MLflow run, and judge it on the valid and the test split.

    Args:
        features: the frame banks.
        out: gets the model folder and the evaluation.
        unsent: gets what MLflow does not take because it is away; `deliver` brings it there.
        params: what training and evaluation depend on.
        variant: a key of its `variants`.
        task: what all attempts at this training have in common, whichever pod they run in.
        train: where.
    """
    from rmsnet.evaluation.stage import evaluate_stage
    from rmsnet.tracking import TASK, read_run

    os.environ.update({TASK: task, "RMSNET_SPOOL": str(unsent)})
    done = train(features, out / MODEL, params, variant)
    judged = evaluate_stage(out / MODEL, features, out / EVALUATION, params.evaluate)
    return Trained(done, judged, str(read_run(out / MODEL)["run_id"]))


def deliver(unsent: Path) -> None:
    """Bring what an earlier task could not send to MLflow there.

    Raises:
        UserError: it is still away.
    """
    from components.patience import patiently
    from rmsnet.tracking import sync

    if not unsent.exists():
        return
    os.environ["RMSNET_SPOOL"] = str(unsent)
    for run in patiently("MLflow", sync):
        print(f"{run.name}: was kept while MLflow was away, is MLflow run {run.run_id} now", flush=True)
