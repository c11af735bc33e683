"""A training over several nodes, against a small stand-in of the Kubernetes API that the SDK's own client talks to."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob

from components.image import IMAGE
from pipelines import trainjob
from pipelines.__main__ import main
from pipelines.local import IMAGE_USER
from pipelines.trainjob import REQUEST, Training, train_here
from rmsnet import __version__
from rmsnet.network.model_files import load_model
from tests.builders import learnable_bank, write_bank
from tests.json_server import json_server
from tests.pipelines.kubectl import point_kubectl_at

API = "/apis/trainer.kubeflow.org/v1alpha1"

# The runtime that comes with Kubeflow Trainer, as far as the client looks at it.
RUNTIME = {
    "apiVersion": "trainer.kubeflow.org/v1alpha1",
    "kind": "ClusterTrainingRuntime",
    "metadata": {"name": "torch-distributed", "labels": {"trainer.kubeflow.org/framework": "torch"}},
    "spec": {
        "mlPolicy": {"numNodes": 1, "torch": {}},
        "template": {
            "spec": {
                "replicatedJobs": [
                    {
                        "name": "node",
                        "template": {
                            "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
                            "spec": {
                                "template": {"spec": {"containers": [{"name": "node", "image": "pytorch/pytorch"}]}}
                            },
                        },
                    }
                ]
            }
        },
    },
}

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


class Kubernetes:
    """What the API remembers.

    Attributes:
        jobs: the TrainJobs that were created.
        end: condition that a job has when somebody asks; None: it goes on.
    """

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.end: str | None = "Complete"

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        path = path.partition("?")[0]
        jobs = f"{API}/namespaces/team/trainjobs"
        if path == f"{API}/clustertrainingruntimes/torch-distributed":
            return 200, RUNTIME
        if (method, path) == ("POST", jobs):
            self.jobs.append(json.loads(body))
            return 201, self.jobs[-1]
        if self.jobs and path == f"{jobs}/{self.jobs[-1]['metadata']['name']}":
            found = {**self.jobs[-1]["metadata"], "namespace": "team", "creationTimestamp": "2026-01-01T00:00:00Z"}
            conditions = [{"type": self.end, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
            for condition in conditions:
                condition.update(reason="", message="")
            return 200, {**self.jobs[-1], "metadata": found, "status": {"conditions": conditions if self.end else []}}
        if path == "/api/v1/namespaces/team/pods":
            return 200, {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": []}
        return 404, {"kind": "Status", "message": f"no {method} {path}", "code": 404}


@pytest.fixture
def kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubernetes]:
    """A cluster that kubectl is set to; the current folder holds a deployment file."""
    state = Kubernetes()
    monkeypatch.setattr(trainjob, "POLL_SECONDS", 0.01)
    with json_server(state.answer) as address:
        set_up(address, tmp_path, monkeypatch)
        yield state


def set_up(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_kubectl_at(address, folder, monkeypatch)
    (folder / "deployment.yaml").write_text(DEPLOYMENT)
    monkeypatch.chdir(folder)


def submit(*arguments: str) -> int:
    where = ["--deployment", "deployment.yaml", "--features", "/data/features", "--out", "/data/models/full"]
    return main(["trainjob", *where, *arguments])


def test_the_job_has_the_image_and_the_place_that_the_deployment_file_says(kubernetes: Kubernetes, capsys) -> None:
    assert submit("--nodes", "3", "--set", "train.epochs=2", "--json") == 0
    (job,) = kubernetes.jobs
    assert TrainerV1alpha1TrainJob.from_dict(job).to_dict() == job
    assert json.loads(capsys.readouterr().out) == {
        "name": job["metadata"]["name"],
        "namespace": "team",
        "nodes": 3,
        "state": "Created",
    }
    spec, trainer = job["spec"], job["spec"]["trainer"]
    assert (trainer["image"], trainer["numNodes"]) == ("registry.example/rmsnet:0.1.0", 3)
    assert trainer["resourcesPerNode"]["limits"] == {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": 2}
    assert spec["activeDeadlineSeconds"] == 43200

    variables = {item["name"]: item["value"] for item in trainer["env"]}
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
    assert list(mounts) == ["/data", "/var/run/secrets/rmsnet", "/dev/shm"]
    assert [item["name"] for item in pod["volumes"]] == list(mounts.values())
    # Kubeflow Trainer refuses variables for the container of a node in a patch.
    assert "env" not in pod["containers"][0]


@pytest.mark.slow
def test_the_command_of_the_job_trains_one_model_on_two_nodes(
    kubernetes: Kubernetes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path
) -> None:
    """The posted command, as a shell of each pod runs it, with what Kubeflow Trainer tells torchrun."""
    for split, games in (("train", 3), ("valid", 1)):
        write_bank(tmp_path / "features", split, learnable_bank(games))
    (tmp_path / "deployment.yaml").write_text(f"volumes: [{{claim: data, path: {tmp_path}}}]\n")
    where = ["--features", f"{tmp_path}/features", "--out", f"{tmp_path}/model", "--deployment", "deployment.yaml"]
    changes = ["epochs=1", "foreground_clips=64", "background_clips=64", "precision=float32", "clip_frames=9"]
    assert main(["trainjob", *where, *(word for change in changes for word in ("--set", f"train.{change}"))]) == 0
    trainer = kubernetes.jobs[0]["spec"]["trainer"]
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


@pytest.mark.slow
def test_two_containers_of_the_image_train_one_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own container backend: a container a node, on a network of theirs. Needs `make containers` first."""
    docker = pytest.importorskip("docker")
    try:
        docker.from_env().images.get(IMAGE)
    except docker.errors.DockerException:
        pytest.skip(f"no Docker-compatible engine with the image {IMAGE}")
    from kubeflow.trainer import ContainerBackendConfig, CustomTrainer, TrainerClient
    from kubeflow.trainer.options import Name

    monkeypatch.setenv("HOME", str(tmp_path))
    name = f"rmsnet-test-{os.getpid()}"
    shared = tmp_path / ".kubeflow" / "trainer" / "containers" / name  # what the backend mounts as /workspace
    for split, games in (("train", 3), ("valid", 1)):
        write_bank(shared / "features", split, learnable_bank(games))
    if os.getuid() == 0:
        for path in (shared, *shared.rglob("*")):
            os.chown(path, IMAGE_USER, IMAGE_USER)
    short = {"epochs": 1, "foreground_clips": 64, "background_clips": 64, "clip_frames": 9, "precision": "float32"}
    training = Training("/workspace/features", "/workspace/model", {"train": short})
    variables = {REQUEST: json.dumps(vars(training)), "MLFLOW_TRACKING_URI": "sqlite:////workspace/mlflow.db"}
    client = TrainerClient(ContainerBackendConfig(container_runtime="docker", pull_policy="Never"))
    trainer = CustomTrainer(func=trainjob.node, image=IMAGE, num_nodes=2, env=variables)
    job = client.train("torch-distributed", trainer=trainer, options=[Name(name)])
    try:
        assert client.wait_for_job_status(job, timeout=300).status == "Complete"
        assert load_model(shared / "model").classes == ("card", "subs", "soccer")
    finally:
        client.delete_job(job)


