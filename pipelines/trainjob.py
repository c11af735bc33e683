"""A training over several nodes: the train stage under torchrun on each of them, as a TrainJob of Kubeflow Trainer."""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from components.node import REQUEST, Training, main
from pipelines.deployment import Deployment
from pipelines.placing import variables
from rmsnet.errors import CheckFailed, UserError, first_cause

T = TypeVar("T")

RUNTIME = "torch-distributed"
"""Kubeflow Trainer's own runtime for PyTorch: it starts torchrun on each node and tells it where the others are."""

SECRETS = Path("/var/run/secrets/rmsnet")
"""Where the secrets of the deployment file lie in a node, one file per variable: a TrainJob's variables are texts."""

POLL_SECONDS = 5


@dataclass(frozen=True)
class TrainJob:
    """A TrainJob on a cluster; `state` as Kubeflow calls it, "Created" when nobody waited."""

    name: str
    namespace: str
    nodes: int
    state: str = "Created"


def node() -> None:
    """Every process of a TrainJob; Kubeflow Trainer takes this function's text there, through a shell."""
    from pipelines.trainjob import train_here

    train_here()


def train_here() -> None:
    """Train what the environment asks for, as one of the processes that torchrun has started.

    Raises:
        SystemExit: as the train component.
    """
    for secret in SECRETS.glob("[!.]*"):
        os.environ.setdefault(secret.name, secret.read_text(encoding="utf-8"))
    main()


class Trainer:
    """Kubeflow Trainer on the cluster that kubectl is set to.

    Args:
        namespace: of the jobs; "": the current one.

    Raises:
        UserError: no SDK, no cluster.
    """

    def __init__(self, namespace: str = "") -> None:
        try:
            from kubeflow.common.types import KubernetesBackendConfig
            from kubeflow.trainer import TrainerClient
        except ImportError:
            raise UserError("no Kubeflow SDK: pip install 'rmsnet[kubeflow]'") from None
        from kubernetes.config import ConfigException

        # What they warn of is said by the errors below, in one line.
        for name in ("kubeflow", "urllib3"):
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            self._client = TrainerClient(KubernetesBackendConfig(namespace=namespace or None))
        except ConfigException as error:
            raise UserError(f"no cluster to train on ({_line(error)}): set KUBECONFIG") from None
        self.namespace = str(self._client.backend.namespace)

    def start(self, training: Training, nodes: int, deployment: Deployment, runtime: str = RUNTIME) -> TrainJob:
        """Start a TrainJob with the image and the train stage's resources of a deployment.

        Raises:
            UserError: features or model would not lie on a shared volume; the cluster is away or refuses.
        """
        from kubeflow.trainer import CustomTrainer

        if nodes < 1:
            raise UserError(f"--nodes must be at least 1, not {nodes}")
        for place in (training.features, training.out):
            if not any(Path(place).is_relative_to(volume.path) for volume in deployment.volumes):
                raise UserError(f"{place}: not on a volume of the deployment file; nodes share nothing else")
        resources = deployment.train
        trainer = CustomTrainer(
            func=node,
            image=deployment.image,
            num_nodes=nodes,
            resources_per_node={
                "cpu": resources.cpu,
                "memory": resources.memory,
                **({resources.gpu_type: resources.gpus} if resources.gpus else {}),
            },
            env={**variables(deployment, "mlflow"), REQUEST: json.dumps(asdict(training))},
        )
        options = _options(f"rmsnet-{uuid4().hex[:8]}", deployment)
        name = self._ask(lambda: self._client.train(runtime, trainer=trainer, options=options))
        return TrainJob(name, self.namespace, nodes)

    def wait(self, job: TrainJob, timeout_seconds: float) -> TrainJob:
        """Wait until a TrainJob ends.

        Raises:
            CheckFailed: it failed.
            UserError: it goes on after the time is up, or the cluster is away.
        """
        ends = {"Complete", "Failed"}
        found = self._ask(
            lambda: self._client.wait_for_job_status(
                job.name, ends, timeout=max(round(timeout_seconds), POLL_SECONDS + 1), polling_interval=POLL_SECONDS
            )
        )
        if found.status == "Failed":
            logs = f"kubectl -n {job.namespace} logs -l jobset.sigs.k8s.io/jobset-name={job.name} --prefix"
            raise CheckFailed(f"TrainJob {job.name} failed; see: {logs}")
        return TrainJob(job.name, job.namespace, job.nodes, found.status)

    def _ask(self, question: Callable[[], T]) -> T:
        """An answer of the cluster; the client asks a few times by itself."""
        from kubernetes.client import ApiException

        try:
            return question()
        except TimeoutError as error:
            raise UserError(_line(error)) from None
        except (RuntimeError, ApiException) as error:
            raise UserError(
                f"{_line(error)} ({_reason(error)}); is Kubeflow Trainer there, and may you use it?"
            ) from None


def _options(name: str, deployment: Deployment) -> list[Any]:
    """Everything of a deployment's train stage for which the SDK's trainer has no field."""
    from kubeflow.trainer import options

    resources = deployment.train
    volumes: list[dict[str, Any]] = []
    mounts: list[dict[str, Any]] = []
    for number, volume in enumerate(deployment.volumes):
        volumes.append({"name": f"volume-{number}", "persistentVolumeClaim": {"claimName": volume.claim}})
        mounts.append({"name": f"volume-{number}", "mountPath": volume.path})
    if deployment.secrets:
        # Optional, so that the pod starts without them and can say what is missing.
        sources = [
            {
                "secret": {
                    "name": secret.name,
                    "items": [{"key": key, "path": variable} for key, variable in secret.environment.items()],
                    "optional": True,
                }
            }
            for secret in deployment.secrets
        ]
        volumes.append({"name": "secrets", "projected": {"sources": sources}})
        mounts.append({"name": "secrets", "mountPath": str(SECRETS), "readOnly": True})
    if resources.shared_memory:
        memory = {"medium": "Memory", "sizeLimit": resources.shared_memory}
        volumes.append({"name": "shared-memory", "emptyDir": memory})
        mounts.append({"name": "shared-memory", "mountPath": "/dev/shm"})
    pod = options.PodSpecPatch(
        volumes=volumes,
        containers=[options.ContainerPatch("node", volume_mounts=mounts)],
        image_pull_secrets=[{"name": deployment.pull_secret}] if deployment.pull_secret else None,
        security_context={"runAsNonRoot": True},
        node_selector=resources.node_selector or None,
        tolerations=[
            {key: value for key, value in asdict(toleration).items() if value is not None}
            for toleration in resources.tolerations
        ],
    )
    job = options.JobTemplatePatch(spec=options.JobSpecPatch(options.PodTemplatePatch(spec=pod)))
    jobs = options.JobSetSpecPatch([options.ReplicatedJobPatch("node", job)])
    patch = options.RuntimePatch(options.TrainingRuntimeSpecPatch(options.JobSetTemplatePatch(spec=jobs)))
    limit = [options.ActiveDeadlineSeconds(60 * resources.timeout_minutes)] if resources.timeout_minutes else []
    return [options.Name(name), patch, *limit]


def _reason(error: BaseException) -> str:
    """What the cluster answered, or why it did not."""
    from kubernetes.client import ApiException

    cause = error.__cause__ or error
    return f"{cause.status} {cause.reason}" if isinstance(cause, ApiException) else first_cause(error)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
