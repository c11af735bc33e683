"""What every component does around its stage: check that image and environment are the right ones, speak plainly."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rmsnet import __version__
from rmsnet.cli import speak_anywhere, switch_telemetry_off
from rmsnet.errors import CheckFailed, UserError

EXPECTED_VERSION = "RMSNET_EXPECTED_VERSION"
"""Environment variable: the version of rmsnet that the pipeline was compiled with."""

EXPECTED_COMMIT = "RMSNET_EXPECTED_COMMIT"
"""Environment variable: the commit that the pipeline was compiled from."""

REQUIRED_ENVIRONMENT = "RMSNET_REQUIRED_ENVIRONMENT"
"""Environment variable: what secrets must have set, as VARIABLE=SECRET/KEY,VARIABLE=SECRET/KEY,…"""


@contextmanager
def door(component: str) -> Iterator[None]:
    """Run a stage; what it refuses becomes one line in the log and the exit status of the `rmsnet` command.

    Raises:
        SystemExit: 2 for bad input, an image of another version or a missing secret; 1 for a check that failed.
    """
    switch_telemetry_off()
    speak_anywhere()
    try:
        _check_version()
        _check_commit()
        _check_environment()
        yield
    except (UserError, CheckFailed) as error:
        print(f"{component}: {' '.join(str(error).split())}", file=sys.stderr, flush=True)
        raise SystemExit(2 if isinstance(error, UserError) else 1) from None


def _check_version() -> None:
    expected = os.environ.get(EXPECTED_VERSION, __version__)
    if expected != __version__:
        raise UserError(
            f"the image holds rmsnet {__version__}, the pipeline was compiled for {expected}: "
            "use the image of that version, or compile the pipeline again"
        )


def _check_commit() -> None:
    """Say so when the image is of another commit; no reason to stop, since artifacts and runs name the image's own."""
    from rmsnet.provenance import code_commit

    expected, here = os.environ.get(EXPECTED_COMMIT), code_commit()
    if expected and here and expected != here:
        print(
            f"warning: the image is of commit {here}, the pipeline was compiled from {expected}; "
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
