"""rmsnet data init: what a folder of one's own matches is."""

import argparse
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, finish


def add_init(actions: Commands) -> None:
    parser = actions.add_parser(
        "init",
        help="say what a folder of your own matches is",
        description="Write dataset.json for a folder that holds a folder for each game; docs/datasets.md says what "
        "else may stand in it.",
    )
    parser.add_argument("data", type=Path, help="folder of the games")
    parser.add_argument(
        "--labels", metavar="NAME", default="", help="what the label file of a game is called: events.csv"
    )
    parser.add_argument("--format", default="csv", help="of the label files, as of rmsnet data convert (default: csv)")
    parser.add_argument("--times", default="", help="how a table writes times, as of rmsnet data convert")
    parser.add_argument("--classes", default="", metavar="A,B|FILE", help="default: those that the label files use")
    parser.add_argument(
        "--features",
        action="append",
        default=[],
        metavar="NAME:RATE[:FIRST]",
        help="features that lie there: name, rows a second, seconds of row 0 (one step); may be repeated",
    )
    parser.add_argument("--periods", default="", help="2x30, or Q1,Q2,Q3,Q4x12 (default: two halves of 45 minutes)")
    parser.add_argument(
        "--whole-match", action="store_true", help="a file holds a whole match: kick_offs.json says where"
    )
    parser.add_argument("--name", default="", help="of the dataset (default: the folder's)")
    finish(parser, run_init, params=False)


def run_init(options: argparse.Namespace) -> Any:
    from rmsnet.dataset.initialising import init_dataset

    said = init_dataset(
        options.data,
        name=options.name,
        labels=options.labels,
        label_format=options.format,
        times=options.times,
        classes=options.classes,
        features=options.features,
        periods=options.periods,
        whole_match=options.whole_match,
    )
    if not options.json:
        names = ", ".join(entry["name"] for entry in said["classes"])
        print(f"{options.data / 'dataset.json'}: {said['name']}, {len(said['classes'])} classes: {names}")
    return said
