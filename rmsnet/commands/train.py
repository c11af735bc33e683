"""rmsnet train: frame banks become a model."""

import argparse
from pathlib import Path
from typing import Any

from rmsnet.commands._options import (
    add_device_option,
    add_json_option,
    add_params_options,
    add_preset_option,
    params_of,
)


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("train", help="train a model, tracked in MLflow; an interrupted training continues")
    parser.add_argument("--features", type=Path, required=True, help="folder of frame banks (rmsnet extract)")
    parser.add_argument("--out", type=Path, required=True, help="model folder")
    parser.add_argument("--variant", help="a named change of the train section: a key of params.yaml's variants")
    add_preset_option(parser)
    add_device_option(parser)
    add_params_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.training.stage import train_stage

    metrics = train_stage(
        options.features,
        options.out,
        params,
        variant=options.variant,
        device=options.device,
        progress=not options.json,
    )
    if not options.json:
        score = 100 * metrics["valid_average_map"]
        print(f"{metrics['name']}: best epoch {metrics['best_epoch']}, valid Average-mAP {score:.1f}: {options.out}")
    return metrics
