"""rmsnet combine: models that were trained with several seeds become one."""

import argparse
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "combine",
        help="make one model of several that differ in their seed",
        description="Make an ensemble: the mean of the probabilities and offsets of several trained models, a model "
        "folder and an MLflow run like any other.",
    )
    parser.add_argument("models", type=Path, nargs="+", metavar="MODEL", help="model folders (rmsnet train)")
    add_folder(parser, "features", "the frame banks that they were trained on")
    add_folder(parser, "out", "model folder")
    finish(parser, run)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.training.ensemble import ensemble_stage

    metrics = ensemble_stage(options.models, options.features, options.out, params)
    if not options.json:
        score = 100 * metrics["valid_average_map"]
        print(f"{metrics['name']}: {metrics['members']} models, valid Average-mAP {score:.1f}: {options.out}")
    return metrics
