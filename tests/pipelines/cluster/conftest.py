"""Small stand-ins of Kubeflow's HTTP API and of the Kubernetes API, which the SDKs' own clients talk to."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from pipelines.cluster import api, runs
from pipelines.cluster.submitting import Order
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from tests.json_server import json_server
from tests.pipelines.kubectl import point_kubectl_at

START, END = "2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z"

VERBS = {"retry": "RUNNING", "terminate": "CANCELING"}


@dataclass
class Kubeflow:
    """What the API remembers, and how it behaves.

    Attributes:
        pipelines, versions, experiments: ids by name.
        uploads: of versions: what was said about each.
        runs, schedules: what was created.
        states: of a run, one for each time somebody asks; the last one stays.
        past: states that a run was in.
        tasks: of a run, the same.
        foreign: a namespace that is somebody else's.
        failures: answers 503 so many times first.
        version: that it says it is; "": it says none.
        late: a name that somebody else takes between a look and the making of it.
        asked: (method, path) of every call.
    """

    pipelines: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    experiments: dict[str, str] = field(default_factory=dict)
    uploads: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: list[str] = field(default_factory=lambda: ["PENDING", "RUNNING", "SUCCEEDED"])
    past: tuple[str, ...] = ()
    tasks: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])
    failures: int = 0
    version: str = "2.17.0"
    multi_user: bool = False
    has_ui: bool = True
    late: set[str] = field(default_factory=set)
    deleted: bool = False
    token: str | None = None
    expired: bool = False
    foreign: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    pipeline_spec: dict[str, Any] = field(default_factory=dict)

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        path, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        self.asked.append((method, path))
        self.token = headers.get("Authorization")
        if self.failures:
            self.failures -= 1
            return 503, {"message": "starting up"}
        if self.expired:
            return 401, {"message": "the token has expired"}
        if self.foreign and query.get("namespace") == [self.foreign]:
            return 403, {"message": f"may not list in namespace {self.foreign}. Check error stack: {'because ' * 99}"}
        wanted = query.get("filter", [""])[0]
        name = json.loads(wanted)["predicates"][0]["stringValue"] if wanted else query.get("name", [""])[0]
        path = path.removeprefix("/apis/v2beta1")
        match method, path.split("/")[1:]:
            case "GET", ["healthz"]:
                return (200, {"multi_user": self.multi_user}) if self.version >= "2" else (404, {})
            case "GET", ["apis", "v1beta1", "healthz"]:
                return 200, {"tag_name": self.version}
            case "GET", [""]:
                return (200, "<html>") if self.has_ui else (404, {})
            case "GET", ["pipelines"]:
                found = [{"pipeline_id": self.pipelines[name], "display_name": name}] if name in self.pipelines else []
                return 200, {"pipelines": found}
            case "POST", ["pipelines"]:
                name = json.loads(body)["display_name"]
                return self._made(self.pipelines, name, "pipeline", {"display_name": name})
            case "GET", ["pipelines", _, "versions"]:
                found = [{"pipeline_version_id": self.versions.get(name), "display_name": name}]
                return 200, {"pipeline_versions": found if name in self.versions else []}
            case "GET", ["pipelines", _, "versions", _]:
                return 200, {"pipeline_spec": self.pipeline_spec}
            case "POST", ["pipelines", "upload_version"]:
                self.uploads.append({key: values[0] for key, values in query.items()})
                return self._made(self.versions, name, "pipeline_version", {"display_name": name})
            case "GET", ["experiments"]:
                found = [{"experiment_id": self.experiments.get(name), "display_name": name}]
                return 200, {"experiments": found} if name in self.experiments else {}
            case "POST", ["experiments"]:
                return self._made(self.experiments, json.loads(body)["display_name"], "experiment", {})
            case "POST", ["runs"]:
                self.runs.append(json.loads(body))
                return 200, {"run_id": "run-0", "state": "PENDING"}
            case "GET", ["runs"]:
                return 200, {"runs": self.runs}
            case "GET", ["runs", "run-0"] if not self.deleted:
                return 200, self._run()
            case "POST", ["runs", call] if call.startswith("run-0:"):
                self.states = [VERBS[call.removeprefix("run-0:")]]
                return 200, {}
            case "POST", ["recurringruns"]:
                identity = f"schedule-{self.asked.count((method, '/apis/v2beta1/recurringruns')) - 1}"
                made = {**json.loads(body), "recurring_run_id": identity, "status": "ENABLED"}
                self.schedules[made["recurring_run_id"]] = made
                return 200, made
            case "GET", ["recurringruns"]:
                return 200, {"recurringRuns": list(self.schedules.values())}
            case "DELETE", ["recurringruns", identity]:
                del self.schedules[identity]
                return 200, {}
            case "POST", ["recurringruns", call]:
                identity, _, verb = call.partition(":")
                self.schedules[identity]["status"] = "ENABLED" if verb == "enable" else "DISABLED"
                return 200, {}
        return 404, {"message": f"no {method} {path}"}

    def _made(self, names: dict[str, str], name: str, kind: str, more: Mapping[str, Any]) -> tuple[int, Any]:
        taken = name in names or name in self.late
        identity = names.setdefault(name, f"{kind}-{len(names)}")
        return (409, {"message": f"{name}: already exists"}) if taken else (200, {f"{kind}_id": identity, **more})

    def _run(self) -> dict[str, Any]:
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        tasks = self.tasks.pop(0) if len(self.tasks) > 1 else self.tasks[0]
        return {
            "run_id": "run-0",
            "display_name": "train full",
            "state": state,
            "state_history": [{"state": past} for past in self.past],
            "created_at": START,
            "finished_at": END,
            "pipeline_version_reference": {"pipeline_id": "pipeline-0", "pipeline_version_id": "version-0"},
            "run_details": {"task_details": tasks},
        }


def task(name: str, state: str, start: str = START, end: str = END, pods: tuple[str, ...] = ()) -> dict[str, Any]:
    """A node of a run as the API tells of it; `pods`: ids of the nodes below it."""
    children = [{"pod_name": node} for node in pods]
    return {"display_name": name, "state": state, "start_time": start, "end_time": end, "child_tasks": children}


@dataclass
class Kubernetes:
    """What the API of a cluster has and remembers.

    Attributes:
        things: what is there, by path.
        pods, logs: of the runs' namespace; logs by name of the pod.
        deleted: paths.
        created: pods.
    """

    things: dict[str, Any] = field(default_factory=dict)
    pods: list[dict[str, Any]] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    forbidden: tuple[str, ...] = ()
    status: dict[str, Any] = field(default_factory=lambda: {"phase": "Succeeded"})
    said: str = "ok\timage\trmsnet 0.1.0"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        path = urlsplit(path).path
        if path in self.things:
            return 200, self.things[path]
        match method, path.split("/")[1:]:
            case "GET", ["api", "v1", "namespaces", _, "pods"]:
                return 200, {"items": self.pods}
            case "POST", ["api", "v1", "namespaces", _, "pods"]:
                self.created.append(json.loads(body))
                return 201, self.created[-1]
            case "DELETE", ["api", "v1", "namespaces", _, "pods", _]:
                self.deleted.append(path)
                return 200, {}
            case "GET", ["api", "v1", "namespaces", _, "pods", name, "log"]:
                return 200, self.logs.get(name, self.said)
            case "GET", ["api", "v1", "namespaces", _, "pods", name]:
                return 200, {"metadata": {"name": name}, "status": self.status}
            case "GET", ["api", "v1", "namespaces", _, "resourcequotas"] | ["api", "v1", "nodes"]:
                return 200, {"items": []}
            case "POST", ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"]:
                asked = json.loads(body)
                resource = asked["spec"]["resourceAttributes"]["resource"]
                return 201, {**asked, "status": {"allowed": resource not in self.forbidden}}
        return 404, {"kind": "Status", "message": f"no {method} {path}", "code": 404}


def pod(node: str, phase: str, **status: Any) -> dict[str, Any]:
    """A pod of a run; `node` is Argo's name of it behind the workflow's, and its id."""
    required = {"image": "", "imageID": "", "ready": False, "restartCount": 0}
    status["containerStatuses"] = [{**required, **item} for item in status.get("containerStatuses", ())]
    place = {"node-name": f"rmsnet-x.root.{node}", "node-id": node}
    return {
        "metadata": {
            "name": f"pod-{node}".replace("(", "-").replace(")", "-").replace(":", "-"),
            "namespace": "kubeflow",
            "annotations": {f"workflows.argoproj.io/{key}": value for key, value in place.items()},
        },
        "status": {"phase": phase, **status},
    }


@pytest.fixture(scope="session")
def compiled() -> str:
    return compile_pipeline("training", Deployment(), {"variants": {"full": {}}})


@pytest.fixture
def order(compiled: str) -> Order:
    return Order(compiled, {"source": "/data"}, "train full", {"commit": "abc", "deployment": "cluster.yaml 123"})


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compiled: str) -> Iterator[tuple[Kubeflow, str]]:
    """Kubeflow at an address, in a folder with parameters; no Kubernetes beside it."""
    state = Kubeflow(pipeline_spec=next(yaml.safe_load_all(compiled)))
    monkeypatch.setattr(api, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(runs, "POLL_SECONDS", 0.01)
    monkeypatch.setattr("kfp.client.client.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    for name in ("KF_PIPELINES_ENDPOINT", "KF_PIPELINES_UI", "KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    point_kubectl_at("", tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("variants: {full: {}}")
    with json_server(state.answer) as address:
        yield state, address


@pytest.fixture
def kubernetes(kubeflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Kubernetes]:
    """The cluster of that Kubeflow."""
    state = Kubernetes()
    with json_server(state.answer) as address:
        point_kubectl_at(address, tmp_path, monkeypatch, "kubeflow")
        yield state
