"""rmsnet extract: a dataset becomes frame banks."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import add_json_option, add_params_options, params_of


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("extract", help="stack a dataset's features into one frame bank per split")
    parser.add_argument("data", type=Path, help="dataset in SoccerNet's layout")
    parser.add_argument("--out", type=Path, required=True, help="folder for the frame banks")
    add_params_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.extraction import extract

    done = extract(options.data, options.out, params.extract.features, params.data.classes)
    for warning in done.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if not options.json:
        for split, frames in done.frames.items():
            print(f"{split:6} {frames:9,} frames {done.events[split]:7,} events")
    return asdict(done)
