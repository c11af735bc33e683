"""Why a pod does not do what it should: only Kubernetes knows that a node is too small or an image cannot be pulled."""

import io
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from components.pods import trouble_of
from components.trainjob import GROUP, VERSION
from rmsnet.errors import UserError

T = TypeVar("T")

RUN_LABEL = "pipeline/runid"
NODE_ANNOTATION = "workflows.argoproj.io/node-name"
NODE_ID_ANNOTATION = "workflows.argoproj.io/node-id"

_TASK = re.compile(r"\.([a-z0-9-]+)\(\d+\)\.executor\((\d+)\)$")
_ITERATION = re.compile(r"iteration-iterations\((\d+):\d+\)")


@dataclass(frozen=True)
class Pod:
    """A pod that runs a task's container.

    Attributes:
        namespace, name: of the pod.
        node: id of Argo's node.
        task: its key.
        iteration: of the loop around it; None: there is none.
        attempt: 0 for the first.
        phase: as Kubernetes calls it.
        trouble: what keeps or has kept it from ending well; "" where nothing does.
        seconds: since it was made, or until its end; None: nobody can tell.
    """

    namespace: str
    name: str
    node: str
    task: str
    iteration: int | None
    attempt: int
    phase: str
    trouble: str
    seconds: float | None = None


def kubernetes(required: bool = False) -> Any:
    """A client of Kubernetes, as kubectl or a pod's account reaches it; None where neither does.

    Raises:
        UserError: there is none and it is required.
    """
    from kubernetes import client, config
    from kubernetes.config import ConfigException

    try:
        with redirect_stdout(io.StringIO()):  # it says where it looks
            config.load_config()
    except (ConfigException, OSError):
        if required:
            raise UserError("no cluster to ask: set KUBECONFIG, or run where a pod's account may") from None
        return None
    return client.CoreV1Api()


def asked(what: str, question: Callable[[], T]) -> T | None:
    """An answer of Kubernetes; None where there is no such thing.

    Raises:
        UserError: it is away, or we may not ask.
    """
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    try:
        return question()
    except ApiException as error:
        if error.status == 404:
            return None
        raise UserError(f"{what}: {error.status} {error.reason}") from None
    except (HTTPError, OSError) as error:
        raise UserError(f"{what}: Kubernetes does not answer ({' '.join(str(error).split())[:120]})") from None


def training_runtime(core: Any, name: str) -> Any:
    """A runtime of Kubeflow Trainer; None: it is not there.

    Raises:
        UserError: as `asked`.
    """
    from kubernetes import client

    custom = client.CustomObjectsApi(core.api_client)
    kind = (GROUP, VERSION, "clustertrainingruntimes", name)
    return asked(f"training runtime {name}", lambda: custom.get_cluster_custom_object(*kind))


def pods_of(core: Any, run_id: str, namespace: str = "") -> list[Pod] | None:
    """The pods of a run that run containers; None where nobody may tell.

    Args:
        core: of `kubernetes`.
        run_id: Kubeflow's.
        namespace: of the run; "": that of a Kubeflow with one user.
    """
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    if core is None:
        return None
    try:
        found = core.list_namespaced_pod(
            namespace or "kubeflow", label_selector=f"{RUN_LABEL}={run_id}", _request_timeout=30
        )
    except (ApiException, HTTPError, OSError):
        return None
    pods = [pod_of(item) for item in found.items]
    return [pod for pod in pods if pod is not None]


def pod_of(item: Any) -> Pod | None:
    """What Kubernetes says of a pod; None for a driver's."""
    path = (item.metadata.annotations or {}).get(NODE_ANNOTATION, "")
    found = _TASK.search(path)
    if found is None:
        return None
    iterations = _ITERATION.findall(path)
    return Pod(
        item.metadata.namespace,
        item.metadata.name,
        (item.metadata.annotations or {}).get(NODE_ID_ANNOTATION, ""),
        found[1],
        int(iterations[-1]) if iterations else None,
        int(found[2]),
        str(item.status.phase),
        trouble_of(item.status),
        _seconds(item.metadata.creation_timestamp, item.status),
    )


def _seconds(start: datetime | None, status: Any) -> float | None:
    if start is None:
        return None
    ends = [
        container.state.terminated.finished_at
        for container in status.container_statuses or ()
        if container.name == "main" and container.state.terminated
    ]
    end = ends[0] if ends and ends[0] else datetime.now(start.tzinfo)
    return float((end - start).total_seconds())


def last_words(core: Any, pod: Pod, lines: int = 40) -> list[str]:
    """The end of a pod's log, without what Kubeflow's launcher says; empty where it is gone."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    try:
        text = core.read_namespaced_pod_log(
            pod.name, pod.namespace, container="main", tail_lines=lines, _request_timeout=30
        )
    except (ApiException, HTTPError, OSError):
        return []
    return [line for line in str(text).splitlines() if line.strip() and not _LAUNCHER.match(line)]


_LAUNCHER = re.compile(r"[IWEF]\d{4} |time=|\[KFP Executor|Error: exit status|[ {}\]]|$")
"""Lines of the launcher and of Argo's executor, and the JSON between them."""
