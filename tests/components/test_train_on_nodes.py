"""The component that trains over several nodes, against a small stand-in of Kubernetes with Kubeflow Trainer."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kfp.dsl import HTML, ClassificationMetrics, Metrics, Model, TaskConfig
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob
from kubernetes import client

from components import patience, trainjob
from components.node import REQUEST
from components.train_on_nodes import body as of_component
from components.train_on_nodes.body import body
from components.trainjob import Jobs
from rmsnet.network.model_files import load_model
from rmsnet.tracking import TASK
from tests.components.conftest import PARAMS
from tests.json_server import json_server
from tests.trainer import Cluster

NODES = {"count": 2.0, "image": "rmsnet:1", "resources": {"limits": {"cpu": "2"}}, "pod": {"nodeSelector": {"a": "b"}}}
"""As a component gets it: Kubeflow knows no whole numbers."""

WORKSPACE_VOLUME = {"name": "kfp-workspace", "persistentVolumeClaim": {"claimName": "run-kfp-workspace"}}
WORKSPACE_MOUNT = {"name": "kfp-workspace", "mountPath": "/kfp-workspace"}

PASSWORD = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "storage", "key": "password"}}}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """Kubeflow Trainer, as this pod's account reaches it."""
    state = Cluster()
    monkeypatch.setattr(trainjob, "POLL_SECONDS", 0.01)
    monkeypatch.setenv("KFP_POD_NAME", "train-pod")
    monkeypatch.setenv("KFP_POD_UID", "1-2-3")
    with json_server(state.answer) as address:
        configuration = client.Configuration(host=address)
        monkeypatch.setattr(of_component, "_jobs", lambda: Jobs(client.ApiClient(configuration), "team"))
        yield state


@pytest.fixture
def train(artifacts, study, tmp_path: Path) -> Callable[[], dict[str, Any]]:
    """Run the component on the study's features; its outputs."""
    kinds = {"trained": Model, "page": HTML, "metrics": Metrics, "confusion": ClassificationMetrics}
    made = {key: artifacts(kind, f"nodes/{key}") for key, kind in kinds.items()}
    around = TaskConfig(env=[PASSWORD], volumes=[WORKSPACE_VOLUME], volume_mounts=[WORKSPACE_MOUNT])

    def train() -> dict[str, Any]:
        body(study.features, "full", PARAMS, NODES, str(tmp_path / "workspace"), around, **made)
        return made

    return train


@pytest.fixture
def trains(cluster: Cluster, study) -> Cluster:
    """The nodes leave the study's model."""
    cluster.work = lambda training: shutil.copytree(study.folder / "model", training["out"])
    return cluster


def test_what_the_nodes_have_trained_is_judged_here(trains: Cluster, train, study, capsys) -> None:
    made = train()
    assert load_model(Path(made["trained"].path) / "model").classes == ("card", "subs", "soccer")
    assert made["metrics"].metadata == study.metrics.metadata
    printed = capsys.readouterr().out
    assert "node 0: epoch 1/1\nnode 0: done\n" in printed
    assert trains.deleted == [trains.made[0]["metadata"]["name"]]


