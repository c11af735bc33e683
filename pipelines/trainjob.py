"""A training over several nodes by hand: the TrainJob that a run's task makes, without a run."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from components.node import Training
from components.trainjob import Jobs, document
from pipelines.cluster.pods import asked, training_runtime
from pipelines.deployment import Deployment
from pipelines.nodes import nodes_of, surroundings
from rmsnet.errors import UserError


@dataclass(frozen=True)
class TrainJob:
    """A TrainJob on a cluster; `state` as Kubeflow calls it, "Created" when nobody waited."""

    name: str
    namespace: str
    nodes: int
    state: str = "Created"


def start(core: Any, namespace: str, training: Training, deployment: Deployment, nodes: int) -> TrainJob:
    """Make a TrainJob with the image and the train stage's place of a deployment.

    Args:
        core: of `pipelines.cluster.pods.kubernetes`.
        namespace: of the job.
        training: what is trained.
        deployment: whose volumes the nodes share.
        nodes: how many.

    Raises:
        UserError: features or model would not lie on a shared volume; the cluster is away or refuses.
    """
    if nodes < 1:
        raise UserError(f"--nodes must be at least 1, not {nodes}")
    for place in (training.features, training.out):
        if not any(Path(place).is_relative_to(volume.path) for volume in deployment.volumes):
            raise UserError(f"{place}: not on a volume of the deployment file; nodes share nothing else")
    runtime = deployment.train_runtime
    if training_runtime(core, runtime) is None:
        raise UserError(f"training runtime {runtime}: is not there; is Kubeflow Trainer installed in this cluster?")
    name = f"rmsnet-{uuid4().hex[:8]}"
    around = surroundings(deployment, "mlflow")
    job = document(name, replace(nodes_of(deployment), count=nodes), training, around)
    asked("TrainJob", lambda: Jobs(core.api_client, namespace).make(job))
    return TrainJob(name, namespace, nodes)


def wait(core: Any, job: TrainJob, timeout_seconds: float) -> TrainJob:
    """Tell what the nodes of a TrainJob say until it ends.

    Raises:
        CheckFailed: it failed.
        UserError: it goes on after the time is up, or the cluster is away.
    """
    until = time.monotonic() + timeout_seconds
    asked("TrainJob", lambda: Jobs(core.api_client, job.namespace).follow(job.name, until))
    return replace(job, state="Complete")
