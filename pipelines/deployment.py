"""Where a pipeline runs: one small typed file for image, MLflow, secrets, volumes and the resources of each stage.

Everything here is for a cluster; the local runner takes the environment variables and leaves the rest aside.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from components.image import IMAGE
from pipelines.resources import (
    STRICT,
    Data,
    Resources,
    Scratch,
    Secret,
    Volume,
    Workspace,
    require,
    require_name,
    require_variable,
)
from rmsnet.documents import read_yaml
from rmsnet.errors import UserError
from rmsnet.params import checked

Stage = Literal["small", "validate", "extract", "train", "evaluate", "register", "spot"]
STAGES: tuple[Stage, ...] = ("small", "validate", "extract", "train", "evaluate", "register", "spot")

_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?")

_BY_THE_ADMINISTRATORS = (
    "Kubeflow Pipelines has no word for it in a pipeline; its administrators give it to every pod: "
    "COMPILED_PIPELINE_SPEC_PATCH of the API server"
)

NOT_OURS_TO_SAY = {
    "runtimeclass": _BY_THE_ADMINISTRATORS,
    "topologyspread": _BY_THE_ADMINISTRATORS,
    "ephemeralstorage": "Kubeflow Pipelines has no word for it in a pipeline; give the namespace of the runs a "
    "LimitRange with defaultRequest.ephemeral-storage, or each pod a `scratch` volume",
}
"""What somebody may look for here and where it is said instead, by how its key begins."""

SMALL = Resources(cpu="200m", cpu_limit="1", memory="1Gi", retries=2, timeout_minutes=60)
"""What a task needs that looks something up, collects or refuses."""


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """A place to run pipelines.

    Attributes:
        image: of every component; a digest or a tag that is never moved, or a changed image meets old cache entries.
        pull_secret: secret for the image registry; "": none.
        service_account: of a run's pods; "": Kubeflow's own.
        mlflow: address of the tracking server; "": what the environment or Kubeflow's MLflow plugin sets.
        mlflow_ui: address under which people reach it, for links; "": the same.
        environment: further environment variables of every component.
        secrets: credentials for MLflow.
        data: how the data are reached.
        volumes: claims that every pod mounts, e.g. one with the dataset.
        workspace: a volume for each run, by which features are handed on instead of through the object store; such a
            run takes nothing from earlier ones.
        scratch: a volume at /tmp.
        queue: Kueue's queue for the pods; "": none.
        priority: Kueue's workload priority class; "": none.
        labels, annotations: of every pod.
        keep_workflow_minutes: how long a finished run's workflow and pods stay in the cluster; 0: as the cluster does,
            and so does a stock one whatever is said here: an hour.
        deadline_minutes: after which a run is stopped; 0: never.
        extract_shards: in how many pods the extraction is spread.
        train_pods: in how many pods the trainings of an ablation are spread; fewer trainings, fewer pods.
        spot_shards: in how many pods the spotting is spread; fewer matches, fewer pods.
        train_nodes: over how many nodes each variant of the training pipeline is trained, as a TrainJob of Kubeflow
            Trainer; `train` is the place of one of them, `evaluate` of the pod that waits for them.
        train_runtime: Kubeflow Trainer's runtime for PyTorch in this cluster.
        small, validate, extract, train, evaluate, register, spot: resources of each stage; "small" of everything
            that only looks something up, collects or refuses.
    """

    __pydantic_config__ = STRICT

    image: str = IMAGE
    pull_secret: str = ""
    service_account: str = ""
    mlflow: str = ""
    mlflow_ui: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    data: Data = field(default_factory=Data)
    volumes: tuple[Volume, ...] = ()
    workspace: Workspace | None = None
    scratch: Scratch | None = None
    queue: str = ""
    priority: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    keep_workflow_minutes: int = 0
    deadline_minutes: int = 0
    extract_shards: int = 1
    train_pods: int = 16
    spot_shards: int = 1
    train_nodes: int = 1
    train_runtime: str = "torch-distributed"
    small: Resources = SMALL
    validate: Resources = field(default_factory=Resources)
    extract: Resources = field(default_factory=Resources)
    train: Resources = field(default_factory=Resources)
    evaluate: Resources = field(default_factory=Resources)
    register: Resources = field(default_factory=lambda: Resources(cache=False))
    spot: Resources = field(default_factory=Resources)

    def __post_init__(self) -> None:
        require(_IMAGE.fullmatch(self.image) is not None, "image", f"is no image name: {self.image!r}")
        for key in ("extract_shards", "train_pods", "spot_shards", "train_nodes"):
            require(getattr(self, key) >= 1, key, f"must be at least 1, not {getattr(self, key)}")
        for key in ("keep_workflow_minutes", "deadline_minutes"):
            require(getattr(self, key) >= 0, key, f"must not be negative, not {getattr(self, key)}")
        require(not self.register.cache, "register", "must have cache: false, because it acts on the registry")
        require(
            self.train_nodes == 1 or self.workspace is not None,
            "train_nodes",
            "needs a `workspace`: nodes share features and model through it",
        )
        for key in ("pull_secret", "service_account", "queue", "priority", "train_runtime"):
            if getattr(self, key):
                require_name(key, getattr(self, key))
        for key in ("mlflow", "mlflow_ui"):
            address = getattr(self, key)
            require(
                not address or "://" in address, key, f"must be an address such as http://host:5000, not {address!r}"
            )
        for variable in self.environment:
            require_variable("environment", variable)

    def without_cache(self) -> "Deployment":
        """The same, every task anew."""
        stages = {stage: replace(getattr(self, stage), cache=False) for stage in STAGES}
        return replace(self, **stages)  # type: ignore[arg-type]

    def workspace_path(self) -> str:
        """Where the run's workspace is mounted, as a component is told it; "": there is none."""
        from kfp import dsl

        return str(dsl.WORKSPACE_PATH_PLACEHOLDER) if self.workspace else ""

    def pipeline_config(self) -> Any:
        """What Kubeflow is told about a run as a whole."""
        from kfp import dsl

        workspace = self.workspace and dsl.WorkspaceConfig(
            size=self.workspace.size,
            kubernetes=dsl.KubernetesWorkspaceConfig(pvcSpecPatch=self.workspace.claim()),
        )
        return dsl.PipelineConfig(
            workspace=workspace,
            ttl_seconds_after_finished=60 * self.keep_workflow_minutes or None,
            active_deadline_seconds=60 * self.deadline_minutes or None,
        )


def load_deployment(path: Path | None) -> Deployment:
    """Read a deployment file; None: the defaults, which are for this machine.

    Raises:
        UserError: no such file, not YAML, an unknown key, an impossible value; the message names the key.
    """
    if path is None:
        return Deployment()
    document = read_yaml(path, absent="no such file; examples: pipelines/deployments/") or {}
    _refuse_what_is_said_elsewhere(document, str(path))
    return checked(Deployment, document, str(path))


def _refuse_what_is_said_elsewhere(document: Any, where: str) -> None:
    sections = {"": document, **document} if isinstance(document, dict) else {}
    for place, section in sections.items():
        for key in section if isinstance(section, dict) else ():
            for begins, instead in NOT_OURS_TO_SAY.items():
                if str(key).replace("_", "").lower().startswith(begins):
                    raise UserError(f"{where}: {f'{place}.' if place else ''}{key}: {instead}")
