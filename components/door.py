"""What every component does around its stage: check that image and environment are the right ones, speak plainly."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from components.patience import passes_by_itself
from rmsnet import __version__
from rmsnet.cli import speak_anywhere, switch_telemetry_off
from rmsnet.errors import CheckFailed, UserError
from rmsnet.logs import log

EXPECTED = "RMSNET_EXPECTED"
"""Environment variable: the version of rmsnet that the pipeline was compiled with, and behind it the commit."""

REQUIRED_ENVIRONMENT = "RMSNET_REQUIRED_ENVIRONMENT"
"""Environment variable: what secrets must have set, as VARIABLE=SECRET/KEY,VARIABLE=SECRET/KEY,…"""

MLFLOW = "RMSNET_MLFLOW"
"""Environment variable: the tracking server of the deployment file, which Kubeflow's plugin does not replace."""

PASSED = "passed"
"""The verdict of a task that has nothing to object; other verdicts are the objection. (Texts that are empty get lost in
loops of the local runner.)"""

_OF_THE_PLUGIN = ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")


@contextmanager
def door(component: str) -> Iterator[None]:
    """Run a stage; what it refuses becomes one line in the log, which says the kind: the UI knows one status only.

    Raises:
        SystemExit: 2 for bad input, an image of another version or a missing secret; 1 for a check that failed.
    """
    switch_telemetry_off()
    speak_anywhere()
    log.propagate = False  # Kubeflow's own logger would say everything once more
    try:
        _check_image()
        _check_environment()
        _choose_mlflow()
        yield
    except (UserError, CheckFailed) as error:
        kind = "check failed" if isinstance(error, CheckFailed) else "bad input"
        if passes_by_itself(error):
            kind = "not reachable; Retry goes on here when it is back"
        print(f"{component}: {kind}: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        raise SystemExit(1 if isinstance(error, CheckFailed) else 2) from None
    finally:
        log.propagate = True


def _check_image() -> None:
    """Refuse an image of another version; say so when it is of another commit: artifacts and runs name its own."""
    from rmsnet.provenance import code_commit

    expected, _, commit = os.environ.get(EXPECTED, __version__).partition(" ")
    if expected != __version__:
        raise UserError(
            f"the image holds rmsnet {__version__}, the pipeline was compiled for {expected}: "
            "use the image of that version, or compile the pipeline again"
        )
    here = code_commit()
    if commit and here and commit != here:
        print(
            f"warning: the image is of commit {here}, the pipeline was compiled from {commit}; "
            "results name the image's commit",
            flush=True,
        )


def _check_environment() -> None:
    required = [item.partition("=") for item in os.environ.get(REQUIRED_ENVIRONMENT, "").split(",") if item]
    missing = [f"{secret} (for {variable})" for variable, _, secret in required if variable not in os.environ]
    if missing:
        raise UserError(
            f"missing in this namespace: secret key {', '.join(missing)}; "
            "make it with: kubectl create secret generic NAME --from-literal=KEY=VALUE"
        )


def _choose_mlflow() -> None:
    """The deployment file's server, where it names one; else what Kubeflow's MLflow plugin has set."""
    ours, theirs = os.environ.get(MLFLOW), os.environ.get("MLFLOW_TRACKING_URI")
    if not ours:
        return
    if theirs and theirs != ours:
        print(
            f"Kubeflow's MLflow plugin names {theirs}; the deployment file names {ours}, which is used. To use the "
            "plugin's, leave `mlflow` out of the deployment file",
            flush=True,
        )
        for name in _OF_THE_PLUGIN:
            os.environ.pop(name, None)
    os.environ["MLFLOW_TRACKING_URI"] = ours
