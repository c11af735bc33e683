"""What Argo says of a run, where Kubeflow's API keeps no word of it: a pod that Kubernetes would not have."""

import gzip
import json
from binascii import a2b_base64
from collections.abc import Mapping
from typing import Any

from pipelines.cluster.pods import RUN_LABEL, asked
from rmsnet.errors import UserError

WORKFLOWS = ("argoproj.io", "v1alpha1")


def refusal_of(core: Any, run_id: str, namespace: str = "") -> str:
    """Why a pod of a run could not be made, or cannot as yet; "" where all could, or nobody may tell.

    Args:
        core: of `pipelines.cluster.pods.kubernetes`.
        run_id: Kubeflow's.
        namespace: of the run; "": that of a Kubeflow with one user.
    """
    from kubernetes import client

    custom = client.CustomObjectsApi(core.api_client)
    place = (*WORKFLOWS, namespace or "kubeflow", "workflows")
    selector = f"{RUN_LABEL}={run_id}"
    try:
        found = asked("workflow", lambda: custom.list_namespaced_custom_object(*place, label_selector=selector))
    except UserError:
        return ""
    for workflow in (found or {}).get("items", ()):
        for node in _nodes(workflow.get("status", {})).values():
            message = " ".join(str(node.get("message", "")).split())
            # Beyond a quota Argo waits until there is room.
            refused = node.get("phase") == "Error" or (node.get("phase") == "Pending" and "forbidden" in message)
            if message and refused and node.get("type") == "Pod":
                return message
    return ""


def _nodes(status: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """By id; above 1 MB Argo compresses them."""
    if "compressedNodes" not in status:
        return status.get("nodes") or {}
    found: dict[str, dict[str, Any]] = json.loads(gzip.decompress(a2b_base64(status["compressedNodes"])))
    return found
