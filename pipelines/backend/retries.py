"""Second attempts: when there is one, and whether it has the time; how long what is left of a run stays."""

from collections.abc import Iterator

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document, Task


def seconds(duration: str) -> float:
    """Of a duration as the intermediate representation writes it, "30s"."""
    return float(duration.removesuffix("s"))


def pauses_seconds(task: Task) -> float:
    """All pauses between the attempts of a task together."""
    first, factor = seconds(task.retries.get("backoffDuration", "0s")), float(task.retries.get("backoffFactor", 1))
    return sum(first * factor**number for number in range(int(task.retries.get("maxRetryCount", 0))))


def window_seconds(retries: int, time_limit_seconds: float, first_pause_seconds: float, factor: float) -> float:
    """How long all attempts of a task may take together."""
    return (retries + 1) * time_limit_seconds + sum(first_pause_seconds * factor**number for number in range(retries))


def only_for_lost_pods(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    retried = [task for task in document.container_tasks if task.retries.get("maxRetryCount")]
    if retried:
        names = ", ".join(task.key for task in retried)
        yield (
            document.name,
            f"{names} run again when a pod is lost, not when the container fails",
            "what may pass by itself has to be asked again inside the container",
        )


def window_too_small(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.container_tasks:
        count = int(task.retries.get("maxRetryCount", 0))
        limit = float(task.pod.get("activeDeadlineSeconds", 0))
        if not count or not limit or "backoffMaxDuration" not in task.retries:
            continue
        window, needed = seconds(task.retries["backoffMaxDuration"]), (count + 1) * limit + pauses_seconds(task)
        if window < needed:
            yield (
                task.where,
                f"all {count + 1} attempts get {window:,.0f} s, one may take {limit:,.0f} s",
                f"backoffMaxDuration must be at least {needed:,.0f}s",
            )


def kept_as_the_controller_says(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    kept = document.platform.get("pipelineConfig", {}).get("resourceTtlOnCompletion")
    if kept:
        yield (
            document.name,
            f"asks to be taken away {float(kept) / 60:g} minutes after its end; stock clusters do that after an hour",
            "the administrators change it: ttlStrategy in workflow-controller-configmap",
        )
