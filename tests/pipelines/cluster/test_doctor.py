"""The doctor: a line for each thing that a deployment file names, before anything is submitted."""

import json
from pathlib import Path

import pytest

from pipelines.__main__ import main
from pipelines.cluster import doctor
from rmsnet.workplace.findings import Finding
from tests.pipelines.cluster.conftest import Kubernetes

DEPLOYMENT = """
image: registry.example/rmsnet:0.1.0
pull_secret: registry
service_account: rmsnet-runner
mlflow: http://mlflow:5000
data: {endpoint: "http://storage:9000", secret: storage, access_key: key, secret_key: secret}
volumes: [{claim: soccernet, path: /data}]
workspace: {size: 10Gi, storage_class: shared}
queue: team
extract_shards: 4
train_nodes: 2
train: {gpus: 2, gpu_type: nvidia.com/mig-1g.10gb}
"""

SPACE = "/api/v1/namespaces/kubeflow"


@pytest.fixture
def whole(kubernetes: Kubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubernetes:
    """A cluster that has everything."""
    monkeypatch.setattr(doctor, "POLL_SECONDS", 0.01)
    (tmp_path / "deployment.yaml").write_text(DEPLOYMENT)
    node = {"metadata": {"name": "one"}, "status": {"allocatable": {"nvidia.com/mig-1g.10gb": "7"}}}
    hard, used = {"requests.cpu": "100", "pods": "50"}, {"requests.cpu": "10"}
    kubernetes.things = {
        SPACE: {"metadata": {"name": "kubeflow", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
        f"{SPACE}/serviceaccounts/rmsnet-runner": {},
        f"{SPACE}/secrets/storage": {"data": {"key": "eA==", "secret": "eA=="}},
        f"{SPACE}/secrets/registry": {"data": {".dockerconfigjson": "e30="}},
        f"{SPACE}/persistentvolumeclaims/soccernet": {
            "spec": {"accessModes": ["ReadWriteMany"]},
            "status": {"phase": "Bound"},
        },
        "/apis/storage.k8s.io/v1/storageclasses/shared": {"provisioner": "nfs"},
        "/api/v1/nodes": {"items": [node]},
        "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes/torch-distributed": {"kind": "x"},
        f"{SPACE}/limitranges": {
            "items": [{"metadata": {}, "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "10m"}}]}}]
        },
        f"{SPACE}/resourcequotas": {
            "items": [{"metadata": {"name": "team"}, "status": {"hard": hard, "used": used}}]
        },
    }  # fmt: skip
    kubernetes.said = "ok\timage\trmsnet 0.1.0\nok\tMLflow from a pod\thttp://mlflow:5000, MLflow 3.17.2"
    return kubernetes


def visit(host: str, *arguments: str) -> int:
    return main(["doctor", "--deployment", "deployment.yaml", "--host", host, *arguments])


def test_a_cluster_that_has_everything(kubeflow, whole: Kubernetes, capsys) -> None:
    assert visit(kubeflow[1]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert "ok       namespace kubeflow: Pod Security: restricted (these pods fit restricted)" in lines
    assert "ok       claim soccernet: ReadWriteMany, Bound" in lines
    assert "ok       2 nvidia.com/mig-1g.10gb: on 1 of 1 nodes" in lines
    assert "ok       MLflow from a pod: http://mlflow:5000, MLflow 3.17.2" in lines
    (pod,) = whole.created
    assert pod["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"
    assert pod["spec"]["serviceAccountName"] == "rmsnet-runner"
    assert whole.deleted == [f"{SPACE}/pods/{pod['metadata']['name']}"]


LACKING = {
    "namespace kubeflow: is not there": SPACE,
    "service account rmsnet-runner: is not there": f"{SPACE}/serviceaccounts/rmsnet-runner",
    "secret storage: is not there; make it with: kubectl create secret": f"{SPACE}/secrets/storage",
    "secret registry: is not there": f"{SPACE}/secrets/registry",
    "claim soccernet: is not there": f"{SPACE}/persistentvolumeclaims/soccernet",
    "storage class shared: is not there": "/apis/storage.k8s.io/v1/storageclasses/shared",
    "2 nvidia.com/mig-1g.10gb: on no node": "/api/v1/nodes",
    "training runtime torch-distributed: is not there; is Kubeflow Trainer installed": (
        "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes/torch-distributed"
    ),
}


@pytest.mark.parametrize("line", LACKING)
def test_what_is_missing_is_a_line_and_status_1(kubeflow, whole: Kubernetes, line: str, capsys) -> None:
    del whole.things[LACKING[line]]
    assert visit(kubeflow[1]) == 1
    said = capsys.readouterr()
    assert next(item for item in said.out.splitlines() if item.startswith("missing")).startswith(f"missing  {line}")
    assert "1 of " in said.err
    assert said.err.count("\n") == 1


def test_what_nobody_needs_is_not_missing(kubeflow, whole: Kubernetes, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(doctor, "examine", lambda visit: iter([Finding("a GPU", None, "nothing asks for one")]))
    assert visit(kubeflow[1]) == 0
    assert capsys.readouterr().out == "without  a GPU: nothing asks for one\n"


def test_a_secret_without_a_key_that_is_needed(kubeflow, whole: Kubernetes, capsys) -> None:
    whole.things[f"{SPACE}/secrets/storage"] = {"data": {"key": "eA=="}}
    assert visit(kubeflow[1]) == 1
    assert "missing  secret storage: has no secret" in capsys.readouterr().out


def test_a_claim_that_several_nodes_cannot_share(kubeflow, whole: Kubernetes, capsys) -> None:
    whole.things[f"{SPACE}/persistentvolumeclaims/soccernet"]["spec"]["accessModes"] = ["ReadWriteOnce"]
    assert visit(kubeflow[1]) == 0
    assert "ReadWriteOnce, Bound; pods on several nodes cannot share it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("hard", "status", "line"),
    [
        ("20", 0, "ok       quota team: requests.cpu: 10 of 20 used; train: 5 of 16 at a time"),
        ("11", 1, "missing  quota team: requests.cpu: 10 of 11 used; validate: 0 of 1 at a time"),
        ("15", 1, "train: 2 of 16 at a time; a training over 2 nodes: 0 of 1 at a time"),
    ],
)
def test_a_quota_is_held_against_what_is_asked_for_at_once(
    kubeflow, whole: Kubernetes, hard: str, status: int, line: str, capsys
) -> None:
    whole.things[f"{SPACE}/resourcequotas"]["items"][0]["status"]["hard"]["requests.cpu"] = hard
    assert visit(kubeflow[1]) == status
    assert line in capsys.readouterr().out


def test_a_quota_that_argos_own_containers_cannot_be_held_against(kubeflow, whole: Kubernetes, capsys) -> None:
    """They name no requests and no limits: Kubernetes refuses every pod of a run."""
    whole.things[f"{SPACE}/resourcequotas"]["items"][0]["status"]["hard"] = {"limits.memory": "1Ti"}
    assert visit(kubeflow[1]) == 1
    line = "0 of 1Ti used; Argo's own containers name none: a LimitRange must, default.memory"
    assert f"missing  quota team: limits.memory: {line}" in capsys.readouterr().out


def test_each_node_of_a_training_needs_its_own_gpus(kubeflow, whole: Kubernetes, capsys) -> None:
    whole.things["/api/v1/nodes"]["items"][0]["status"]["allocatable"]["nvidia.com/mig-1g.10gb"] = "3"
    assert visit(kubeflow[1]) == 1
    line = "missing  2 nvidia.com/mig-1g.10gb: on 1 of 1 nodes; a training over 2 nodes finds 1 places"
    assert line in capsys.readouterr().out


def test_rights_that_are_not_there(kubeflow, whole: Kubernetes, capsys) -> None:
    whole.forbidden = ("secrets",)
    assert visit(kubeflow[1]) == 1
    assert "missing  right to get secrets: not yours in kubeflow" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "said", "line"),
    [
        (
            {"phase": "Pending", "containerStatuses": [{"state": {"waiting": {"reason": "ErrImagePull"}}}]},
            "",
            "missing  image registry.example/rmsnet:0.1.0: ErrImagePull",
        ),
        (
            {"phase": "Succeeded"},
            "ok\timage\trmsnet 0.0.9",
            "missing  image: rmsnet 0.0.9; the pipelines here are of 0.1.0",
        ),
        (
            {"phase": "Failed"},
            "ok\timage\trmsnet 0.1.0\nmissing\tMLflow from a pod\tConnection refused",
            "missing  MLflow from a pod: Connection refused",
        ),
        (
            {"phase": "Failed"},
            "No module named components.probe",
            "missing  image registry.example/rmsnet:0.1.0: No module named components.probe",
        ),
    ],
)
def test_what_a_pod_finds(kubeflow, whole: Kubernetes, status: dict, said: str, line: str, capsys) -> None:
    required = {"name": "probe", "image": "", "imageID": "", "ready": False, "restartCount": 0}
    status["containerStatuses"] = [{**required, **item} for item in status.get("containerStatuses", ())]
    whole.status, whole.said = status, said
    assert visit(kubeflow[1]) == 1
    assert line in capsys.readouterr().out
    assert len(whole.deleted) == 1


def test_the_machines_answer(kubeflow, whole: Kubernetes, capsys) -> None:
    assert visit(kubeflow[1], "--json") == 0
    assert {"what": "service account rmsnet-runner", "there": True, "detail": ""} in json.loads(capsys.readouterr().out)


def test_without_a_cluster_to_ask_it_is_one_line(kubeflow, tmp_path: Path, capsys) -> None:
    (tmp_path / "deployment.yaml").write_text(DEPLOYMENT)
    assert visit(kubeflow[1]) == 2
    assert capsys.readouterr().err == (
        "python -m pipelines: no cluster to ask: set KUBECONFIG, or run where a pod's account may\n"
    )
