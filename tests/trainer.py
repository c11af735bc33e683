"""A small stand-in of Kubernetes with Kubeflow Trainer, which the Kubernetes client talks to."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from components.node import REQUEST

API = "/apis/trainer.kubeflow.org/v1alpha1"
RUNTIME = f"{API}/clustertrainingruntimes/torch-distributed"
JOBS = f"{API}/namespaces/team/trainjobs"
PODS = "/api/v1/namespaces/team/pods"


class Cluster:
    """What the API remembers, and how a job ends.

    Attributes:
        job: that is there now; None: there is none.
        made: every job that was made.
        deleted: names of jobs.
        work: what the nodes do when a job is made.
        conditions: of the job after that.
        logs: what each node says.
        before: what each node said before it was started again; there it is empty where it was not.
        pending: why a node has not started; "": it has.
        runtime: whether Kubeflow Trainer's own for PyTorch is there.
        refusal: of every request about jobs; None: there is none.
    """

    def __init__(self) -> None:
        self.job: dict[str, Any] | None = None
        self.made: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.work: Callable[[dict[str, Any]], None] = lambda training: None
        self.conditions = [{"type": "Complete", "status": "True"}]
        self.logs = {"rmsnet-node-0-0-x": "epoch 1/1\ndone", "rmsnet-node-0-1-y": ""}
        self.before: dict[str, str] = {}
        self.pending = ""
        self.runtime = True
        self.refusal: tuple[int, dict[str, Any] | str] | None = None

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any] | str]:
        path, _, query = path.partition("?")
        if path == RUNTIME and self.runtime:
            return 200, {"kind": "ClusterTrainingRuntime"}
        if path.startswith(JOBS) and self.refusal:
            return self.refusal
        if (method, path) == ("POST", JOBS):
            self.job = json.loads(body)
            self.made.append(self.job)
            variables = {item["name"]: item.get("value") for item in self.job["spec"]["trainer"]["env"]}
            self.work(json.loads(variables[REQUEST]))
            return 201, self.job
        if self.job and path == f"{JOBS}/{self.job['metadata']['name']}":
            found = {**self.job, "status": {"conditions": self.conditions}}
            if method == "DELETE":
                self.deleted.append(self.job["metadata"]["name"])
                self.job = None
            return 200, found
        if path == PODS:
            return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": self._pods()}
        name = path.removeprefix(f"{PODS}/").removesuffix("/log")
        logs = self.before if "previous" in query else self.logs
        if name in logs and not self.pending:
            return 200, logs[name]
        return 404, {"kind": "Status", "message": f"{path} not found", "code": 404}

    def _pods(self) -> list[dict[str, Any]]:
        waits = {"type": "PodScheduled", "status": "False", "message": self.pending}
        status = {"phase": "Pending", "conditions": [waits]} if self.pending else {"phase": "Running"}
        ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
        return [
            {
                "metadata": {"name": name, "labels": {"batch.kubernetes.io/job-completion-index": str(number)}},
                "status": {
                    **status,
                    "containerStatuses": [
                        {
                            "name": "node",
                            "image": "",
                            "imageID": "",
                            "ready": True,
                            "restartCount": 1,
                            "state": {},
                            "lastState": ended,
                        }
                    ]
                    if name in self.before
                    else [],
                },
            }
            for number, name in enumerate(self.logs)
        ]
