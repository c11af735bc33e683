"""The deployment file: what it takes, what it refuses, what becomes of it in the compiled pipeline."""

from pathlib import Path

import pytest
import yaml

from components.artifacts import PROCESSES
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment, Resources, load_deployment
from rmsnet import __version__
from rmsnet.errors import UserError

EXAMPLES = ("laptop", "cluster", "nvidia")


def example(repository: Path, name: str) -> Deployment:
    return load_deployment(repository / "pipelines" / "deployments" / f"{name}.yaml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("imagee: x", "imagee: unknown key; did you mean image?; known: image"),
        ("image: 'x y'", "image is no image name: 'x y'"),
        ("train: {cpu: two}", "train: cpu must be like '2' or '500m', not 'two'"),
        ("train: {memory: 4 GB}", "train: memory must be like '4Gi', not '4 GB'"),
        ("train: {gpu: 1}", "train.gpu: unknown key; did you mean gpus?; known: cpu"),
        ("train: {gpus: -1}", "train: gpus must not be negative, not -1"),
        ("train: {tolerations: [{key: a, effect: No}]}", "train.tolerations.0.effect"),
        ("register: {cache: true}", "register must have cache: false"),
        ("secrets: [{name: A_b, environment: {}}]", "secrets.0: name must be a Kubernetes name"),
        ("secrets: [{name: a, environment: {key: 2X}}]", "secrets.0: environment names no variable: '2X'"),
        ("secrets: [{name: a, environment: {key: AWS_SECRET}}]", "AWS_SECRET: Kubeflow's launcher would upload with"),
        ("environment: {AWS_ENDPOINT_URL: x}", "AWS_ENDPOINT_URL: Kubeflow's launcher would upload with it"),
        ("data: {access_key: a}", "data: secret must name the secret that holds the keys"),
        ("volumes: [{claim: soccer.net, path: /data}]", "volumes.0: claim must be a-z, 0-9 and -, at most 63"),
        (f"volumes: [{{claim: {'x' * 300}, path: /data}}]", "volumes.0: claim must be a-z, 0-9 and -, at most 63"),
        ("train: {affinity: [{key: a, values: []}]}", "train.affinity.0: values must name a value at least"),
        ("train: {gpus: 1, gpu_type: gpu}", "train: gpu_type must be a resource like nvidia.com/gpu, not 'gpu'"),
        ("workspace: {size: much}", "workspace: size must be like '4Gi', not 'much'"),
        ("deadline_minutes: -1", "deadline_minutes must not be negative, not -1"),
        ("queue: A_b", "queue must be a Kubernetes name"),
        ("volumes: [{claim: a, path: data}]", "volumes.0: path must be an absolute path, not 'data'"),
        ("mlflow: mlflow-host", "mlflow must be an address such as http://host:5000, not 'mlflow-host'"),
        (
            "train: {runtime_class: gvisor}",
            "train.runtime_class: Kubeflow Pipelines has no word for it in a pipeline; its",
        ),
        (
            "topologySpreadConstraints: []",
            "topologySpreadConstraints: Kubeflow Pipelines has no word for it in a pipeline",
        ),
        (
            "spot: {ephemeral_storage: 9Gi}",
            "spot.ephemeral_storage: Kubeflow Pipelines has no word for it in a pipeline; give",
        ),
        ("train_nodes: 0", "train_nodes must be at least 1"),
        ("train_nodes: 2", "train_nodes needs a `workspace`"),
        ("extract_shards: 0", "extract_shards must be at least 1"),
        ("spot_shards: 0", "spot_shards must be at least 1"),
        ("[1]", "Input should be a dictionary"),
        ("a: [", "not readable YAML"),
    ],
)
def test_a_bad_file_is_refused_with_the_key_that_is_wrong(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "deployment.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as refusal:
        load_deployment(path)
    assert complaint in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file; examples: pipelines/deployments/"):
        load_deployment(tmp_path / "absent.yaml")


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_compile(repository: Path, name: str) -> None:
    assert compile_pipeline("training", example(repository, name), {})


def test_a_gpu_pool_reaches_the_pods_of_the_stages_that_compute(repository: Path) -> None:
    text = compile_pipeline("training", example(repository, "nvidia"), {})
    pipeline, platform = yaml.safe_load_all(text)
    executors = pipeline["deploymentSpec"]["executors"]
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]

    accelerator = executors["exec-train"]["container"]["resources"]["accelerator"]
    assert (accelerator["resourceType"], accelerator["resourceCount"]) == ("nvidia.com/gpu", "1")
    assert "accelerator" not in executors["exec-register-model"]["container"]["resources"]
    pod = pods["exec-train"]
    assert pod["nodeSelector"]["labels"] == {"pool": "gpu"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert pod["emptyDirMounts"][0] == {
        "medium": "Memory",
        "mountPath": "/dev/shm",
        "sizeLimit": "4Gi",
        "volumeName": "shared-memory",
    }
    assert pod["activeDeadlineSeconds"] == "43200"
    for name, pod in pods.items():
        assert pod["pvcMount"][0]["mountPath"] == "/data", name
        assert pod["imagePullSecret"][0]["secretName"] == "registry-credentials", name
        assert pod["securityContext"] == {"runAsNonRoot": True}, name


def test_only_several_gpus_of_the_train_stage_are_several_processes() -> None:
    two = Resources(gpus=2)
    text = compile_pipeline("training", Deployment(train=two, extract=two, evaluate=Resources(gpus=1)), {})
    executors = next(yaml.safe_load_all(text))["deploymentSpec"]["executors"]
    variables = {
        name: {item["name"]: item["value"] for item in executor["container"]["env"]}
        for name, executor in executors.items()
    }
    assert {name: of_one[PROCESSES] for name, of_one in variables.items() if PROCESSES in of_one} == {"exec-train": "2"}


def test_every_component_gets_the_addresses_and_secrets_of_what_it_reaches_and_no_others(repository: Path) -> None:
    text = compile_pipeline("training", example(repository, "cluster"), {})
    pipeline, platform = yaml.safe_load_all(text)
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    keys = (
        "RMSNET_DATA_AWS_ACCESS_KEY_ID=rmsnet-storage/access-key,"
        "RMSNET_DATA_AWS_SECRET_ACCESS_KEY=rmsnet-storage/secret-key"
    )
    of_data = {"exec-identify-data", "exec-validate-data", "exec-extract-features"}
    of_mlflow = {"exec-train", "exec-register-model"}
    for name, executor in pipeline["deploymentSpec"]["executors"].items():
        variables = {item["name"]: item["value"] for item in executor["container"]["env"]}
        assert executor["container"]["image"] == "registry.example/rmsnet:0.1.0", name
        assert variables["RMSNET_EXPECTED"] == __version__
        assert variables.get("RMSNET_MLFLOW") == ("http://mlflow.rmsnet.svc:5000" if name in of_mlflow else None), name
        assert variables.get("RMSNET_REQUIRED_ENVIRONMENT") == (keys if name in of_data else None), name
        secrets = [(secret["secretName"], secret["optional"]) for secret in pods[name].get("secretAsEnv", ())]
        assert secrets == ([("rmsnet-storage", True)] if name in of_data else []), name


NODES = """
image: registry.example/rmsnet:0.1.0
pull_secret: registry-credentials
mlflow: http://mlflow:5000
secrets: [{name: storage, environment: {key: MLFLOW_TRACKING_PASSWORD}}]
volumes: [{claim: soccernet, path: /data}]
workspace: {size: 100Gi}
queue: team
train_nodes: 3
train:
  cpu: "8"
  memory: 32Gi
  gpus: 2
  shared_memory: 4Gi
  node_selector: {pool: gpu}
  affinity: [{key: zone, values: [a]}, {key: disk, values: [ssd], weight: 5}]
  tolerations: [{key: nvidia.com/gpu, effect: NoSchedule}]
  retries: 1
  timeout_minutes: 720
evaluate: {cpu: "2", memory: 4Gi, timeout_minutes: 60}
"""


def test_a_training_over_nodes_is_a_task_that_waits_for_them(tmp_path: Path) -> None:
    (tmp_path / "deployment.yaml").write_text(NODES)
    text = compile_pipeline("training", load_deployment(tmp_path / "deployment.yaml"), {})
    pipeline, platform = yaml.safe_load_all(text)
    executors = pipeline["deploymentSpec"]["executors"]
    assert "exec-train" not in executors
    waits = executors["exec-train-on-nodes"]["container"]["resources"]
    assert (waits["resourceCpuRequest"], "accelerator" in waits) == ("2", False)
    pod = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train-on-nodes"]
    assert pod["activeDeadlineSeconds"] == str(60 * (720 + 60))
    assert [secret["secretName"] for secret in pod["secretAsEnv"]] == ["storage"]
    (loop,) = (
        part for part in pipeline["components"].values() if "train-on-nodes" in part.get("dag", {}).get("tasks", ())
    )
    inputs = loop["dag"]["tasks"]["train-on-nodes"]["inputs"]["parameters"]
    nodes = inputs["nodes"]["runtimeValue"]["constant"]
    assert (nodes["count"], nodes["processes"], nodes["seconds"]) == (3, 2, 43200)
    assert nodes["resources"]["limits"] == {"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "2"}
    assert nodes["labels"] == {"kueue.x-k8s.io/queue-name": "team"}
    assert nodes["pod"]["nodeSelector"] == {"pool": "gpu"}
    assert nodes["pod"]["tolerations"] == [{"effect": "NoSchedule", "key": "nvidia.com/gpu", "operator": "Exists"}]
    assert nodes["pod"]["imagePullSecrets"] == [{"name": "registry-credentials"}]
    affinity = nodes["pod"]["affinity"]["nodeAffinity"]
    assert affinity["preferredDuringSchedulingIgnoredDuringExecution"][0]["weight"] == 5
    assert affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] == [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    ]
    (mount,), (volume,) = nodes["mounts"], nodes["pod"]["volumes"]
    assert (mount["mountPath"], volume["emptyDir"]["sizeLimit"]) == ("/dev/shm", "4Gi")
    assert mount["name"] == volume["name"]
