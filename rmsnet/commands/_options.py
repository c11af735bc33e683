"""Options that several commands share: each is defined here, once."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from rmsnet.params import PRESETS, Params, load_params

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_folder(parser: argparse.ArgumentParser, name: str, help: str, default: str | None = None) -> None:
    """A folder; one without a default must be given."""
    path, told = (None, help) if default is None else (Path(default), f"{help} (default: {default})")
    parser.add_argument(f"--{name}", type=Path, required=default is None, default=path, help=told)


def add_stretches(parser: argparse.ArgumentParser, shows: str) -> None:
    """--before and --after: how much around an event; `shows` says of what."""
    for name, side in (("before", "before"), ("after", "behind")):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="[CLASS=]SECONDS",
            help=f"{shows} {side} an event; may be repeated: --{name} 6 --{name} goal=20",
        )


def add_params_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--params", type=Path, metavar="FILE", help="parameters (default: params.yaml, if it is there)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="change one parameter; may be repeated, e.g. --set train.epochs=10",
    )


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def finish(
    parser: argparse.ArgumentParser,
    run: Callable[[argparse.Namespace], Any],
    *,
    preset: bool = False,
    device: bool = False,
    params: bool = True,
) -> None:
    """Add the options that commands with a result have, and what is called."""
    if preset:
        parser.add_argument(
            "--preset",
            choices=tuple(PRESETS),
            help="how weights are averaged and events decoded: as the paper does, or as was measured to help "
            "(default: as params.yaml says)",
        )
    if device:
        parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")
    if params:
        add_params_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def params_of(options: argparse.Namespace) -> Params:
    """The parameters, changed by --preset, then by --set."""
    preset = getattr(options, "preset", None)
    return load_params(options.params, [*(PRESETS[preset] if preset else ()), *options.set])
