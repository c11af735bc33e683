"""rmsnet reproduce: the paper's tables and figures, trained here beside its numbers, and what lies beyond them."""

import argparse
import re
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of

STUDY_NAMES = (
    "table2",
    "table3",
    "table4",
    "table5",
    "table6",
    "figure4",
    "figure5",
    "figure6",
    "figure7",
    "clip-length",
    "options",
    "board",
)


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "reproduce",
        help="run a table or figure of the paper, the options beyond it, or the board of published results; finished "
        "rows are kept",
    )
    parser.add_argument("study", choices=STUDY_NAMES, help="which table or figure")
    add_folder(parser, "features", "frame banks", "features")
    add_folder(parser, "out", "folder for all studies", "studies")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="trainings of each row (default: 5)")
    parser.add_argument(
        "--grid",
        choices=("json", "dvc"),
        help="run nothing; print the rows as parameters, or as commands for dvc exp run",
    )
    finish(parser, run, preset=True, device=True)


def run(options: argparse.Namespace) -> Any:
    params = params_of(options)

    if options.grid:
        return _print_grid(options.study, options.grid)

    from rmsnet.documents import read_document
    from rmsnet.study.stage import reproduce

    reproduce(
        options.study,
        options.features,
        options.out,
        params,
        seeds=options.seeds,
        device=options.device,
        progress=not options.json,
    )
    folder = options.out / options.study
    if not options.json:
        print(f"\n{(folder / 'table.md').read_text(encoding='utf-8')}\n{folder / 'report.html'}")
    return read_document(folder / "result.json", dict[str, Any])


def _print_grid(study: str, form: str) -> None:
    import json
    import shlex

    from rmsnet.study.stage import grid

    rows = grid(study)
    if form == "json":
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        name = re.sub(r"[^a-z0-9]+", "-", f"{study} {row['name']}".lower().replace("λ", "lambda")).strip("-")
        # "++": most of the train section's keys stand in no params.yaml, and DVC changes only what stands there.
        changes = " ".join(f"--set-param {shlex.quote(f'++{change}')}" for change in row["set"])
        print(f"dvc exp run --queue --name {name} {changes} evaluate@full".replace("  ", " "))
