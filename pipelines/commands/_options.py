"""Options that several commands share, and what is read from them."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.commands._options import add_params_options
from rmsnet.errors import UserError

if TYPE_CHECKING:
    from pipelines.deployment import Deployment

NAMES = ("training", "ablation", "spotting")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("arguments", nargs="*", metavar="KEY=VALUE", help="pipeline parameters, values in YAML")


def add_pipeline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    add_arguments(parser)
    add_making(parser)


def add_making(parser: argparse.ArgumentParser) -> None:
    """What a pipeline is compiled from."""
    parser.add_argument("--deployment", type=Path, metavar="FILE", help="where it runs: pipelines/deployments/*.yaml")
    add_params_options(parser)


def add_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--wait", type=float, default=0, metavar="MINUTES", help="wait for the end, at most so long (default: do not)"
    )


def pair(text: str, what: str) -> tuple[str, str]:
    """KEY=VALUE.

    Raises:
        UserError: it is none.
    """
    key, equals, value = text.partition("=")
    if not (equals and key):
        raise UserError(f"{what} {text!r}: write KEY=VALUE")
    return key, value


def given_arguments(options: argparse.Namespace) -> Mapping[str, str]:
    return dict(pair(item, "parameter") for item in options.arguments)


def deployment_of(options: argparse.Namespace) -> "Deployment":
    """The deployment; with the commit of the code here, so that components can say when their image is of another."""
    from pipelines.deployment import load_deployment
    from pipelines.placing import COMMIT
    from rmsnet.provenance import code_commit

    deployment, commit = load_deployment(options.deployment), code_commit()
    if not commit:
        return deployment
    return replace(deployment, environment={COMMIT: commit, **deployment.environment})


def params_of(options: argparse.Namespace) -> dict[str, Any]:
    """The parameters, as sections of plain values."""
    from rmsnet.params import load_params

    return asdict(load_params(options.params, options.set))
