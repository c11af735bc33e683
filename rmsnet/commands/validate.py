"""rmsnet validate: bad data are refused before anything is computed from them."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser("validate", help="check a dataset; bad data end with exit status 1 and a report")
    parser.add_argument("data", type=Path, help="dataset in SoccerNet's layout")
    add_folder(parser, "out", "folder of the report (HTML, Markdown, JSON)")
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="a model's profile.json: do the features look like its training?"
    )
    finish(parser, run)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)

    from rmsnet.validation import validate

    validation = validate(
        options.data,
        options.out,
        params.extract,
        params.data.classes,
        profile=options.profile,
    )
    if not options.json:
        for check in validation.checks:
            if check.status == "failed":
                print(f"{check.severity}: {check.rows_failed:,} {check.table} break this: {check.expectation}")
        print(f"{options.data}: {validation.summary}: {options.out / 'report.html'}")
    return asdict(validation)
