"""Why a pod does not do what it should, from what Kubernetes says of it."""

from typing import Any

WAITING = ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError")
"""Reasons of a container that waits for something which does not come by itself."""

OURS = ("main", "probe", "node")
"""Containers that run this project: of a task, of the doctor, of a TrainJob."""


def trouble_of(status: Any) -> str:
    """What keeps a pod from running, or has ended it, in one line."""
    if status.reason:  # evicted, past its deadline
        return _line(status.reason, status.message)
    for condition in status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return _line("cannot be scheduled", condition.message)
    for container in (*(status.init_container_statuses or ()), *(status.container_statuses or ())):
        waiting = container.state.waiting
        # Of one that starts again, as it ended before.
        ended = container.state.terminated or (container.last_state and container.last_state.terminated)
        if waiting is not None and waiting.reason in WAITING:
            return _line(waiting.reason, waiting.message)
        if ended is not None and ended.reason == "OOMKilled":
            return f"OOMKilled: it took more memory than its limit ({container.name})"
        if ended is not None and ended.exit_code and container.name in OURS:
            return _line(f"ended with status {ended.exit_code}", ended.message)
    return ""


def _line(reason: str, message: str | None) -> str:
    return " ".join(f"{reason}: {message or ''}".split()).rstrip(":")
