"""What a run costs in tasks, pods, time that nobody works, and bytes."""

from dataclasses import dataclass

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document, Task
from pipelines.backend.names import layers
from pipelines.backend.workflow import imagined

DRIVER_SECONDS = 10
"""Of a driver: 3 s of work, and Argo looks again every ten seconds. Seen on KFP 2.17.0 with Argo 4.0.5."""

TASK_SECONDS = 20
"""Of a task that works for a second: its driver and its own pod."""


@dataclass(frozen=True)
class Cost:
    """What a run costs.

    Attributes:
        tasks: that run a container.
        pods: drivers and containers.
        idle_seconds: on the longest path, beside the components' own work.
        workflow_bytes: of the object that Argo keeps.
        compressed_bytes: of the same with its nodes compressed.
        layers: of the graph.
        cpu: that all tasks of the widest moment ask for together.
        memory_gib: the same for memory.
    """

    tasks: int
    pods: int
    idle_seconds: int
    workflow_bytes: int
    compressed_bytes: int
    layers: int
    cpu: float
    memory_gib: float

    def lines(self) -> list[str]:
        return [
            f"{self.tasks} tasks, {self.pods} pods, {self.layers} layers; "
            f"about {self.idle_seconds} s beside the components' own work",
            f"workflow: {self.workflow_bytes:,} bytes, {self.compressed_bytes:,} with its nodes compressed",
            f"at once: {self.cpu:g} CPU and {self.memory_gib:.1f} GiB of memory",
        ]


def cost_of(document: Document, assumed: Assumptions) -> Cost:
    """What a run costs in which every task runs once."""
    workflow = imagined(document, assumed)
    cpu, memory = _widest(document, assumed)
    return Cost(
        workflow.tasks,
        workflow.pods,
        DRIVER_SECONDS + _longest(document, ()) + _last(document),
        workflow.bytes,
        workflow.compressed_bytes,
        layers(document),
        cpu,
        memory,
    )


def _longest(document: Document, path: tuple[str, ...]) -> int:
    """Seconds of the longest path through a group."""
    tasks = {task.key: task for task in document.children(path) if not task.is_exit}
    ends: dict[str, int] = {}

    def end(key: str) -> int:
        if key not in ends:
            before = [end(other) for other in tasks[key].spec.get("dependentTasks", ()) if other in tasks]
            ends[key] = max(before, default=0) + _own(document, tasks[key])
        return ends[key]

    return max((end(key) for key in tasks), default=0)


def _own(document: Document, task: Task) -> int:
    if task.container is not None:
        return TASK_SECONDS
    drivers = 2 if task.is_loop else 1
    return drivers * DRIVER_SECONDS + _longest(document, task.path)


def _last(document: Document) -> int:
    """Of exit handlers."""
    return sum(TASK_SECONDS for task in document.container_tasks if task.is_exit)


def _widest(document: Document, assumed: Assumptions) -> tuple[float, float]:
    """CPU and GiB that the iterations of a loop ask for when all of them run, the largest of all tasks."""
    found = [(0.0, 0.0)]
    for task in document.container_tasks:
        count = 1
        for loop in task.loops:
            count *= assumed.items(document, loop)
        resources = (task.container or {}).get("resources", {})
        # The compiler writes plain numbers beside the texts: cores, and gigabytes of 10^9 bytes.
        found.append(
            (count * resources.get("cpuRequest", 0.0), count * resources.get("memoryRequest", 0.0) * 1e9 / 2**30)
        )
    return max(found, key=lambda pair: pair[0])
