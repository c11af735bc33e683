"""Options that several commands share."""

import argparse
from pathlib import Path

from rmsnet.params import PRESETS, Params, load_params


def add_params_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--params", type=Path, metavar="FILE", help="parameters (default: params.yaml, if it is there)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="change one parameter; may be repeated, e.g. --set train.epochs=10",
    )


def add_preset_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        help="how weights are averaged and events decoded: as the paper does, or as was measured to help "
        "(default: as params.yaml says)",
    )


def params_of(options: argparse.Namespace) -> Params:
    """The parameters, changed by --preset, then by --set."""
    preset = getattr(options, "preset", None)
    return load_params(options.params, [*(PRESETS[preset] if preset else ()), *options.set])


def add_device_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to compute")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
