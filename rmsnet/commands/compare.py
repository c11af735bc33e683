"""rmsnet compare: two models on the same games, as a page."""

import argparse
from dataclasses import replace
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of
from rmsnet.errors import UserError


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="two evaluations or registered versions on the same games, as a page",
        description="Say where B differs from A: at each tolerance and class with paired intervals over games, in "
        "precision over recall, confidence and time, and on which games most.",
    )
    parser.add_argument("a", metavar="A", help="folder of rmsnet evaluate --model, or a version: number or alias")
    parser.add_argument("b", metavar="B", help="likewise; differences are B minus A")
    add_folder(parser, "features", "frame banks with the split", "features")
    parser.add_argument("--split", choices=("valid", "test"), default="valid", help="(default: valid)")
    parser.add_argument("--bootstrap", type=int, metavar="N", help="resamples behind the intervals (default: 1000)")
    add_folder(parser, "out", "folder for page, plots and tables")
    finish(parser, run)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)
    if options.bootstrap is not None:
        if options.bootstrap < 0:
            raise UserError(f"--bootstrap {options.bootstrap}: must not be negative; 0 gives no interval")
        params = replace(params, evaluate=replace(params.evaluate, bootstrap=options.bootstrap))

    from rmsnet.evaluation.comparison import comparison, comparison_table
    from rmsnet.registry.comparing import compare_stage

    assessments = compare_stage([options.a, options.b], options.features, options.out, params, options.split)
    if not options.json:
        print(f"{comparison_table(assessments)}\n\n{options.out / 'report.html'}")
    return comparison(assessments)