def test_a_job_that_ends_well_is_waited_for(kubernetes: Kubernetes, capsys) -> None:
    assert submit("--wait", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    name = kubernetes.jobs[0]["metadata"]["name"]
    assert lines == [f"TrainJob {name} in team: kubectl -n team get trainjob {name}", "complete: /data/models/full"]


def test_a_job_that_fails(kubernetes: Kubernetes, capsys) -> None:
    kubernetes.end = "Failed"
    assert submit("--wait", "1") == 1
    name = kubernetes.jobs[0]["metadata"]["name"]
    error = capsys.readouterr().err
    assert f"TrainJob {name} failed; see: kubectl -n team logs -l jobset.sigs.k8s.io/jobset-name={name}" in error


def test_a_job_that_goes_on(kubernetes: Kubernetes, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    kubernetes.end = None
    monkeypatch.setattr(trainjob, "POLL_SECONDS", 0.4)
    assert submit("--wait", "0.01") == 2
    assert "Timeout waiting for TrainJob" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--runtime", "none"], "Failed to get Runtime: none"),
        (["--nodes", "0"], "--nodes must be at least 1, not 0"),
        (["--out", "model"], "model: not on a volume of the deployment file"),
        (["--variant", "bald"], "variants.bald: no such variant"),
        (["--set", "train.epoch=1"], "train.epoch: unknown key"),
    ],
)
def test_bad_input_is_one_line_and_no_job(kubernetes: Kubernetes, arguments: list[str], complaint: str, capsys) -> None:
    assert submit(*arguments) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1
    assert kubernetes.jobs == []


def test_a_cluster_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    set_up("http://127.0.0.1:1", tmp_path, monkeypatch)
    assert submit() == 2
    error = capsys.readouterr().err
    assert "([Errno 111] Connection refused); is Kubeflow Trainer there" in error
    assert error.count("\n") == 1


def test_no_cluster_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    set_up("", tmp_path, monkeypatch)
    assert submit() == 2
    error = capsys.readouterr().err
    assert "no cluster to train on" in error
    assert error.count("\n") == 1


def test_a_node_finds_its_secrets_and_says_which_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    (tmp_path / "HAVE_IT").write_text("x")
    monkeypatch.setattr(trainjob, "SECRETS", tmp_path)
    monkeypatch.setenv("HAVE_IT", "")
    monkeypatch.delenv("HAVE_IT")
    monkeypatch.setenv("RMSNET_REQUIRED_ENVIRONMENT", "HAVE_IT=storage/a,LACK_IT=storage/b")
    monkeypatch.setenv(REQUEST, json.dumps(vars(Training("features", "out", {}))))
    with pytest.raises(SystemExit) as refusal:
        train_here()
    assert refusal.value.code == 2
    assert os.environ["HAVE_IT"] == "x"
    assert "missing in this namespace: secret key storage/b (for LACK_IT)" in capsys.readouterr().err
