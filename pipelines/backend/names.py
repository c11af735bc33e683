"""Names and depth: what people look for in the graph, what Kubernetes takes."""

import re
from collections.abc import Iterator

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document

MOST_LAYERS = 3
ATTEMPTS = 3
"""Of every template, by the stock controller."""

_GIVEN = re.compile(r"(exit-handler|for-loop|condition|condition-branches)-[0-9]+")
_VOLUME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def layers(document: Document) -> int:
    """How many layers lead to the deepest task: the root, each group, each loop once more for an iteration."""
    return 1 + max(len(task.path) - 1 + len(task.loops) for task in document.container_tasks)


def unnamed_groups(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.tasks:
        if task.container is None and _GIVEN.fullmatch(task.key):
            yield (
                task.where,
                "a name that says nothing stands in the graph",
                "give the group's task a key that says what it does",
            )


def too_deep(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    if layers(document) > MOST_LAYERS:
        deepest = max(document.container_tasks, key=lambda task: len(task.path) + len(task.loops))
        yield deepest.where, f"lies {layers(document)} layers deep", "fewer groups around loops"


def error_multiplies(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    deepest = max(document.container_tasks, key=lambda task: len(task.path) + len(task.loops))
    # Of a task: its own pod's template and the one around it; of a group: one; of a loop: its own and the iteration's.
    templates = 2 + len(deepest.path) - 1 + len(deepest.loops)
    yield deepest.where, f"a pod that Kubernetes refuses is tried up to {ATTEMPTS**templates:,} times", ""


def volume_names(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.container_tasks:
        for name in _claims(task.pod):
            if not _VOLUME.fullmatch(name):
                yield (
                    task.where,
                    f"volume {name!r}: Kubernetes refuses the pod",
                    "a-z, 0-9 and -, at most 63 characters",
                )


def _claims(pod: dict) -> Iterator[str]:
    for mount in pod.get("pvcMount", ()):
        constant = mount.get("constant") or mount.get("pvcNameParameter", {}).get("runtimeValue", {}).get("constant")
        if constant:
            yield str(constant)
    for mount in (*pod.get("secretAsVolume", ()), *pod.get("configMapAsVolume", ())):
        name = mount.get("secretName") or mount.get("configMapName")
        if name:
            yield str(name)
    for mount in (*pod.get("emptyDirMounts", ()), *pod.get("genericEphemeralVolume", ())):
        yield str(mount["volumeName"])
