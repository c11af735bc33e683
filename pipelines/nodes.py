"""Pods that no task of a run is: the nodes of a training, out of a deployment; and the pod that waits for them."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from components.trainjob import Nodes, Surroundings
from pipelines.deployment import Deployment
from pipelines.placing import Need, labels, secrets, variables


def nodes_of(deployment: Deployment) -> Nodes:
    """What a TrainJob's nodes are: the place of the train stage."""
    resources = deployment.train
    size = {
        "cpu": resources.cpu,
        "memory": resources.memory,
        **({resources.gpu_type: str(resources.gpus)} if resources.gpus else {}),
    }
    limits = {**size, "cpu": resources.cpu_limit or resources.cpu}
    return Nodes(
        count=deployment.train_nodes,
        image=deployment.image,
        processes=max(resources.gpus, 1),
        resources={"requests": size, "limits": limits},
        runtime=deployment.train_runtime,
        labels=dict(labels(deployment)),
        pod=_pod(deployment),
        mounts=[{"name": "nodes-memory", "mountPath": "/dev/shm"}] if resources.shared_memory else [],
        seconds=60 * resources.timeout_minutes,
    )


def surroundings(deployment: Deployment, *needs: Need) -> Surroundings:
    """What a pod of ours gets that is no task of a run: variables, secrets, volumes."""
    env: list[Mapping[str, Any]] = [
        {"name": name, "value": value} for name, value in variables(deployment, *needs).items()
    ]
    # Optional, so that the pod starts without them and can say what is missing.
    env += [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key, "optional": True}}}
        for secret, environment in secrets(deployment, *needs).items()
        for key, variable in environment.items()
    ]
    claims = [(f"volume-{number}", volume) for number, volume in enumerate(deployment.volumes)]
    return Surroundings(
        env,
        [{"name": name, "persistentVolumeClaim": {"claimName": volume.claim}} for name, volume in claims],
        [{"name": name, "mountPath": volume.path} for name, volume in claims],
    )


def _pod(deployment: Deployment) -> dict[str, Any]:
    """As far as Kubeflow Trainer lets the pod of a node be patched."""
    resources = deployment.train
    found: dict[str, Any] = {"securityContext": {"runAsNonRoot": True}}
    if resources.node_selector:
        found["nodeSelector"] = dict(resources.node_selector)
    if resources.tolerations:
        found["tolerations"] = [
            {key: value for key, value in asdict(toleration).items() if value is not None}
            for toleration in resources.tolerations
        ]
    if resources.affinity:
        found["affinity"] = {"nodeAffinity": _affinity(deployment)}
    if deployment.pull_secret:
        found["imagePullSecrets"] = [{"name": deployment.pull_secret}]
    if resources.shared_memory:
        memory = {"medium": "Memory", "sizeLimit": resources.shared_memory}
        found["volumes"] = [{"name": "nodes-memory", "emptyDir": memory}]
    return found


def _affinity(deployment: Deployment) -> dict[str, Any]:
    """Every kind of node that is needed, and those that are preferred."""
    needed, preferred = [], []
    for affinity in deployment.train.affinity:
        expression = {"key": affinity.key, "operator": "In", "values": list(affinity.values)}
        if affinity.weight:
            preferred.append({"weight": affinity.weight, "preference": {"matchExpressions": [expression]}})
        else:
            needed.append(expression)
    required = {"nodeSelectorTerms": [{"matchExpressions": needed}]}
    return {
        **({"requiredDuringSchedulingIgnoredDuringExecution": required} if needed else {}),
        **({"preferredDuringSchedulingIgnoredDuringExecution": preferred} if preferred else {}),
    }


def waiting(deployment: Deployment) -> Deployment:
    """The deployment of the pod that waits for the nodes and judges what they leave, there as long as both."""
    train, evaluate = deployment.train, deployment.evaluate
    limits = (train.timeout_minutes, evaluate.timeout_minutes)
    both = replace(
        evaluate, timeout_minutes=sum(limits) if all(limits) else 0, retries=train.retries, cache=train.cache
    )
    return replace(deployment, evaluate=both)
