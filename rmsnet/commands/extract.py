"""rmsnet extract: a dataset becomes frame banks."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of
from rmsnet.errors import UserError
from rmsnet.logs import log


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "extract",
        help="stack a dataset's features into one frame bank per split, or compute them from its videos",
        description="Frame banks of a dataset: from the features beside its labels, or from its videos "
        "(--set extract.source=videos). An interrupted extraction continues when the same command is run again.",
    )
    parser.add_argument("data", type=Path, nargs="+", help="dataset in SoccerNet's layout; with --join: the parts")
    add_folder(parser, "out", "folder for the frame banks")
    parser.add_argument("--shard", metavar="I/N", help="only part I of N of the games, e.g. 1/4, for --join")
    parser.add_argument("--join", action="store_true", help="make one whole of the parts made with --shard")
    parser.add_argument("--model", type=Path, metavar="DIR", help="compute this model's features from the videos")
    finish(parser, run, device=True)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)
    if options.join and (options.shard or options.model):
        raise UserError("--join: takes parts and --out, neither --shard nor --model")
    if not options.join and len(options.data) > 1:
        raise UserError(f"{options.data[1]}: one dataset at a time; parts of one are joined with --join")

    from rmsnet.features.shards import Shard, join
    from rmsnet.features.stage import extract

    if options.join:
        done = join(options.data, options.out)
    else:
        done = extract(
            options.data[0],
            options.out,
            params.extract,
            params.data.classes,
            shard=None if options.shard is None else Shard.parse(options.shard),
            model=options.model,
            device=options.device,
            progress=not options.json,
        )
    for warning in done.warnings:
        log.warning(warning)
    if not options.json:
        for split, frames in done.frames.items():
            print(f"{split:6} {frames:9,} frames {done.events[split]:7,} events")
    return asdict(done)
