"""A training over several nodes: a TrainJob of Kubeflow Trainer, made, followed and taken away again."""

import json
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from components.node import REQUEST, Training
from components.patience import patiently
from components.pods import trouble_of
from rmsnet.errors import CheckFailed, UserError

GROUP, VERSION, PLURAL = "trainer.kubeflow.org", "v1alpha1", "trainjobs"

JOB_LABEL = "jobset.sigs.k8s.io/jobset-name"
"""Of the pods of a TrainJob: its name."""

INDEX_LABEL = "batch.kubernetes.io/job-completion-index"

ENDS = ("Complete", "Failed")

REFUSALS = (": train: bad input: ", ": train: check failed: ")
"""In what a node says: starting it again, as JobSet does on every failure (six times in all), would not help."""

POLL_SECONDS = 5.0

COMMAND = ("python3", "-m", "torch.distributed.run", "-m", "components.node")
"""Of a node; Kubeflow Trainer's runtime tells torchrun where the others are."""

UNPRIVILEGED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True)
class Nodes:
    """The nodes of a training, as a deployment says.

    Attributes:
        count: how many.
        image: of each.
        processes: on each; a GPU of its own for each process.
        resources: of each, as of a container.
        runtime: Kubeflow Trainer's, e.g. torch-distributed.
        labels: of the job; Kueue admits it by them.
        pod: of each, as far as Kubeflow Trainer lets it be patched.
        mounts: of the container in it.
        seconds: after which the job is ended; 0: never.
    """

    count: int
    image: str
    processes: int = 1
    resources: dict[str, Any] = field(default_factory=dict)
    runtime: str = "torch-distributed"
    labels: dict[str, str] = field(default_factory=dict)
    pod: dict[str, Any] = field(default_factory=dict)
    mounts: list[dict[str, Any]] = field(default_factory=list)
    seconds: int = 0


@dataclass(frozen=True)
class Surroundings:
    """What the nodes have of the pod that waits for them.

    Attributes:
        env, volumes, mounts: as in a pod.
        owner: an owner reference; where the pod is deleted, Kubernetes deletes the job.
    """

    env: Sequence[Mapping[str, Any]] = ()
    volumes: Sequence[Mapping[str, Any]] = ()
    mounts: Sequence[Mapping[str, Any]] = ()
    owner: Mapping[str, Any] | None = None


def document(name: str, nodes: Nodes, training: Training, around: Surroundings) -> dict[str, Any]:
    """The TrainJob."""
    container = {"name": "node", "volumeMounts": [*around.mounts, *nodes.mounts], "securityContext": UNPRIVILEGED}
    pod = {**nodes.pod, "volumes": [*around.volumes, *nodes.pod.get("volumes", ())], "containers": [container]}
    job = {"name": "node", "template": {"spec": {"template": {"spec": pod}}}}
    request = {"name": REQUEST, "value": json.dumps(asdict(training))}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "TrainJob",
        "metadata": {
            "name": name,
            **({"labels": nodes.labels} if nodes.labels else {}),
            **({"ownerReferences": [around.owner]} if around.owner else {}),
        },
        "spec": {
            "runtimeRef": {"name": nodes.runtime},
            "trainer": {
                "image": nodes.image,
                "command": list(COMMAND),
                "env": [*around.env, request],
                "numNodes": nodes.count,
                "numProcPerNode": nodes.processes,
                "resourcesPerNode": nodes.resources,
            },
            "runtimePatches": [
                {
                    "manager": "rmsnet.dev/pipelines",
                    "trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [job]}}},
                }
            ],
            **({"activeDeadlineSeconds": nodes.seconds} if nodes.seconds else {}),
        },
    }


