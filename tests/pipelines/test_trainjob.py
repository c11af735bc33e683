"""A training over several nodes by hand, against a small stand-in of Kubernetes with Kubeflow Trainer."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

from components import trainjob
from components.node import REQUEST
from pipelines.__main__ import main
from rmsnet import __version__
from rmsnet.network.model_files import load_model
from tests.builders import learnable_bank, write_bank
from tests.json_server import json_server
from tests.pipelines.kubectl import point_kubectl_at
from tests.trainer import Cluster

SECRET = {"secretKeyRef": {"name": "storage", "key": "key", "optional": True}}

DEPLOYMENT = """
image: registry.example/rmsnet:0.1.0
pull_secret: registry-credentials
mlflow: http://mlflow:5000
secrets: [{name: storage, environment: {key: MLFLOW_TRACKING_PASSWORD}}]
volumes: [{claim: soccernet, path: /data}]
train:
  cpu: "8"
  memory: 32Gi
  gpus: 2
  shared_memory: 4Gi
  node_selector: {pool: gpu}
  tolerations: [{key: nvidia.com/gpu, effect: NoSchedule}]
  timeout_minutes: 720
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A cluster that kubectl is set to; the current folder holds a deployment file."""
    state = Cluster()
    monkeypatch.setattr(trainjob, "POLL_SECONDS", 0.01)
    with json_server(state.answer) as address:
        set_up(address, tmp_path, monkeypatch)
        yield state


def set_up(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_kubectl_at(address, folder, monkeypatch)
    (folder / "deployment.yaml").write_text(DEPLOYMENT)
    monkeypatch.chdir(folder)


def submit(*arguments: str) -> int:
    where = ["--namespace", "team", "--deployment", "deployment.yaml"]
    return main(["trainjob", *where, "--features", "/data/features", "--out", "/data/models/full", *arguments])


def test_the_job_has_the_image_and_the_place_that_the_deployment_file_says(cluster: Cluster, capsys) -> None:
    assert submit("--nodes", "3", "--set", "train.epochs=2", "--json") == 0
    (job,) = cluster.made
    assert TrainerV1alpha1TrainJob.from_dict(job).to_dict() == job
    assert json.loads(capsys.readouterr().out) == {
        "name": job["metadata"]["name"],
        "namespace": "team",
        "nodes": 3,
        "state": "Created",
    }
    spec, trainer = job["spec"], job["spec"]["trainer"]
    assert (trainer["image"], trainer["numNodes"]) == ("registry.example/rmsnet:0.1.0", 3)
    assert trainer["resourcesPerNode"]["limits"] == {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"}
    assert spec["activeDeadlineSeconds"] == 43200

    assert {"name": "MLFLOW_TRACKING_PASSWORD", "valueFrom": SECRET} in trainer["env"]
    variables = {item["name"]: item.get("value") for item in trainer["env"]}
    assert variables["RMSNET_EXPECTED"].split()[0] == __version__
    assert variables["RMSNET_MLFLOW"] == "http://mlflow:5000"
    training = json.loads(variables[REQUEST])
    assert (training["features"], training["out"]) == ("/data/features", "/data/models/full")
    assert training["params"]["train"]["epochs"] == 2

    (patched,) = spec["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = patched["template"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"pool": "gpu"}
    assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert pod["imagePullSecrets"] == [{"name": "registry-credentials"}]
    mounts = {item["mountPath"]: item["name"] for item in pod["containers"][0]["volumeMounts"]}
    assert list(mounts) == ["/data", "/dev/shm"]
    assert [item["name"] for item in pod["volumes"]] == list(mounts.values())
    # Kubeflow Trainer refuses variables for the container of a node in a patch.
    assert "env" not in pod["containers"][0]


@pytest.mark.slow
def test_the_command_of_the_job_trains_one_model_on_two_nodes(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    """The posted command, as a shell of each pod runs it, with what Kubeflow Trainer tells torchrun."""
    for split, games in (("train", 3), ("valid", 1)):
        write_bank(tmp_path / "features", split, learnable_bank(games))
    (tmp_path / "deployment.yaml").write_text(f"volumes: [{{claim: data, path: {tmp_path}}}]\n")
    changes = ["epochs=1", "foreground_clips=64", "background_clips=64", "precision=float32", "clip_frames=9"]
    places = ["--features", f"{tmp_path}/features", "--out", f"{tmp_path}/model"]
    assert submit(*places, *(word for change in changes for word in ("--set", f"train.{change}"))) == 0
    trainer = cluster.made[0]["spec"]["trainer"]
    pods = []
    for rank in range(trainer["numNodes"]):
        (tmp_path / f"node-{rank}").mkdir()
        variables = {item["name"]: item["value"] for item in trainer["env"]}
        told = {
            "PET_NNODES": "2",
            "PET_NPROC_PER_NODE": "1",
            "PET_NODE_RANK": str(rank),
            "PET_MASTER_ADDR": "127.0.0.1",
            "PET_MASTER_PORT": str(29600 + os.getpid() % 1000),
        }
        here = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(repository),
            "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
            "OMP_NUM_THREADS": "1",
        }
        pods.append(
            subprocess.Popen(
                trainer["command"],
                env={**os.environ, **variables, **told, **here},
                cwd=tmp_path / f"node-{rank}",
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    logs = [pod.communicate(timeout=300)[0] for pod in pods]
    assert [pod.returncode for pod in pods] == [0, 0], logs
    assert "epoch 1/1" in logs[0]
    assert "epoch" not in logs[1]
    assert load_model(tmp_path / "model").classes == ("card", "subs", "soccer")


def test_a_job_that_ends_well_is_waited_for_and_heard(cluster: Cluster, capsys) -> None:
    assert submit("--wait", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    name = cluster.made[0]["metadata"]["name"]
    assert lines == [
        f"TrainJob {name} in team: kubectl -n team get trainjob {name}",
        "node 0: epoch 1/1",
        "node 0: done",
        "complete: /data/models/full",
    ]
    assert cluster.deleted == []


def test_the_machines_answer_is_all_on_standard_output(cluster: Cluster, capsys) -> None:
    assert submit("--wait", "1", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["state"] == "Complete"
    assert "node 0: done" in said.err


def test_a_job_that_fails(cluster: Cluster, capsys) -> None:
    cluster.conditions = [{"type": "Failed", "status": "True", "reason": "JobsFailed", "message": "a job failed"}]
    cluster.logs["rmsnet-node-0-0-x"] = "train: not reachable: MLflow"
    assert submit("--wait", "1") == 1
    name = cluster.made[0]["metadata"]["name"]
    why = "JobsFailed a job failed; node 0: train: not reachable: MLflow"
    assert capsys.readouterr().err == f"python -m pipelines: TrainJob {name} failed: {why}\n"


def test_a_job_that_goes_on(cluster: Cluster, capsys) -> None:
    cluster.conditions = []
    assert submit("--wait", "0.0001") == 2
    assert "goes on: its time is up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--nodes", "0"], "--nodes must be at least 1, not 0"),
        (["--out", "model"], "model: not on a volume of the deployment file"),
        (["--variant", "bald"], "variants.bald: no such variant"),
        (["--set", "train.epoch=1"], "train.epoch: unknown key"),
    ],
)
def test_bad_input_is_one_line_and_no_job(cluster: Cluster, arguments: list[str], complaint: str, capsys) -> None:
    assert submit(*arguments) == 2
    assert_one_line(complaint, capsys)
    assert cluster.made == []


def test_a_cluster_without_kubeflow_trainer_is_one_line(cluster: Cluster, capsys) -> None:
    cluster.runtime = False
    assert submit() == 2
    assert_one_line("training runtime torch-distributed: is not there; is Kubeflow Trainer installed", capsys)


def test_a_job_that_the_cluster_refuses_is_one_line(cluster: Cluster, capsys) -> None:
    cluster.refusal = 422, {"message": "numNodes: no"}
    assert submit() == 2
    assert_one_line("Kubernetes refuses a TrainJob in team: 422 numNodes: no", capsys)


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    set_up("http://127.0.0.1:1", tmp_path, monkeypatch)
    assert submit() == 2
    assert_one_line("Kubernetes does not answer", capsys)


def test_no_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    set_up("", tmp_path, monkeypatch)
    assert submit() == 2
    assert_one_line("no cluster to ask", capsys)


def assert_one_line(complaint: str, capsys) -> None:
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
