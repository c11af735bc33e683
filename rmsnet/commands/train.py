"""rmsnet train: frame banks become a model."""

import argparse
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("train", help="train a model, tracked in MLflow; an interrupted training continues")
    add_folder(parser, "features", "folder of frame banks (rmsnet extract)")
    add_folder(parser, "out", "model folder")
    parser.add_argument("--variant", help="a named change of the train section: a key of params.yaml's variants")
    parser.add_argument(
        "--start-from",
        metavar="DIR|URI",
        help="a model folder, or models:/rmsnet@champion, whose weights it starts from; classes of the same name keep "
        "what it has learned of them (default: fresh weights)",
    )
    finish(parser, run, preset=True, device=True)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.training.stage import train_stage

    metrics = train_stage(
        options.features,
        options.out,
        params,
        variant=options.variant,
        start_from=options.start_from,
        device=options.device,
        progress=not options.json,
    )
    if not options.json:
        score = 100 * metrics["valid_average_map"]
        print(f"{metrics['name']}: best epoch {metrics['best_epoch']}, valid Average-mAP {score:.1f}: {options.out}")
    return metrics
