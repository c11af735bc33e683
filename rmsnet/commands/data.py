"""rmsnet data: make datasets and look at them."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of
from rmsnet.commands.compare_labels import add_compare_labels
from rmsnet.commands.convert import add_convert
from rmsnet.commands.init import add_init


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("data", help="make, get and look at datasets")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_simulate(actions)
    _add_download(actions)
    _add_split(actions)
    _add_inspect(actions)
    add_convert(actions)
    add_compare_labels(actions)
    add_init(actions)
    _add_lineage(actions)


def _add_simulate(actions: Commands) -> None:
    parser = actions.add_parser("simulate", help="simulate matches in SoccerNet's layout")
    add_folder(parser, "out", "folder for the dataset")
    parser.add_argument(
        "--games", type=int, metavar="N", help="games to train, choose and test on (default: 48; with --labels all)"
    )
    parser.add_argument(
        "--gate",
        type=int,
        metavar="N",
        help="more games, for the gate alone (default: half as many; not with --labels)",
    )
    parser.add_argument(
        "--minutes", type=int, metavar="N", help="minutes of a half or quarter (default: 15; not with --labels)"
    )
    parser.add_argument(
        "--sport",
        choices=("football", "basketball"),
        default="football",
        help="basketball: its own classes, four quarters, a match in one file (default: football)",
    )
    parser.add_argument("--labels", type=Path, metavar="DIR|ZIP", help="put the features under these annotations")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another dataset (default: 0)")
    parser.add_argument("--video", action="store_true", help="draw the broadcasts too: 1_224p.mkv, … of every game")
    finish(parser, run_simulate, params=False)


def run_simulate(options: argparse.Namespace) -> Any:
    from rmsnet.simulation import simulate

    info = simulate(
        options.out,
        games=options.games,
        gate=options.gate,
        minutes=options.minutes,
        labels=options.labels,
        seed=options.seed,
        video=options.video,
        sport=options.sport,
    )
    if not options.json:
        games = ", ".join(f"{count} {split}" for split, count in info["games"].items())
        print(f"{options.out}: {info['name'].lower()}, {games}")
    return info


def _add_split(actions: Commands) -> None:
    parser = actions.add_parser("split", help="give each game of one's own a role: train, valid, test or gate")
    parser.add_argument("data", type=Path, help="folder of games with labels; those that are listed keep their roles")
    finish(parser, run_split, params=False)


def run_split(options: argparse.Namespace) -> Any:
    from rmsnet.dataset.roles import split

    made = split(options.data)
    if not options.json:
        print(f"{options.data}: {', '.join(f'{len(games)} {role}' for role, games in made.items())}")
    return made


def _add_inspect(actions: Commands) -> None:
    parser = actions.add_parser("inspect", help="what is in a dataset: games, hours, events, files, gaps")
    parser.add_argument("data", type=Path, help="dataset in SoccerNet's layout")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write an HTML page with plots")
    finish(parser, run_inspect)


def run_inspect(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.validation.inspection import describe, inspect

    found = inspect(options.data, features=params.extract.features, classes=params.data.classes, page=options.page)
    if not options.json:
        print(describe(found))
    return found


def _add_lineage(actions: Commands) -> None:
    parser = actions.add_parser("lineage", help="where a model comes from, with hashes, from dataset to evaluation")
    parser.add_argument("model", help="a model folder, models:/NAME@ALIAS or models:/NAME/VERSION")
    add_folder(parser, "features", "frame banks to compare", "features")
    add_folder(parser, "data", "dataset to compare", "data")
    finish(parser, run_lineage, params=False)


def run_lineage(options: argparse.Namespace) -> Any:
    from rmsnet.registry.lineage import as_text, lineage

    links = lineage(options.model, options.features, options.data)
    if not options.json:
        print(as_text(links))
    return [asdict(link) for link in links]


def _add_download(actions: Commands) -> None:
    parser = actions.add_parser("download", help="fetch SoccerNet's files; may be interrupted and run again")
    add_folder(parser, "out", "folder of the dataset")
    parser.add_argument("--what", default="labels,features", help="some of labels,features,videos (labels,features)")
    parser.add_argument(
        "--split", default="train,valid,test", help="some of train,valid,test,challenge, or own lists (the first three)"
    )
    parser.add_argument("--video", choices=("224p", "720p", "HQ"), default="224p", help="which videos (224p)")
    parser.add_argument(
        "--source",
        choices=("HuggingFace", "EXRCSDrive"),
        default="HuggingFace",
        help="where from; videos: an account with access there, or the NDA's password (SOCCERNET_PASSWORD) here",
    )
    finish(parser, run_download)


def run_download(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.dataset.downloading import ask_password, download

    what, splits = options.what.split(","), options.split.split(",")
    done = download(
        options.out,
        what,
        splits,
        features=params.extract.features,
        video=options.video,
        source=options.source,
        password=ask_password() if "videos" in what and options.source == "EXRCSDrive" else None,
    )
    if not options.json:
        print(f"{options.out}: {done.fetched:,} files fetched, {done.present:,} were there")
    return asdict(done)
