"""rmsnet data: make datasets and look at them."""

import argparse
from pathlib import Path
from typing import Any

from rmsnet.commands._options import add_json_option


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("data", help="make a dataset")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_simulate(actions)


def _add_simulate(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("simulate", help="simulate matches in SoccerNet's layout")
    parser.add_argument("--out", type=Path, required=True, help="folder for the dataset")
    parser.add_argument("--games", type=int, metavar="N", help="number of games (default: 48; with --labels all)")
    parser.add_argument("--minutes", type=int, metavar="N", help="minutes of a half (default: 15; not with --labels)")
    parser.add_argument("--labels", type=Path, metavar="DIR|ZIP", help="put the features under these annotations")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another dataset (default: 0)")
    parser.add_argument("--video", action="store_true", help="draw the broadcasts too: {1,2}_224p.mkv of every game")
    add_json_option(parser)
    parser.set_defaults(run=run_simulate)


def run_simulate(options: argparse.Namespace) -> Any:
    from rmsnet.simulation import simulate

    info = simulate(
        options.out,
        games=options.games,
        minutes=options.minutes,
        labels=options.labels,
        seed=options.seed,
        video=options.video,
    )
    if not options.json:
        games = ", ".join(f"{count} {split}" for split, count in info["games"].items())
        print(f"{options.out}: {info['name'].lower()}, {games}")
    return info
