"""python -m pipelines compile: checked YAML, for upload to Kubeflow."""

import argparse
from pathlib import Path

from pipelines.commands._options import NAMES, add_making, deployment_of, params_of
from rmsnet.errors import UserError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("compile", help="write OUT/NAME.yaml, checked, for upload to Kubeflow")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the YAML files")
    add_making(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from pipelines.backend.cost import cost_of
    from pipelines.compiling import write_pipelines

    for name in options.names:
        if name not in NAMES:
            raise UserError(f"{name}: no such pipeline; there are {', '.join(NAMES)}")
    deployment, params = deployment_of(options), params_of(options)
    for path, document, assumed in write_pipelines(options.names or list(NAMES), deployment, params, options.out):
        print(path)
        print("\n".join(f"  {line}" for line in cost_of(document, assumed).lines()))