class Jobs:
    """The TrainJobs of a namespace.

    Args:
        api_client: of the Kubernetes client.
        namespace: of the jobs.
    """

    def __init__(self, api_client: Any, namespace: str) -> None:
        from kubernetes import client

        self._core, self._custom = client.CoreV1Api(api_client), client.CustomObjectsApi(api_client)
        self.namespace = namespace

    def run(self, job: Mapping[str, Any]) -> None:
        """Make a job, tell what its nodes say until it ends, take it away.

        One of its name, of an attempt that was lost, goes first: what that has trained lies where this one goes on.

        Raises:
            CheckFailed: the training failed, or somebody has deleted the job.
            UserError: the cluster refuses.
        """
        name = job["metadata"]["name"]
        with _ended_by_a_signal():
            self.take_away(name, wait=True)
            try:
                self.make(job)
                print(f"TrainJob {name} in {self.namespace}: {job['spec']['trainer']['numNodes']} nodes", flush=True)
                self.follow(name)
            finally:
                self.take_away(name)

    def make(self, job: Mapping[str, Any]) -> None:
        """Make a job.

        Raises:
            UserError: the cluster refuses.
        """
        self._ask(lambda: self._custom.create_namespaced_custom_object(*self._kind, job))

    def follow(self, name: str, until: float = float("inf")) -> None:
        """Tell what the nodes of a job say, and what keeps them from starting, until it ends well.

        Args:
            name: of the job.
            until: time.monotonic() after which nobody waits.

        Raises:
            CheckFailed: it failed, or is not there any more.
            UserError: the cluster refuses, or it goes on after the time is up.
        """
        told: dict[str, int] = {}
        last = ""
        while True:
            found = self._ask(lambda: self._custom.get_namespaced_custom_object(*self._kind, name), absent=None)
            for line in self._news(name, told):
                print(line, flush=True)
                last = line if ": train: " in line or ": cannot begin" in line else last
                if any(refusal in line for refusal in REFUSALS):
                    raise CheckFailed(f"TrainJob {name} failed: {line}")
            if found is None:
                raise CheckFailed(f"TrainJob {name}: was deleted while it was waited for")
            for condition in found.get("status", {}).get("conditions", ()):
                if condition["type"] in ENDS and condition["status"] == "True":
                    if condition["type"] == "Complete":
                        return
                    why = " ".join(f"{condition.get('reason', '')} {condition.get('message', '')}".split())
                    raise CheckFailed(f"TrainJob {name} failed: {'; '.join(filter(None, (why, last)))}")
            if time.monotonic() > until:
                raise UserError(f"TrainJob {name} goes on{f' ({last})' if last else ''}: its time is up")
            time.sleep(POLL_SECONDS)

    def take_away(self, name: str, *, wait: bool = False) -> None:
        """Delete a job and its pods; wait until it is gone where another of its name comes."""
        self._ask(
            lambda: self._custom.delete_namespaced_custom_object(*self._kind, name, propagation_policy="Foreground"),
            absent=None,
        )
        while wait and self._ask(lambda: self._custom.get_namespaced_custom_object(*self._kind, name), absent=None):
            time.sleep(POLL_SECONDS)

    @property
    def _kind(self) -> tuple[str, str, str, str]:
        return GROUP, VERSION, self.namespace, PLURAL

    def _news(self, name: str, told: dict[str, int]) -> Iterator[str]:
        """Lines that the nodes have written since the last look; what keeps a node from starting or ended it, once."""
        selector = f"{JOB_LABEL}={name}"
        pods = self._ask(lambda: self._core.list_namespaced_pod(self.namespace, label_selector=selector)).items
        for pod in sorted(pods, key=lambda pod: str(pod.metadata.name)):
            pod_name, starts = str(pod.metadata.name), _starts(pod.status)
            node = f"node {(pod.metadata.labels or {}).get(INDEX_LABEL, pod_name)}"
            if starts > 1 and f"{pod_name} {starts}" not in told:
                yield from self._said(pod_name, node, starts - 1, told, previous=True)
                yield f"{node}: starts again, number {starts}"
            trouble = trouble_of(pod.status)
            if trouble and trouble not in told:
                told[trouble] = 1
                yield f"{node}: {'cannot begin: ' if pod.status.phase == 'Pending' else ''}{trouble}"
            yield from self._said(pod_name, node, starts, told)

    def _said(self, pod: str, node: str, start: int, told: dict[str, int], **which: bool) -> Iterator[str]:
        """Lines of a node's container, of one of its starts, that have not been told."""
        from kubernetes.client import ApiException

        try:
            text = self._core.read_namespaced_pod_log(pod, self.namespace, container="node", **which)
        except ApiException:  # it has not started
            return
        key, lines = f"{pod} {start}", str(text).splitlines()
        yield from (f"{node}: {line}" for line in lines[told.get(key, 0) :])
        told[key] = len(lines)

    def _ask(self, question: Any, **absent: Any) -> Any:
        """An answer of Kubernetes, asked again while it is away; `absent` where there is no such thing.

        Raises:
            UserError: it refuses.
        """
        from kubernetes.client import ApiException

        try:
            return patiently("Kubernetes", question)
        except ApiException as error:
            if absent and error.status == 404 and _message(error):  # without Kubeflow Trainer there is no message
                return absent["absent"]
            raise UserError(f"Kubernetes refuses a TrainJob in {self.namespace}: {_words(error)}") from None


def _starts(status: Any) -> int:
    """How often the container of a node was started."""
    return 1 + sum(int(container.restart_count) for container in status.container_statuses or ())


def _words(error: Any) -> str:
    """What Kubernetes says, and what to do where that is known."""
    advice = {
        403: "; the account of a run's pods may not: kubectl apply -k deploy/runs",
        404: "; is Kubeflow Trainer installed in this cluster?",
    }
    return f"{error.status} {' '.join((_message(error) or str(error.reason)).split())}{advice.get(error.status, '')}"


def _message(error: Any) -> str:
    """Of an object of Kubernetes that says why; "" where the answer is another."""
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return ""


@contextmanager
def _ended_by_a_signal() -> Iterator[None]:
    """A container that is told to end ends as an exception does, so that the job is taken away."""

    def end(number: int, frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
