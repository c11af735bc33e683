"""rmsnet registry: what is in the model registry and how it gets there."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import add_json_option, add_params_options, params_of


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("registry", help="the model registry")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    register = actions.add_parser("register", help="register the best of some models; the gate decides on @champion")
    register.add_argument("models", type=Path, nargs="+", help="model folders (rmsnet train)")
    register.add_argument("--evaluation", type=Path, required=True, help="folder with the evaluation of each model")
    register.add_argument("--features", type=Path, required=True, help="frame banks the models were judged on")
    register.add_argument("--out", type=Path, required=True, help="folder for decision.json and summary.md")
    add_params_options(register)
    add_json_option(register)
    register.set_defaults(run=run_register)


def run_register(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.registry import register_stage

    decision = register_stage(
        options.models, options.evaluation, options.features, options.out, params.register.model_name
    )
    if not options.json:
        print((options.out / "summary.md").read_text(encoding="utf-8"), end="")
    return asdict(decision)
