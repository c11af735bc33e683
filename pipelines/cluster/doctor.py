"""What a deployment file names, looked for in the cluster before anything is submitted."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from components.pods import WAITING, trouble_of
from pipelines.cluster.api import Kubeflow
from pipelines.cluster.pods import asked, training_runtime
from pipelines.deployment import STAGES, Deployment
from pipelines.nodes import surroundings
from pipelines.placing import labels, secrets
from rmsnet import __version__
from rmsnet.errors import UserError
from rmsnet.workplace.findings import Finding

PROBE_SECONDS = 600
"""For an image of gigabytes to be pulled."""

PATIENCE_SECONDS = 60
"""For a node to be found."""

POLL_SECONDS = 3.0

QUOTAS = ("pods", "requests.cpu", "limits.cpu", "requests.memory", "limits.memory")

DEFAULTS = {"requests": "defaultRequest", "limits": "default", "pods": ""}
"""Of a LimitRange, by what a quota counts."""

RIGHTS = (("create", "pods"), ("get", "pods"), ("get", "pods/log"), ("get", "secrets"), ("delete", "pods"))
"""What the doctor itself needs in the namespace of the runs."""


@dataclass(frozen=True)
class Visit:
    """Everything a look needs.

    Attributes:
        kubeflow, core: the two APIs.
        deployment: what is looked for.
        namespace: of the runs.
    """

    kubeflow: Kubeflow
    core: Any
    deployment: Deployment
    namespace: str


def examine(visit: Visit) -> Iterator[Finding]:
    """Look for all of it, one after the other."""
    for look in (_kubeflow, _namespace, _rights, _account, _secrets, _claims, _gpus, _trainer, _quota, _pod):
        try:
            yield from look(visit)
        except UserError as error:
            yield Finding(look.__name__.strip("_"), False, str(error))


def _kubeflow(visit: Visit) -> Iterator[Finding]:
    health = visit.kubeflow.client.get_kfp_healthz()
    users = "a namespace for each user" if health.multi_user else "one user"
    yield Finding("Kubeflow", True, f"{visit.kubeflow.host}, {users}; UI: {visit.kubeflow.ui or 'not there, see --ui'}")


def _namespace(visit: Visit) -> Iterator[Finding]:
    found = asked("namespace", lambda: visit.core.read_namespace(visit.namespace))
    if found is None:
        yield Finding(f"namespace {visit.namespace}", False, "is not there")
        return
    level = (found.metadata.labels or {}).get("pod-security.kubernetes.io/enforce", "none enforced")
    yield Finding(f"namespace {visit.namespace}", True, f"Pod Security: {level} (these pods fit restricted)")


def _rights(visit: Visit) -> Iterator[Finding]:
    from kubernetes import client

    review = client.AuthorizationV1Api(visit.core.api_client)
    for verb, resource in RIGHTS:
        name, _, part = resource.partition("/")
        right = client.V1ResourceAttributes(
            namespace=visit.namespace, verb=verb, resource=name, subresource=part or None
        )
        body = client.V1SelfSubjectAccessReview(spec=client.V1SelfSubjectAccessReviewSpec(resource_attributes=right))
        allowed = asked("rights", lambda body=body: review.create_self_subject_access_review(body)).status.allowed
        if not allowed:
            yield Finding(f"right to {verb} {resource}", False, f"not yours in {visit.namespace}")


def _account(visit: Visit) -> Iterator[Finding]:
    name = visit.deployment.service_account
    if name:
        found = asked("service account", lambda: visit.core.read_namespaced_service_account(name, visit.namespace))
        yield Finding(f"service account {name}", found is not None, "" if found else "is not there")


def _secrets(visit: Visit) -> Iterator[Finding]:
    wanted: dict[str, set[str]] = {
        name: set(keys) for name, keys in secrets(visit.deployment, "data", "mlflow").items()
    }
    if visit.deployment.pull_secret:
        wanted.setdefault(visit.deployment.pull_secret, set()).add(".dockerconfigjson")
    for name, keys in wanted.items():
        found = asked(f"secret {name}", lambda name=name: visit.core.read_namespaced_secret(name, visit.namespace))
        if found is None:
            create = "kubectl create secret generic NAME --from-literal=KEY=VALUE"
            yield Finding(f"secret {name}", False, f"is not there; make it with: {create}")
            continue
        lacking = sorted(keys - set(found.data or {}))
        yield Finding(f"secret {name}", not lacking, f"has no {', '.join(lacking)}" if lacking else "")


def _claims(visit: Visit) -> Iterator[Finding]:
    pods = max(visit.deployment.extract_shards, visit.deployment.spot_shards, visit.deployment.train_pods)
    for volume in visit.deployment.volumes:
        found = asked(
            f"claim {volume.claim}",
            lambda volume=volume: visit.core.read_namespaced_persistent_volume_claim(volume.claim, visit.namespace),
        )
        if found is None:
            yield Finding(f"claim {volume.claim}", False, "is not there")
            continue
        modes = found.spec.access_modes or []
        shared = any(mode in ("ReadWriteMany", "ReadOnlyMany") for mode in modes)
        note = "" if shared or pods == 1 else "; pods on several nodes cannot share it"
        yield Finding(
            f"claim {volume.claim}", found.status.phase == "Bound", f"{', '.join(modes)}, {found.status.phase}{note}"
        )
    if visit.deployment.workspace and visit.deployment.workspace.storage_class:
        from kubernetes import client

        name = visit.deployment.workspace.storage_class
        storage = client.StorageV1Api(visit.core.api_client)
        there = asked("storage class", lambda: storage.read_storage_class(name)) is not None
        yield Finding(f"storage class {name}", there, "" if there else "is not there")


def _gpus(visit: Visit) -> Iterator[Finding]:
    wanted = {
        resources.gpu_type: max(resources.gpus, 0)
        for resources in (getattr(visit.deployment, stage) for stage in STAGES)
        if resources.gpus
    }
    if not wanted:
        return
    nodes = asked("nodes", lambda: visit.core.list_node()).items
    for kind, count in wanted.items():
        places = [int((node.status.allocatable or {}).get(kind, 0)) // count for node in nodes]
        enough = f"on {sum(map(bool, places))} of {len(nodes)} nodes" if any(places) else "on no node"
        needed = visit.deployment.train_nodes if kind == visit.deployment.train.gpu_type else 1
        short = f"; a training over {needed} nodes finds {sum(places)} places" if 0 < sum(places) < needed else ""
        yield Finding(f"{count} {kind}", sum(places) >= needed, enough + short)


def _trainer(visit: Visit) -> Iterator[Finding]:
    if visit.deployment.train_nodes == 1:
        return
    name = visit.deployment.train_runtime
    there = training_runtime(visit.core, name) is not None
    detail = "" if there else "is not there; is Kubeflow Trainer installed in this cluster?"
    yield Finding(f"training runtime {name}", there, detail)


def _quota(visit: Visit) -> Iterator[Finding]:
    from kubernetes.utils import parse_quantity

    quotas = asked("quota", lambda: visit.core.list_namespaced_resource_quota(visit.namespace)).items
    given = _given_by_default(visit) if quotas else set()
    for quota in quotas:
        hard, used = quota.status.hard or {}, quota.status.used or {}
        for key in QUOTAS:
            if key not in hard:
                continue
            left = parse_quantity(hard[key]) - parse_quantity(used.get(key, "0"))
            named = key in given
            kind, _, resource = key.partition(".")
            lack = "" if named else f"; Argo's own containers name none: a LimitRange must, {DEFAULTS[kind]}.{resource}"
            yield Finding(
                f"quota {quota.metadata.name}: {key}",
                named and all(each <= left for _, each, _ in _asked(visit.deployment, key)),
                f"{used.get(key, '0')} of {hard[key]} used{_waiting(visit.deployment, key, left)}{lack}",
            )


def _given_by_default(visit: Visit) -> set[str]:
    """What a quota counts and containers that name nothing have all the same."""
    ranges = asked("limits", lambda: visit.core.list_namespaced_limit_range(visit.namespace)).items
    items = [item for limit_range in ranges for item in limit_range.spec.limits if item.type == "Container"]
    limits = {key for item in items for key in item.default or ()}
    requests = limits | {key for item in items for key in item.default_request or ()}
    return {"pods", *(f"limits.{key}" for key in limits), *(f"requests.{key}" for key in requests)}


def _waiting(deployment: Deployment, key: str, left: Any) -> str:
    """What does not run all at once."""
    waiting = [
        f"; {what}: {max(0, int(left // each))} of {count} at a time"
        for what, each, count in _asked(deployment, key)
        if each * count > left
    ]
    return "".join(waiting)


def _asked(deployment: Deployment, key: str) -> Iterator[tuple[str, Any, int]]:
    """(what, how much one of it counts against a quota, how many run side by side): the pods of each stage.

    The nodes of a training and the pod that waits for them run all at once or not at all.
    """
    from kubernetes.utils import parse_quantity

    counts = {"extract": deployment.extract_shards, "train": deployment.train_pods, "spot": deployment.spot_shards}
    each: dict[str, Any] = {}
    for stage in STAGES:
        resources = getattr(deployment, stage)
        sizes = {
            "pods": "1",
            "requests.cpu": resources.cpu,
            "limits.cpu": resources.cpu_limit or resources.cpu,
            "requests.memory": resources.memory,
            "limits.memory": resources.memory,
        }
        each[stage] = parse_quantity(sizes[key])
        yield stage, each[stage], counts.get(stage, 1)
    if deployment.train_nodes > 1:
        nodes = deployment.train_nodes
        yield f"a training over {nodes} nodes", nodes * each["train"] + each["evaluate"], 1


def _pod(visit: Visit) -> Iterator[Finding]:
    """What a pod like those of a run finds."""
    name = f"rmsnet-doctor-{uuid4().hex[:6]}"
    asked("a pod", lambda: visit.core.create_namespaced_pod(visit.namespace, _manifest(name, visit.deployment)))
    try:
        trouble = _ended(visit, name)
        log = (
            asked("log", lambda: visit.core.read_namespaced_pod_log(name, visit.namespace))
            if _began(visit, name)
            else ""
        )
    finally:
        asked("a pod", lambda: visit.core.delete_namespaced_pod(name, visit.namespace, grace_period_seconds=0))
    lines = [line.split("\t") for line in str(log or "").splitlines() if line.count("\t") == 2]
    for state, what, detail in lines:
        fits = what != "image" or detail == f"rmsnet {__version__}"
        wrong = "" if fits else f"; the pipelines here are of {__version__}"
        yield Finding(f"{what}", state == "ok" and fits, detail + wrong)
    if not lines:
        said = " ".join(str(log or "").split())[-200:]
        yield Finding(f"image {visit.deployment.image}", False, f"{trouble} {said}".strip())


def _began(visit: Visit, name: str) -> bool:
    found = asked("a pod", lambda: visit.core.read_namespaced_pod(name, visit.namespace))
    return found is not None and found.status.phase in ("Running", "Succeeded", "Failed")


def _ended(visit: Visit, name: str) -> str:
    """Wait until the probe's pod is done; what went wrong with it, "" where nothing did."""
    start = time.monotonic()
    while True:
        found = asked("a pod", lambda: visit.core.read_namespaced_pod(name, visit.namespace))
        if found is None:
            return "its pod was taken away"
        trouble, waited = trouble_of(found.status), time.monotonic() - start
        if found.status.phase in ("Succeeded", "Failed"):
            return trouble
        if trouble.split(":")[0] in WAITING or (trouble and waited > PATIENCE_SECONDS):
            return trouble
        if waited > PROBE_SECONDS:
            return f"its pod has not ended after {PROBE_SECONDS} s ({found.status.phase})"
        time.sleep(POLL_SECONDS)


def _manifest(name: str, deployment: Deployment) -> Mapping[str, Any]:
    """A pod like those of a run: image, account, environment, volumes, security."""
    around = surroundings(deployment, "data", "mlflow")
    container = {
        "name": "probe",
        "image": deployment.image,
        "command": ["python3", "-m", "components.probe", *(volume.path for volume in deployment.volumes)],
        "env": around.env,
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        "volumeMounts": [*around.mounts, {"name": "tmp", "mountPath": "/tmp"}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    pull = [{"name": deployment.pull_secret}] if deployment.pull_secret else []
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {**labels(deployment), "app.kubernetes.io/name": "rmsnet-doctor"}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            **({"serviceAccountName": deployment.service_account} if deployment.service_account else {}),
            "imagePullSecrets": pull,
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [*around.volumes, {"name": "tmp", "emptyDir": {}}],
        },
    }
