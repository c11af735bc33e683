"""A compiled pipeline as its tasks: what the rules look at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rmsnet.errors import UserError

EXIT_STRATEGY = "ALL_UPSTREAM_TASKS_COMPLETED"


@dataclass(frozen=True)
class Task:
    """A task of the pipeline: one that runs a container, or a group of others (a loop, an exit handler, a pipeline).

    Attributes:
        path: keys of the tasks from the root to this one.
        spec: its task specification.
        component_name: of its component.
        component: its component's specification.
        container: image, command, variables, resources; None: it is a group.
        pod: its part of the Kubernetes platform specification.
        loops: the loops around it, outermost first, without itself.
    """

    path: tuple[str, ...]
    spec: Mapping[str, Any]
    component_name: str
    component: Mapping[str, Any]
    container: Mapping[str, Any] | None
    pod: Mapping[str, Any] = field(default_factory=dict)
    loops: "tuple[Task, ...]" = ()

    @property
    def key(self) -> str:
        return self.path[-1]

    @property
    def where(self) -> str:
        """How findings name it."""
        return "/".join(self.path)

    @property
    def name(self) -> str:
        """What the graph shows of a task that runs a container."""
        return str(self.spec.get("taskInfo", {}).get("name", self.key))

    @property
    def is_loop(self) -> bool:
        return "parameterIterator" in self.spec

    @property
    def is_exit(self) -> bool:
        return bool(self.spec.get("triggerPolicy", {}).get("strategy") == EXIT_STRATEGY)

    @property
    def cached(self) -> bool:
        return bool(self.spec.get("cachingOptions", {}).get("enableCache"))

    @property
    def retries(self) -> Mapping[str, Any]:
        policy: Mapping[str, Any] = self.spec.get("retryPolicy", {})
        return policy

    def inputs(self, kind: str) -> Mapping[str, Any]:
        """Where its "parameters" or "artifacts" come from, by name."""
        found: Mapping[str, Any] = self.spec.get("inputs", {}).get(kind, {})
        return found

    def defined(self, direction: str, kind: str) -> Mapping[str, Any]:
        """What its component takes ("inputDefinitions") or leaves ("outputDefinitions"), by name."""
        found: Mapping[str, Any] = self.component.get(direction, {}).get(kind, {})
        return found


@dataclass(frozen=True)
class Document:
    """A compiled pipeline.

    Attributes:
        pipeline: the intermediate representation.
        platform: the Kubernetes platform specification, empty where there is none.
    """

    pipeline: Mapping[str, Any]
    platform: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.pipeline["pipelineInfo"]["name"])

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Definitions of the pipeline's own parameters, by name."""
        found: Mapping[str, Any] = self.pipeline["root"].get("inputDefinitions", {}).get("parameters", {})
        return found

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """Every task, a group before what it holds."""
        return tuple(self._below(self.pipeline["root"], (), ()))

    @property
    def container_tasks(self) -> tuple[Task, ...]:
        return tuple(task for task in self.tasks if task.container is not None)

    def children(self, path: tuple[str, ...]) -> tuple[Task, ...]:
        """The tasks directly below a group; (): below the root."""
        return tuple(task for task in self.tasks if task.path[:-1] == path)

    def beside(self, task: Task, key: str) -> Task:
        """The task of this key in the same group."""
        return next(other for other in self.tasks if other.path == (*task.path[:-1], key))

    def producers(self, task: Task) -> Iterator[tuple[str, Task]]:
        """(name of the input, task) for each task that runs a container and makes an input artifact of this one."""
        for name, source in task.inputs("artifacts").items():
            for producer in self._makers(task, source):
                yield name, producer

    def _makers(self, task: Task, source: Mapping[str, Any]) -> Iterator[Task]:
        if "componentInputArtifact" in source:
            group = next((other for other in self.tasks if other.path == task.path[:-1]), None)
            outer = {} if group is None else group.inputs("artifacts").get(source["componentInputArtifact"], {})
            if group is not None and outer:
                yield from self._makers(group, outer)
        elif "taskOutputArtifact" in source:
            output = source["taskOutputArtifact"]
            yield from self._origin(self.beside(task, output["producerTask"]), output["outputArtifactKey"])

    def _origin(self, task: Task, output: str) -> Iterator[Task]:
        """The tasks that run containers behind an output of a task or group."""
        if "dag" not in task.component:
            yield task
            return
        selected = task.component["dag"].get("outputs", {}).get("artifacts", {}).get(output, {})
        for selector in selected.get("artifactSelectors", ()):
            inner = next(other for other in self.tasks if other.path == (*task.path, selector["producerSubtask"]))
            yield from self._origin(inner, selector["outputArtifactKey"])

    def _below(self, dag: Mapping[str, Any], path: tuple[str, ...], loops: tuple[Task, ...]) -> Iterator[Task]:
        executors = self.pipeline.get("deploymentSpec", {}).get("executors", {})
        pods = self.platform.get("deploymentSpec", {}).get("executors", {})
        for key, spec in dag["dag"]["tasks"].items():
            name = spec["componentRef"]["name"]
            component = self.pipeline["components"][name]
            label = component.get("executorLabel")
            task = Task(
                (*path, key),
                spec,
                name,
                component,
                executors[label].get("container") if label else None,
                pods.get(label, {}),
                loops,
            )
            yield task
            if "dag" in component:
                yield from self._below(component, task.path, (*loops, task) if task.is_loop else loops)


def read_document(text: str, where: str) -> Document:
    """A compiled pipeline out of its YAML; what it holds is checked by `wellformed.check_compiled` before.

    Raises:
        UserError: it is none.
    """
    import yaml

    try:
        documents = list(yaml.safe_load_all(text))
        platform = documents[1]["platforms"]["kubernetes"] if len(documents) > 1 else {}
        document = Document(documents[0], platform)
        document.tasks  # noqa: B018  # what cannot be walked is no pipeline
    except (yaml.YAMLError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UserError(f"{where}: not a pipeline ({' '.join(str(error).split())})") from None
    return document
