"""The object that Argo keeps of a run, as it stands at the run's end.

KFP compiles every task into a driver, a template that runs the executor unless it was a hit, and the executor; every
group into a driver and a template; a loop into one more of each. The stock controller wraps every template into a
retry, and each of these nodes keeps its inputs and outputs, so that a
task's pod specification is stored again and again.
KFP 2.17.0 backend/src/v2/compiler/argocompiler, Argo 4.0.5 workflow/controller/operator.go.
"""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document, Task
from pipelines.backend.handed import go_json, pod_spec_patch


@dataclass
class Workflow:
    """What a run leaves in the cluster.

    Attributes:
        pods: that were started.
        tasks: that ran a container.
        nodes: by id, as Argo keeps them.
        spec: of the workflow: everything that is there before the first pod.
    """

    pods: int = 0
    tasks: int = 0
    nodes: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    spec: list[str] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return len("".join(self.spec).encode()) + len(go_json(self.nodes).encode())

    @property
    def compressed_bytes(self) -> int:
        """With the nodes compressed, as Argo does it above 1 MiB."""
        import gzip

        packed = len(gzip.compress(go_json(self.nodes).encode())) * 4 // 3
        return len("".join(self.spec).encode()) + packed


def imagined(document: Document, assumed: Assumptions) -> Workflow:
    """The workflow of a run in which every task is run once."""
    return _Builder(document, assumed).built()


