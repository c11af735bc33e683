"""Where a pipeline runs: one small typed file for image, MLflow, secrets, volumes and the resources of each stage.

Everything here is for a cluster; the local runner takes the environment variables and leaves the rest aside.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.artifacts import PROCESSES
from components.door import EXPECTED_VERSION, REQUIRED_ENVIRONMENT
from components.image import IMAGE
from rmsnet import __version__
from rmsnet.documents import read_yaml
from rmsnet.params import checked

if TYPE_CHECKING:
    from kfp.dsl import PipelineTask

Stage = Literal["validate", "extract", "train", "evaluate", "register", "spot"]

_STRICT = {"extra": "forbid"}
_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CPU = re.compile(r"[0-9]+m|[0-9]+(\.[0-9]+)?")
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|K|M|G|T)?")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?")


def _require(condition: bool, key: str, message: str) -> None:
    if not condition:
        raise ValueError(f"{key} {message}")


def _require_name(key: str, name: str) -> None:
    _require(_DNS_NAME.fullmatch(name) is not None, key, f"must be a Kubernetes name (a-z, 0-9, - and .), not {name!r}")


def _require_path(key: str, path: str) -> None:
    _require(path.startswith("/"), key, f"must be an absolute path, not {path!r}")


@dataclass(frozen=True, kw_only=True)
class Toleration:
    """A taint that a stage's pods put up with, as in a pod's `tolerations`."""

    __pydantic_config__ = _STRICT

    key: str
    operator: Literal["Equal", "Exists"] = "Exists"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the pods of a stage get and where they may run.

    Attributes:
        cpu: request and limit, e.g. "4" or "500m".
        memory: request and limit, e.g. "8Gi".
        gpus: how many; 0: none. The train stage shares its batches over several.
        gpu_type: resource name of the GPUs.
        shared_memory: size of /dev/shm, e.g. "2Gi"; "": the node's 64 MiB.
        node_selector: labels that a node must have.
        tolerations: taints that do not keep the pods away.
        retries: how often a failed task is started again, with growing pauses.
        timeout_minutes: after which a pod is stopped; 0: never.
        cache: reuse the outputs of an earlier task with the same inputs and image.
    """

    __pydantic_config__ = _STRICT

    cpu: str = "2"
    memory: str = "4Gi"
    gpus: int = 0
    gpu_type: str = "nvidia.com/gpu"
    shared_memory: str = ""
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    retries: int = 0
    timeout_minutes: int = 0
    cache: bool = True

    def __post_init__(self) -> None:
        _require(_CPU.fullmatch(self.cpu) is not None, "cpu", f"must be like '2' or '500m', not {self.cpu!r}")
        for key, value in (("memory", self.memory), ("shared_memory", self.shared_memory or "0")):
            _require(_MEMORY.fullmatch(value) is not None, key, f"must be like '4Gi', not {value!r}")
        for key in ("gpus", "retries", "timeout_minutes"):
            _require(getattr(self, key) >= 0, key, f"must not be negative, not {getattr(self, key)}")


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A Kubernetes secret whose keys become environment variables.

    Attributes:
        name: of the secret, in the namespace of the run.
        environment: key of the secret -> environment variable.
    """

    __pydantic_config__ = _STRICT

    name: str
    environment: dict[str, str]

    def __post_init__(self) -> None:
        _require_name("name", self.name)
        for variable in self.environment.values():
            _require(
                _ENVIRONMENT_NAME.fullmatch(variable) is not None, "environment", f"names no variable: {variable!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A persistent volume claim that every pod mounts.

    Attributes:
        claim: its name.
        path: where it appears in the container.
    """

    __pydantic_config__ = _STRICT

    claim: str
    path: str

    def __post_init__(self) -> None:
        _require_name("claim", self.claim)
        _require_path("path", self.path)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A place to run pipelines.

    Attributes:
        image: of every component; a digest or a tag that is never moved, or a changed image meets old cache entries.
        pull_secret: secret for the image registry; "": none.
        mlflow: address of the tracking server; "": what the environment or Kubeflow's MLflow plugin sets.
        mlflow_ui: address under which people reach it, for links; "": the same.
        environment: further environment variables of every component, e.g. AWS_ENDPOINT_URL.
        secrets: credentials for MLflow, storage, git.
        volumes: claims that every pod mounts, e.g. one with the dataset.
        extract_shards: in how many pods the extraction is spread.
        spot_shards: in how many pods the spotting is spread; fewer matches, fewer pods.
        validate, extract, train, evaluate, register, spot: resources of each stage. Validation is not cached by
            default: a folder or bucket may change under its name. Registering never is: it acts on the registry.
    """

    __pydantic_config__ = _STRICT

    image: str = IMAGE
    pull_secret: str = ""
    mlflow: str = ""
    mlflow_ui: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    volumes: tuple[Volume, ...] = ()
    extract_shards: int = 1
    spot_shards: int = 1
    validate: Resources = field(default_factory=lambda: Resources(cache=False))
    extract: Resources = field(default_factory=Resources)
    train: Resources = field(default_factory=Resources)
    evaluate: Resources = field(default_factory=Resources)
    register: Resources = field(default_factory=lambda: Resources(cache=False))
    spot: Resources = field(default_factory=Resources)

    def __post_init__(self) -> None:
        _require(_IMAGE.fullmatch(self.image) is not None, "image", f"is no image name: {self.image!r}")
        for key in ("extract_shards", "spot_shards"):
            _require(getattr(self, key) >= 1, key, f"must be at least 1, not {getattr(self, key)}")
        _require(not self.register.cache, "register", "must have cache: false, because it acts on the registry")
        if self.pull_secret:
            _require_name("pull_secret", self.pull_secret)
        for key in ("mlflow", "mlflow_ui"):
            address = getattr(self, key)
            _require(
                not address or "://" in address, key, f"must be an address such as http://host:5000, not {address!r}"
            )
        for variable in self.environment:
            _require(
                _ENVIRONMENT_NAME.fullmatch(variable) is not None, "environment", f"names no variable: {variable!r}"
            )

    def place(self, task: "PipelineTask", stage: Stage) -> "PipelineTask":
        """Give a task of a stage its image, environment, resources and place in the cluster; returns the task."""
        from kfp import kubernetes

        resources: Resources = getattr(self, stage)
        task.set_container_image(self.image)
        for name, value in self.variables().items():
            task.set_env_variable(name, value)
        task.set_cpu_request(resources.cpu).set_cpu_limit(resources.cpu)
        task.set_memory_request(resources.memory).set_memory_limit(resources.memory)
        task.set_caching_options(resources.cache)
        if resources.retries:
            task.set_retry(resources.retries, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration="600s")
        if stage == "train" and resources.gpus > 1:
            task.set_env_variable(PROCESSES, str(resources.gpus))
        if resources.gpus:
            task.set_accelerator_type(resources.gpu_type).set_accelerator_limit(resources.gpus)
        if resources.timeout_minutes:
            kubernetes.set_timeout(task, 60 * resources.timeout_minutes)
        if resources.shared_memory:
            kubernetes.empty_dir_mount(
                task, "shared-memory", "/dev/shm", medium="Memory", size_limit=resources.shared_memory
            )
        for key, value in resources.node_selector.items():
            kubernetes.add_node_selector(task, key, value)
        for toleration in resources.tolerations:
            kubernetes.add_toleration(task, toleration.key, toleration.operator, toleration.value, toleration.effect)
        for secret in self.secrets:
            # Optional, so that the pod starts without it and the component can say what is missing.
            kubernetes.use_secret_as_env(task, secret.name, secret.environment, optional=True)
        for volume in self.volumes:
            kubernetes.mount_pvc(task, volume.claim, volume.path)
        if self.pull_secret:
            kubernetes.set_image_pull_secrets(task, [self.pull_secret])
        kubernetes.set_security_context(task, run_as_non_root=True)
        return task

    def variables(self) -> Mapping[str, str]:
        """Environment variables of every component, but for those that secrets bring."""
        required = [
            f"{variable}={secret.name}/{key}" for secret in self.secrets for key, variable in secret.environment.items()
        ]
        return {
            EXPECTED_VERSION: __version__,
            **({REQUIRED_ENVIRONMENT: ",".join(required)} if required else {}),
            **({"MLFLOW_TRACKING_URI": self.mlflow} if self.mlflow else {}),
            **({"RMSNET_MLFLOW_UI": self.mlflow_ui} if self.mlflow_ui else {}),
            **self.environment,
        }


def load_deployment(path: Path | None) -> Deployment:
    """Read a deployment file; None: the defaults, which are for this machine.

    Raises:
        UserError: no such file, not YAML, an unknown key, an impossible value; the message names the key.
    """
    if path is None:
        return Deployment()
    document = read_yaml(path, absent="no such file; examples: pipelines/deployments/") or {}
    return checked(Deployment, document, str(path))
