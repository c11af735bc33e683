"""What a run costs in tasks, pods, time that nobody works, and bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

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
        nodes: of trainings over several; pods too, which their tasks make.
        idle_seconds: on the longest path, beside the components' own work.
        workflow_bytes: of the object that Argo keeps.
        compressed_bytes: of the same with its nodes compressed.
        layers: of the graph.
        cpu: that all tasks of the widest moment ask for together.
        memory_gib: the same for memory.
    """

    tasks: int
    pods: int
    nodes: int
    idle_seconds: int
    workflow_bytes: int
    compressed_bytes: int
    layers: int
    cpu: float
    memory_gib: float

    def lines(self) -> list[str]:
        nodes = f" and {self.nodes} nodes of trainings" if self.nodes else ""
        return [
            f"{self.tasks} tasks, {self.pods} pods{nodes}, {self.layers} layers; "
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
        sum(_times(document, assumed, task) * _nodes(task)[0] for task in document.container_tasks),
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
        times = _times(document, assumed, task)
        resources = (task.container or {}).get("resources", {})
        count, cpu, memory = _nodes(task)
        # The compiler writes plain numbers beside the texts: cores, and gigabytes of 10^9 bytes.
        found.append(
            (
                times * (resources.get("cpuRequest", 0.0) + count * cpu),
                times * (resources.get("memoryRequest", 0.0) * 1e9 + count * memory) / 2**30,
            )
        )
    return max(found, key=lambda pair: pair[0])


def _times(document: Document, assumed: Assumptions, task: Task) -> int:
    """How often a task runs."""
    return prod(assumed.items(document, loop) for loop in task.loops)


def _nodes(task: Task) -> tuple[int, float, float]:
    """How many nodes a task trains over (`components.trainjob.Nodes`), CPU and bytes that each asks for."""
    nodes = task.inputs("parameters").get("nodes", {}).get("runtimeValue", {}).get("constant")
    if not isinstance(nodes, Mapping) or not {"count", "resources"} <= nodes.keys():
        return 0, 0.0, 0.0
    from kubernetes.utils import parse_quantity

    requests = nodes["resources"]["requests"]
    return int(nodes["count"]), float(parse_quantity(requests["cpu"])), float(parse_quantity(requests["memory"]))
