"""What a pod is handed: its inputs as the driver writes them, and the patch of its specification around them.

As KFP 2.17.0 does it in backend/src/v2/driver/driver.go (initPodSpecPatch, provisionOutputs) and k8s.go.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pipelines.backend.assumptions import UNKNOWN_BYTES, Assumptions
from pipelines.backend.document import Document, Task

RUN = "11111111-2222-3333-4444-555555555555"
ROOT = "minio://mlpipeline/v2/artifacts"
"""The pipeline root of a stock installation."""


def go_json(value: Any) -> str:
    """JSON as Go's encoder writes it: short, keys in order, three characters escaped."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def executor_input(document: Document, task: Task, assumed: Assumptions, salt: str) -> Mapping[str, Any]:
    """All inputs and the places of all outputs of one execution of a task.

    Args:
        document: the pipeline.
        task: one that runs a container.
        assumed: what a run decides.
        salt: the identifier that its outputs get, unlike for each execution.
    """
    values, given = {}, task.inputs("parameters")
    for name, source in given.items():
        value = assumed.value(document, task, source)
        kind = task.defined("inputDefinitions", "parameters").get(name, {}).get("parameterType", "STRING")
        values[name] = "x" * UNKNOWN_BYTES.get(kind, 8) if value is None else value
    artifacts = {
        name: {
            "artifacts": [
                _input_artifact(document, task, name, assumed, f"{salt}{number}")
                for number in range(_count(document, task, name, assumed))
            ]
        }
        for name in task.inputs("artifacts")
    }
    place = f"{ROOT}/{document.name}/{RUN}/{task.key}/{salt}"
    made = {
        **task.defined("outputDefinitions", "artifacts"),
        "executor-logs": {"artifactType": {"schemaTitle": "system.Artifact"}},
    }
    outputs = {
        name: {"artifacts": [{"name": name, "type": artifact["artifactType"], "uri": f"{place}/{name}"}]}
        for name, artifact in made.items()
    }
    parameters = {
        name: {"outputFile": f"/tmp/kfp/outputs/{name}"} for name in task.defined("outputDefinitions", "parameters")
    }
    return {
        "inputs": {"parameterValues": values, "artifacts": artifacts},
        "outputs": {
            "artifacts": outputs,
            "parameters": parameters,
            "outputFile": f"/minio/{place.removeprefix('minio://')}/output_metadata.json",
        },
    }


def argument_bytes(document: Document, task: Task, assumed: Assumptions) -> int:
    """Of the longest argument that a pod of the task is started with."""
    handed = executor_input(document, task, assumed, RUN)
    command = (*(task.container or {}).get("command", ()), *(task.container or {}).get("args", ()))
    return max(len(go_json(item).encode()) for item in (handed, task.component, *command))


def pod_spec_patch(document: Document, task: Task, assumed: Assumptions, salt: str) -> str:
    """The patch of a pod's specification that Argo keeps and applies."""
    container = task.container or {}
    command = [
        "/kfp-launcher/launch", "--pipeline_name", document.name, "--run_id", RUN, "--execution_id", "12345",
        "--executor_input", go_json(executor_input(document, task, assumed, salt)),
        "--component_spec", go_json(task.component),
        "--pod_name", "$(KFP_POD_NAME)", "--pod_uid", "$(KFP_POD_UID)",
        "--ml_pipeline_server_address", "ml-pipeline.kubeflow", "--ml_pipeline_server_port", "8887",
        "--mlmd_server_address", "metadata-grpc-service.kubeflow", "--mlmd_server_port", "8080",
        "--publish_logs", "true", "--publish_logs", "true", "--",
    ]  # fmt: skip
    main = {
        "name": "main",
        "image": container.get("image", ""),
        "command": command,
        "args": [*container.get("command", ()), *container.get("args", ())],
        "env": [*container.get("env", ()), *_secret_variables(task.pod)],
        "resources": _resources(container.get("resources", {})),
        "securityContext": task.pod.get("securityContext", {}),
        **_mounts(task.pod, "volumeMounts"),
    }
    selector = task.pod.get("nodeSelector", {}).get("labels", {})
    return go_json(
        {
            "containers": [main],
            **_mounts(task.pod, "volumes"),
            **({"nodeSelector": selector} if selector else {}),
            **({"tolerations": task.pod["tolerations"]} if "tolerations" in task.pod else {}),
            **({"activeDeadlineSeconds": 1} if "activeDeadlineSeconds" in task.pod else {}),
        }
    )


def _count(document: Document, task: Task, name: str, assumed: Assumptions) -> int:
    """How many artifacts an input holds: those of all iterations of loops that only the producer lies in."""
    count = 1
    makers = [producer for input_name, producer in document.producers(task) if input_name == name]
    for loop in makers[0].loops if makers else ():
        if loop not in task.loops:
            count *= assumed.items(document, loop)
    return count


def _input_artifact(document: Document, task: Task, name: str, assumed: Assumptions, salt: str) -> Mapping[str, Any]:
    """An artifact with facts about it; half of them are hashes and digits, which hardly compress."""
    facts = "".join(
        hashlib.sha256(f"{salt}{name}{number}".encode()).hexdigest()
        for number in range(1 + assumed.metadata_bytes // 128)
    )
    kind = task.defined("inputDefinitions", "artifacts").get(name, {}).get("artifactType", {})
    return {
        "artifactId": "1234",
        "name": "1234",
        "type": {"instanceSchema": ""},
        "uri": f"{ROOT}/{document.name}/{RUN}/{task.key}/{salt}/{name}",
        "metadata": {
            "display_name": name,
            "store_session_info": "s" * 250,
            "facts": facts[: assumed.metadata_bytes // 2].ljust(assumed.metadata_bytes),
        },
        "kind": kind,
    }


def _secret_variables(pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        {
            "name": pair["envVar"],
            "valueFrom": {
                "secretKeyRef": {"name": source.get("secretName", ""), "key": pair["secretKey"], "optional": True}
            },
        }
        for source in pod.get("secretAsEnv", ())
        for pair in source.get("keyToEnv", ())
    ]


def _resources(resources: Mapping[str, Any]) -> Mapping[str, Any]:
    bounds: dict[str, dict[str, str]] = {"limits": {}, "requests": {}}
    for key, bound, resource in (
        ("resourceCpuLimit", "limits", "cpu"),
        ("resourceMemoryLimit", "limits", "memory"),
        ("resourceCpuRequest", "requests", "cpu"),
        ("resourceMemoryRequest", "requests", "memory"),
    ):
        if key in resources:
            bounds[bound][resource] = resources[key]
    accelerator = resources.get("accelerator")
    if accelerator:
        bounds["limits"][accelerator.get("resourceType", "gpu")] = accelerator.get("resourceCount", "1")
    return bounds


def _mounts(pod: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The volumes of a pod, or where its container mounts them."""
    found: list[Mapping[str, Any]] = []
    for mount in pod.get("pvcMount", ()):
        claim = mount.get("constant") or mount.get("pvcNameParameter", {}).get("runtimeValue", {}).get("constant", "")
        volume = {"name": claim, "persistentVolumeClaim": {"claimName": claim}}
        found.append(volume if kind == "volumes" else {"name": claim, "mountPath": mount["mountPath"]})
    for mount in pod.get("emptyDirMounts", ()):
        volume = {
            "name": mount["volumeName"],
            "emptyDir": {"sizeLimit": mount.get("sizeLimit"), "medium": mount.get("medium")},
        }
        found.append(volume if kind == "volumes" else {"name": mount["volumeName"], "mountPath": mount["mountPath"]})
    return {kind: found} if found else {}