class _Builder:
    def __init__(self, document: Document, assumed: Assumptions) -> None:
        self.document, self.assumed, self.workflow = document, assumed, Workflow()
        self._draw = random.Random(0)
        self._root = f"{document.name}-x7k2p"

    def built(self) -> Workflow:
        root = self.document.pipeline["root"]
        arguments = {name: self.assumed.argument(self.document, name) for name in self.document.parameters}
        self._group(self._root, "entrypoint", {})
        self._driver(f"{self._root}.root-driver", {"component": go_json(root), "runtime-config": go_json(arguments)})
        self._group(f"{self._root}.root", "root", {"parent-dag-id": "1234"})
        self._tasks((), f"{self._root}.root", ())
        self.workflow.spec.append(self._spec(root, arguments))
        return self.workflow

    def _tasks(self, path: tuple[str, ...], name: str, loops: tuple[str, ...]) -> None:
        for task in self.document.children(path):
            here = f"{name}.{task.key}"
            if task.is_exit:
                here = f"{name}.exit.onExit.{task.key}"
                self._group(f"{name}.exit.onExit", "exit-hook", {"parent-dag-id": "1234"})
            if task.is_loop:
                self._loop(task, here)
            elif task.container is None:
                self._inner(task, here, {"component": go_json(task.component), "task": go_json(task.spec)})
            else:
                self._container(task, here)

    def _inner(self, task: Task, here: str, inputs: Mapping[str, str]) -> None:
        self._driver(f"{here}-driver", {**inputs, "parent-dag-id": "1234", "task-name": task.key})
        self._group(here, task.component_name, {"parent-dag-id": "1234"})
        if "dag" in task.component:
            self._tasks(task.path, here, ())

    def _loop(self, task: Task, here: str) -> None:
        inputs = {"component": go_json(task.component), "task": go_json(task.spec), "task-name": task.key}
        self._group(here, f"{task.component_name}-{task.key}-iterator", {"parent-dag-id": "1234"})
        self._driver(f"{here}.iteration-driver", {**inputs, "parent-dag-id": "1234"})
        self._node(f"{here}.iteration-iterations", "TaskGroup", task.component_name, {}, {})
        for number in range(self.assumed.items(self.document, task)):
            item = f"{here}.iteration-iterations({number}:{number})"
            index = {"iteration-index": str(number)}
            self._group(item, f"{task.component_name}-iteration", {"parent-dag-id": "1234", **index})
            self._inner(task, f"{item}.iteration-item", {**inputs, **index})

    def _container(self, task: Task, here: str) -> None:
        self.workflow.tasks += 1
        patch = pod_spec_patch(self.document, task, self.assumed, str(uuid.UUID(int=self._draw.getrandbits(128))))
        inputs = {
            "component": go_json(task.component),
            "task": go_json(task.spec),
            "container": go_json(task.container),
            "task-name": task.key,
            "parent-dag-id": "1234",
            "iteration-index": "-1",
            "kubernetes-config": go_json(task.pod),
        }
        self._driver(
            f"{here}-driver", inputs, {"pod-spec-patch": patch, "cached-decision": "false", "condition": "true"}
        )
        again = {"retry-max-count": "2", "retry-backoff-duration": "30"} if task.retries else {}
        handed = {"pod-spec-patch": patch, "cached-decision": "false", **again}
        self._group(here, "system-container-executor", handed)
        self._pod(f"{here}.executor", "system-container-impl", {"pod-spec-patch": patch, **again}, {})

    def _group(self, name: str, template: str, inputs: Mapping[str, str]) -> None:
        self._node(name, "Retry", template, inputs, {})
        self._node(f"{name}(0)", "DAG", template, inputs, {})

    def _driver(self, name: str, inputs: Mapping[str, str], outputs: Mapping[str, str] | None = None) -> None:
        found = {"execution-id": "1234", "iteration-count": "0", "condition": "true"} if outputs is None else outputs
        self._pod(name, "system-dag-driver" if outputs is None else "system-container-driver", inputs, found)

    def _pod(self, name: str, template: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> None:
        self.workflow.pods += 1
        self._node(name, "Retry", template, inputs, outputs)
        self._node(f"{name}(0)", "Pod", template, inputs, outputs)

    def _node(self, name: str, kind: str, template: str, inputs: Mapping[str, str], outputs: Mapping[str, str]) -> None:
        number, *others = (f"{self._root}-{self._draw.randrange(10**9, 10**10)}" for _ in range(4))
        seconds = self._draw.randrange(86400)
        moment = f"2026-01-01T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"
        node: dict[str, Any] = {
            "id": number,
            "name": name,
            "displayName": name.rsplit(".", 1)[-1],
            "type": kind,
            "templateName": template,
            "templateScope": f"local/{self._root}",
            "phase": "Succeeded",
            "boundaryID": others[0],
            "startedAt": moment,
            "finishedAt": moment,
            "progress": "1/1",
            "resourcesDuration": {"cpu": 1, "memory": 12},
            "nodeFlag": {"retried": True},
            "children": [others[1]],
            "outboundNodes": [others[2]],
        }
        if inputs:
            node["inputs"] = {"parameters": _parameters(inputs)}
        if outputs or kind == "Pod":
            log = {
                "name": "main-logs",
                "s3": {"key": f"private-artifacts/kubeflow/{self._root}/2026/01/01/{number}/main.log"},
            }
            node["outputs"] = {"parameters": _parameters(outputs), "artifacts": [log], "exitCode": "0"}
        if kind == "Pod":
            node["hostNodeName"] = "node-1"
        self.workflow.nodes[f"{number}-{len(self.workflow.nodes)}"] = node

    def _spec(self, root: Mapping[str, Any], arguments: Mapping[str, Any]) -> str:
        """Templates, and each component, container and platform configuration once as an argument."""
        pipeline = self.document.pipeline
        stored = [*pipeline["components"].values(), *(pipeline.get("deploymentSpec", {}).get("executors", {}).values())]
        platforms = self.document.platform.get("deploymentSpec", {}).get("executors", {})
        texts = [go_json(item) for item in (root, *stored, *platforms.values())]
        tasks = [go_json(task.spec) for task in self.document.tasks for _ in range(2 if task.is_loop else 1)]
        return go_json([texts, tasks, go_json(arguments), "t" * (_SYSTEM_BYTES + _TASK_BYTES * len(tasks))])


_SYSTEM_BYTES = 14_000
"""Of KFP's own templates and the workflow's metadata."""

_TASK_BYTES = 900
"""Of a task in the templates, without its specification."""


def _parameters(values: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]
