"""Submission to a cluster, against a small stand-in of Kubeflow's HTTP API."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from pipelines import submitting
from pipelines.__main__ import main
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from pipelines.submitting import Cluster
from rmsnet.errors import CheckFailed, UserError
from tests.json_server import json_server


class Kubeflow:
    """What the API remembers, and how it misbehaves.

    Attributes:
        states: of a run, one for each time somebody asks; the last one stays.
        failures: answers 503 so many times first.
    """

    def __init__(self) -> None:
        self.pipelines: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self.runs: list[dict] = []
        self.states = ["PENDING", "RUNNING", "SUCCEEDED"]
        self.failures = 0
        self.token: str | None = None
        self.multi_user = False

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict]:
        self.token = headers.get("Authorization")
        if self.failures:
            self.failures -= 1
            return 503, {"message": "starting up"}
        path, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        wanted = query.get("filter", [""])[0]
        name = json.loads(wanted)["predicates"][0]["stringValue"] if wanted else query.get("name", [""])[0]
        match method, path:
            case "GET", "/apis/v2beta1/healthz":
                return 200, {"multi_user": self.multi_user}
            case "GET", "/apis/v2beta1/pipelines":
                found = [{"pipeline_id": self.pipelines[name], "display_name": name}] if name in self.pipelines else []
                return 200, {"pipelines": found}
            case "POST", "/apis/v2beta1/pipelines/upload":
                assert b"pipelineInfo" in body
                self.pipelines[name] = f"pipeline-{len(self.pipelines)}"
                return 200, {"pipeline_id": self.pipelines[name], "display_name": name}
            case "GET", "/apis/v2beta1/pipelines/pipeline-0/versions":
                found = [
                    {"pipeline_version_id": key, "display_name": value}
                    for key, value in self.versions.items()
                    if value == name
                ]
                return 200, {"pipeline_versions": found}
            case "POST", "/apis/v2beta1/pipelines/upload_version":
                key = f"version-{len(self.versions)}"
                self.versions[key] = name
                return 200, {"pipeline_id": query["pipelineid"][0], "pipeline_version_id": key, "display_name": name}
            case "GET", "/apis/v2beta1/experiments":
                return 200, {}
            case "POST", "/apis/v2beta1/experiments":
                return 200, {**json.loads(body), "experiment_id": "experiment-0"}
            case "POST", "/apis/v2beta1/runs":
                self.runs.append(json.loads(body))
                return 200, {"run_id": "run-0", "state": "PENDING"}
            case "GET", "/apis/v2beta1/runs/run-0":
                state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
                error = {"error": {"code": 1, "message": "task train failed"}} if state == "FAILED" else {}
                return 200, {"run_id": "run-0", "state": state, **error}
        return 404, {"message": f"no {method} {path}"}


@pytest.fixture
def kubeflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Kubeflow, str]]:
    state = Kubeflow()
    monkeypatch.setattr(submitting, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(submitting, "POLL_SECONDS", 0.01)
    monkeypatch.setattr("kfp.client.client.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setattr("kfp.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    with json_server(state.answer) as address:
        yield state, address


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "training.yaml"
    path.write_text(compile_pipeline("training", Deployment(), {}))
    return path


def test_a_run_is_started_and_waited_for(kubeflow, compiled: Path) -> None:
    state, host = kubeflow
    cluster = Cluster(host, token="secret")
    run = cluster.submit(compiled, {"source": "/data"}, service_account="rmsnet-runner", cache=False)
    assert run.url == f"{host}/#/runs/details/run-0"
    assert cluster.wait(run, 10).state == "SUCCEEDED"
    (sent,) = state.runs
    assert sent["runtime_config"]["parameters"] == {"source": "/data"}
    assert sent["service_account"] == "rmsnet-runner"
    assert sent["pipeline_version_reference"]["pipeline_version_id"] == "version-0"
    assert state.token == "Bearer secret"


def test_the_same_yaml_is_one_version_and_another_is_another(kubeflow, compiled: Path, tmp_path: Path) -> None:
    state, host = kubeflow
    first, again = (Cluster(host).submit(compiled, {"source": "x"}) for _ in range(2))
    assert first.version == again.version
    other = tmp_path / "other.yaml"
    other.write_text(compile_pipeline("training", Deployment(extract_shards=3), {}))
    assert Cluster(host).submit(other, {"source": "x"}).version != first.version
    assert len(state.pipelines) == 1
    assert len(state.versions) == 2


@pytest.mark.parametrize("end", ["FAILED", "CANCELED"])
def test_a_run_that_ends_badly(kubeflow, compiled: Path, end: str) -> None:
    state, host = kubeflow
    state.states = ["RUNNING", end]
    run = Cluster(host).submit(compiled, {"source": "x"})
    with pytest.raises(CheckFailed, match=f"run run-0 {end.lower()}.*; see {host}/#/runs/details/run-0"):
        Cluster(host).wait(run, 10)


def test_a_run_that_does_not_end(kubeflow, compiled: Path) -> None:
    state, host = kubeflow
    state.states = ["RUNNING"]
    run = Cluster(host).submit(compiled, {"source": "x"})
    with pytest.raises(UserError, match="goes on after 0 s"):
        Cluster(host).wait(run, 0.1)


def test_an_api_that_comes_up_late_is_waited_for(kubeflow, compiled: Path) -> None:
    state, host = kubeflow
    state.failures = 2
    assert Cluster(host).submit(compiled, {"source": "x"}).run_id == "run-0"


def test_an_api_that_stays_away_is_one_line(kubeflow, compiled: Path) -> None:
    state, host = kubeflow
    state.failures = 1000
    with pytest.raises(UserError, match=rf"Kubeflow at {host} does not answer, asked 4 times"):
        Cluster(host).submit(compiled, {"source": "x"})
    assert state.runs == []


def test_nobody_at_the_address(kubeflow, compiled: Path) -> None:
    with pytest.raises(UserError, match=r"does not answer, asked 4 times \(\[Errno 111\] Connection refused\)"):
        Cluster("http://127.0.0.1:1").submit(compiled, {"source": "x"})


def test_the_command_prints_where_to_look(kubeflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    state, host = kubeflow
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("variants: {full: {}}")
    assert main(["submit", "training", "source=/data", "--host", host, "--wait", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["url"] == f"{host}/#/runs/details/run-0"
    assert answer["state"] == "SUCCEEDED"
    state.states = ["FAILED"]
    assert main(["submit", "training", "source=/data", "--host", host, "--wait", "1"]) == 1
    assert "run run-0 failed: task train failed" in capsys.readouterr().err


def test_a_token_file_of_a_pod_is_used(kubeflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, host = kubeflow
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("variants: {full: {}}")
    (tmp_path / "token").write_text("from-the-kubelet\n")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    assert main(["submit", "training", "source=/data", "--host", host]) == 0
    assert state.token == "Bearer from-the-kubelet"