def test_the_job_has_the_volumes_variables_and_secrets_of_the_pod_that_waits(trains: Cluster, train, tmp_path) -> None:
    made = train()
    (job,) = trains.made
    assert TrainerV1alpha1TrainJob.from_dict(job).to_dict() == job
    trainer = job["spec"]["trainer"]
    assert (trainer["numNodes"], trainer["numProcPerNode"], trainer["image"]) == (2, 1, "rmsnet:1")
    assert PASSWORD in trainer["env"]
    assert {"name": TASK, "value": made["trained"].uri} in trainer["env"]
    (patched,) = job["spec"]["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = patched["template"]["spec"]["template"]["spec"]
    assert (pod["volumes"], pod["nodeSelector"]) == ([WORKSPACE_VOLUME], {"a": "b"})
    assert pod["containers"][0]["volumeMounts"] == [WORKSPACE_MOUNT]
    assert job["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "train-pod", "uid": "1-2-3"}
    ]
    training = json.loads({item["name"]: item.get("value") for item in trainer["env"]}[REQUEST])
    assert training["out"].startswith(str(tmp_path / "workspace"))
    assert training["variant"] == "full"


def test_a_second_attempt_takes_what_the_nodes_of_the_first_have_left(trains: Cluster, train, artifacts) -> None:
    first = train()
    shutil.rmtree(first["trained"].path)
    train()
    assert len(trains.made) == 1


def test_a_job_of_an_attempt_that_was_lost_goes_first(trains: Cluster, train) -> None:
    train()
    trains.job, name = trains.made[0], trains.made[0]["metadata"]["name"]
    shutil.rmtree(Path(json.loads(trains.made[0]["spec"]["trainer"]["env"][-1]["value"])["out"]))
    shutil.rmtree(of_the_task(train))
    train()
    assert trains.deleted == [name] * 3


def of_the_task(train: Callable[[], dict[str, Any]]) -> Path:
    (made,) = (cell.cell_contents for cell in train.__closure__ or () if isinstance(cell.cell_contents, dict))
    return Path(made["trained"].path)


def test_nodes_that_fail_end_the_task_with_their_last_words(cluster: Cluster, train, capsys) -> None:
    cluster.conditions = [{"type": "Failed", "status": "True", "reason": "JobsFailed", "message": "a job\nfailed"}]
    cluster.logs["rmsnet-node-0-0-x"] = "epoch 1/1\ntrain: not reachable: MLflow\nRootCause 0"
    with pytest.raises(SystemExit) as refusal:
        train()
    assert refusal.value.code == 1
    (job,) = cluster.deleted
    assert capsys.readouterr().err == (
        f"train: check failed: TrainJob {job} failed: JobsFailed a job failed; node 0: train: not reachable: MLflow\n"
    )


def test_nodes_that_refuse_are_not_started_again(cluster: Cluster, train, capsys) -> None:
    """The pods of a JobSet are, six times in ten minutes."""
    cluster.conditions = []
    cluster.logs["rmsnet-node-0-0-x"] = "train: bad input: train.epochs: too many\nRootCause 0"
    with pytest.raises(SystemExit) as refusal:
        train()
    assert refusal.value.code == 1
    (job,) = cluster.deleted
    line = f"train: check failed: TrainJob {job} failed: node 0: train: bad input: train.epochs: too many\n"
    assert capsys.readouterr().err == line


def test_a_node_that_is_started_again_is_heard_from_the_first_line(trains: Cluster, train, capsys) -> None:
    trains.before = {"rmsnet-node-0-0-x": "epoch 1/9\nepoch 2/9\nepoch 3/9"}
    train()
    told = [line for line in capsys.readouterr().out.splitlines() if line.startswith("node 0")]
    assert told == [
        *(f"node 0: epoch {number}/9" for number in (1, 2, 3)),
        "node 0: starts again, number 2",
        "node 0: OOMKilled: it took more memory than its limit (node)",
        "node 0: epoch 1/1",
        "node 0: done",
    ]


def test_a_node_that_finds_no_place_is_told_of_once(trains: Cluster, train, capsys) -> None:
    trains.pending = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    train()
    printed = capsys.readouterr().out
    assert printed.count("cannot begin: cannot be scheduled: 0/3 nodes are available") == 1


def test_a_job_that_somebody_deletes(cluster: Cluster, train, capsys) -> None:
    cluster.work = lambda training: setattr(cluster, "job", None)
    with pytest.raises(SystemExit):
        train()
    assert "was deleted while it was waited for" in capsys.readouterr().err


def test_a_container_that_is_told_to_end_takes_its_job_away(cluster: Cluster, train) -> None:
    cluster.conditions = []
    cluster.work = lambda training: os.kill(os.getpid(), signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as end:
        train()
    assert end.value.code == 143
    assert len(cluster.deleted) == 1
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(
    ("refusal", "complaint"),
    [
        ((404, "404 page not found"), "404 Not Found; is Kubeflow Trainer installed in this cluster?"),
        (
            (403, {"message": "may not"}),
            "403 may not; the account of a run's pods may not: kubectl apply -k deploy/runs",
        ),
        ((422, {"message": "numNodes: no"}), "422 numNodes: no"),
    ],
)
def test_a_cluster_that_refuses_is_one_line(cluster: Cluster, train, refusal, complaint: str, capsys) -> None:
    cluster.refusal = refusal
    with pytest.raises(SystemExit) as ended:
        train()
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert f"Kubernetes refuses a TrainJob in team: {complaint}\n" in error
    assert error.count("\n") == 1


def test_kubernetes_that_is_away_for_a_moment_costs_a_line(
    trains: Cluster, train, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setattr(patience, "time", SimpleNamespace(sleep=lambda seconds: setattr(trains, "refusal", None)))
    trains.refusal = (503, {"message": "busy"})
    train()
    assert "Kubernetes: " in capsys.readouterr().err


def test_outside_a_cluster_there_is_one_line(train, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(SystemExit):
        train()
    assert "train_nodes: several nodes are a cluster's; here set train_nodes: 1" in capsys.readouterr().err
