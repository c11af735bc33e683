"""What the pods of a stage get and where they may run: parts of the deployment file."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

STRICT = {"extra": "forbid"}

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CPU = re.compile(r"[0-9]+m|[0-9]+(\.[0-9]+)?")
_MEMORY = re.compile(r"[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|K|M|G|T)?")
_RESOURCE = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")


def require(condition: bool, key: str, message: str) -> None:
    if not condition:
        raise ValueError(f"{key} {message}")


def require_name(key: str, name: str) -> None:
    require(_DNS_NAME.fullmatch(name) is not None, key, f"must be a Kubernetes name (a-z, 0-9, - and .), not {name!r}")


def require_label(key: str, name: str) -> None:
    """A name that becomes the name of a volume too: KFP calls volumes like what they mount, and those have no dots."""
    require(
        _DNS_LABEL.fullmatch(name) is not None,
        key,
        f"must be a-z, 0-9 and -, at most 63 characters, because Kubeflow names the volume like it, not {name!r}",
    )


def require_path(key: str, path: str) -> None:
    require(path.startswith("/"), key, f"must be an absolute path, not {path!r}")


def require_size(key: str, size: str) -> None:
    require(_MEMORY.fullmatch(size) is not None, key, f"must be like '4Gi', not {size!r}")


def require_variable(key: str, name: str) -> None:
    """An environment variable that is not the launcher's own as well."""
    require(_ENVIRONMENT_NAME.fullmatch(name) is not None, key, f"names no variable: {name!r}")
    require(
        not name.startswith("AWS_"),
        key,
        f"{name}: Kubeflow's launcher would upload with it; how the data are reached stands under `data`",
    )


@dataclass(frozen=True, kw_only=True)
class Toleration:
    """A taint that a stage's pods put up with, as in a pod's `tolerations`."""

    __pydantic_config__ = STRICT

    key: str
    operator: Literal["Equal", "Exists"] = "Exists"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


@dataclass(frozen=True, kw_only=True)
class Affinity:
    """A kind of node that a stage's pods need or would rather have.

    Attributes:
        key: a label of nodes.
        values: one of which it must have.
        weight: 1 to 100: rather than others; 0: no other will do.
    """

    __pydantic_config__ = STRICT

    key: str
    values: tuple[str, ...]
    weight: int = 0

    def __post_init__(self) -> None:
        require(bool(self.values), "values", "must name a value at least")
        require(0 <= self.weight <= 100, "weight", f"must lie in 0 … 100, not {self.weight}")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the pods of a stage get and where they may run.

    Attributes:
        cpu: request, e.g. "4" or "500m", and limit where `cpu_limit` says no other.
        cpu_limit: of a pod that waits most of the time and may take more for a moment.
        memory: request and limit, e.g. "8Gi".
        gpus: how many; 0: none. The train stage shares its batches over several.
        gpu_type: resource name of the GPUs, e.g. nvidia.com/mig-1g.10gb for a part of one.
        shared_memory: size of /dev/shm, e.g. "2Gi"; "": the node's 64 MiB.
        node_selector: labels that a node must have.
        affinity: kinds of nodes that are needed or preferred.
        tolerations: taints that do not keep the pods away.
        retries: how often a pod that was lost (deleted, evicted, its node gone) is started again, with growing pauses.
            A container that has failed is not: the stock controller retries no exit status.
        timeout_minutes: after which a pod is stopped; 0: never.
        cache: reuse the outputs of an earlier task with the same inputs and image.
    """

    __pydantic_config__ = STRICT

    cpu: str = "2"
    cpu_limit: str = ""
    memory: str = "4Gi"
    gpus: int = 0
    gpu_type: str = "nvidia.com/gpu"
    shared_memory: str = ""
    node_selector: dict[str, str] = field(default_factory=dict)
    affinity: tuple[Affinity, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    retries: int = 0
    timeout_minutes: int = 0
    cache: bool = True

    def __post_init__(self) -> None:
        for key, value in (("cpu", self.cpu), ("cpu_limit", self.cpu_limit or self.cpu)):
            require(_CPU.fullmatch(value) is not None, key, f"must be like '2' or '500m', not {value!r}")
        for key, value in (("memory", self.memory), ("shared_memory", self.shared_memory or "0")):
            require_size(key, value)
        for key in ("gpus", "retries", "timeout_minutes"):
            require(getattr(self, key) >= 0, key, f"must not be negative, not {getattr(self, key)}")
        require(
            _RESOURCE.fullmatch(self.gpu_type) is not None,
            "gpu_type",
            f"must be a resource like nvidia.com/gpu, not {self.gpu_type!r}",
        )


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A Kubernetes secret whose keys become environment variables.

    Attributes:
        name: of the secret, in the namespace of the run.
        environment: key of the secret -> environment variable.
    """

    __pydantic_config__ = STRICT

    name: str
    environment: dict[str, str]

    def __post_init__(self) -> None:
        require_name("name", self.name)
        for variable in self.environment.values():
            require_variable("environment", variable)


@dataclass(frozen=True, kw_only=True)
class Data:
    """How the source of the data is reached, where it is an object store or a git repository that asks who it is.

    Attributes:
        endpoint: of the object store; "": Amazon's.
        region: of the object store.
        secret: with the keys below; "": none is needed.
        access_key, secret_key: keys of the secret that hold those of the object store.
        git_user, git_token: keys of the secret that hold a user and a token for git over HTTPS; "": none.
    """

    __pydantic_config__ = STRICT

    endpoint: str = ""
    region: str = ""
    secret: str = ""
    access_key: str = ""
    secret_key: str = ""
    git_user: str = ""
    git_token: str = ""

    def __post_init__(self) -> None:
        require(
            not self.endpoint or "://" in self.endpoint,
            "endpoint",
            f"must be an address such as http://host:9000, not {self.endpoint!r}",
        )
        keys = any((self.access_key, self.secret_key, self.git_user, self.git_token))
        require(not keys or bool(self.secret), "secret", "must name the secret that holds the keys")
        if self.secret:
            require_name("secret", self.secret)


@dataclass(frozen=True, kw_only=True)
class Volume:
    """A persistent volume claim that every pod mounts.

    Attributes:
        claim: its name.
        path: where it appears in the container.
    """

    __pydantic_config__ = STRICT

    claim: str
    path: str

    def __post_init__(self) -> None:
        require_label("claim", self.claim)
        require_path("path", self.path)


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """A volume that Kubeflow makes for a run, mounted by the pods of all its stages.

    Attributes:
        size: e.g. "100Gi".
        storage_class: one that offers ReadWriteMany; "": the cluster's own.
    """

    __pydantic_config__ = STRICT

    size: str
    storage_class: str = ""

    def __post_init__(self) -> None:
        require_size("size", self.size)

    def claim(self) -> dict[str, Any]:
        """What Kubeflow's own claim is changed by."""
        return {
            "accessModes": ["ReadWriteMany"],
            **({"storageClassName": self.storage_class} if self.storage_class else {}),
        }


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A volume at /tmp of every pod: where policy wants a read-only root, or the node's disk is small.

    Attributes:
        size: e.g. "50Gi".
        storage_class: of a volume of its own for each pod; "": a folder of the node, no larger than the size.
    """

    __pydantic_config__ = STRICT

    size: str
    storage_class: str = ""

    def __post_init__(self) -> None:
        require_size("size", self.size)
