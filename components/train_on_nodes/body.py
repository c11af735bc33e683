"""A variant, trained by a TrainJob of Kubeflow Trainer and judged."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.node import Training
from components.train.body import body as train
from components.trainjob import Jobs, Nodes, Surroundings, document
from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.params import Params, checked

if TYPE_CHECKING:
    from kfp.dsl import HTML, ClassificationMetrics, Dataset, Metrics, Model, TaskConfig

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Of a pod: how it reaches Kubernetes."""


def body(
    features: "Dataset",
    variant: str,
    params: Mapping[str, Any],
    nodes: Mapping[str, Any],
    workspace: str,
    surroundings: "TaskConfig",
    trained: "Model",
    page: "HTML",
    metrics: "Metrics",
    confusion: "ClassificationMetrics",
) -> None:
    """Train one variant over several nodes as an MLflow run, and judge it here.

    Args:
        features, variant, params, trained, page, metrics, confusion: see `components.train.body`.
        nodes: a `components.trainjob.Nodes`.
        workspace: folder that every pod of the run mounts: nodes share nothing else.
        surroundings: this pod's variables and volumes, which the nodes get too.
    """

    def over_nodes(features: Path, out: Path, params: Params, variant: str) -> dict[str, Any]:
        job = f"rmsnet-{content_hash(trained.uri)[:12]}"
        place = Path(workspace) / "models" / job
        model, unsent = place / "model", place / "unsent"
        if model.is_dir():
            print("an earlier attempt at this task has trained it", flush=True)
        else:
            told = [{"name": name, "value": value} for name, value in _of_the_task(unsent).items()]
            around = Surroundings(
                [*(surroundings.env or ()), *told],
                surroundings.volumes or (),
                surroundings.volume_mounts or (),
                _owner(),
            )
            training = Training(str(features), str(model), asdict(params), variant)
            _jobs().run(document(job, checked(Nodes, dict(nodes), "nodes"), training, around))
        shutil.copytree(model, out)
        if unsent.is_dir():
            shutil.copytree(unsent, os.environ["RMSNET_SPOOL"], dirs_exist_ok=True)
        return read_document(out / "metrics.json", dict[str, Any])

    train(features, variant, params, trained, page, metrics, confusion, train=over_nodes)


def _of_the_task(unsent: Path) -> dict[str, str]:
    """What the nodes are told of the task: which it is, and where they keep what MLflow does not take."""
    from rmsnet.tracking import TASK

    return {TASK: os.environ[TASK], "RMSNET_SPOOL": str(unsent)}


def _owner() -> dict[str, str] | None:
    """This pod, as the owner of a job."""
    name, uid = os.environ.get("KFP_POD_NAME"), os.environ.get("KFP_POD_UID")
    return {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid} if name and uid else None


def _jobs() -> Jobs:
    """The TrainJobs of this pod's namespace.

    Raises:
        UserError: this is no pod of a cluster.
    """
    from kubernetes import client, config
    from kubernetes.config import ConfigException

    try:
        config.load_incluster_config()
        namespace = (ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
    except (ConfigException, OSError):
        raise UserError("train_nodes: several nodes are a cluster's; here set train_nodes: 1") from None
    return Jobs(client.ApiClient(), namespace)
