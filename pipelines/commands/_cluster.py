"""Options of the commands that ask a cluster."""

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipelines.cluster.api import Kubeflow


def add_host(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default=os.environ.get("KF_PIPELINES_ENDPOINT"), help="address of Kubeflow")
    parser.add_argument("--namespace", default="", help="of the user, where Kubeflow has several")
    parser.add_argument(
        "--ui", default=os.environ.get("KF_PIPELINES_UI", ""), help="address of the UI, where the host is the API alone"
    )


def add_order(parser: argparse.ArgumentParser) -> None:
    """How a run is started."""
    parser.add_argument("--experiment", default="rmsnet", help="experiment of the run (default: rmsnet)")
    parser.add_argument("--service-account", default="", help="of the run's pods (default: the deployment file's)")
    parser.add_argument("--no-cache", action="store_true", help="run every task anew")
    parser.add_argument(
        "--no-mlflow-plugin",
        action="store_true",
        help="without Kubeflow's MLflow plugin, whose driver fails a task when MLflow goes away in a run",
    )


def kubeflow_of(options: argparse.Namespace) -> "Kubeflow":
    from pipelines.cluster.api import Kubeflow, host_of

    return Kubeflow(host_of(options.host), options.namespace, token(), options.ui)


def token() -> str | None:
    """The caller's token: KF_PIPELINES_TOKEN, or the file that a pod finds it in."""
    path = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH")
    return os.environ.get("KF_PIPELINES_TOKEN") or (Path(path).read_text().strip() if path else None)
