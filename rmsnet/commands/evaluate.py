"""rmsnet evaluate: a model, or anybody's predictions, become scores with intervals, plots and a report."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish, params_of
from rmsnet.errors import UserError

FRAME_LISTS = "e2e-spot"
PROTOCOLS = ("devkit", "soccernet-2018", "calf", FRAME_LISTS)

FILE_OPTIONS = {
    "split": "test",
    "classes": "v2",
    "label_file": None,
    "ignore_other_labels": False,
    "allow_missing": False,
    "leave_out_extra_time": False,
    "protocol": "devkit",
    "frame_rate": None,
    "suppress": None,
    "no_plots": False,
}
"""Options that a model has no use for, with their defaults."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="judge a model, or predictions in SoccerNet's format",
        description="Judge a model on its valid and test split (--model, --features), or predictions against labels "
        "(--labels, --predictions).",
    )
    add_folder(parser, "out", "folder for scores, tables, plots and report.html")
    model = parser.add_argument_group("a model")
    model.add_argument("--model", metavar="DIR|URI", help="model folder (rmsnet train), or models:/rmsnet@champion")
    model.add_argument("--features", type=Path, help="folder of frame banks (rmsnet extract)")
    files = parser.add_argument_group("predictions in files")
    files.add_argument("--labels", type=Path, metavar="DIR|ZIP", help="games with SoccerNet's annotations")
    files.add_argument(
        "--predictions",
        nargs="+",
        metavar="[NAME=]DIR|ZIP",
        help="games with results_spotting.json; several are compared with the first",
    )
    files.add_argument(
        "--split",
        default="test",
        help="train, valid, test, or a split list (….json); default: test",
        metavar="NAME|FILE",
    )
    files.add_argument(
        "--classes", metavar="v1|v2|ball|ball-teams|FILE", help="class list; a file has a name a line (default: v2)"
    )
    files.add_argument("--label-file", metavar="NAME", help="annotation file of a game (default: by class list)")
    files.add_argument("--ignore-other-labels", action="store_true", help="leave out labels not in the class list")
    files.add_argument("--allow-missing", action="store_true", help="take games without predictions for empty")
    files.add_argument(
        "--leave-out-extra-time", action="store_true", help="leave out annotated events of halves 3 to 5"
    )
    files.add_argument("--protocol", choices=PROTOCOLS, help="how to match and count (default: devkit)")
    files.add_argument("--frame-rate", type=float, help="of the grid, frames per second (default: 2; ball 25)")
    files.add_argument(
        "--suppress", type=int, metavar="FRAMES", help="e2e-spot: keep the best prediction within so many (default: 1)"
    )
    files.add_argument(
        "--no-plots", action="store_true", help="numbers, tables and a page without pictures, in a second"
    )
    parser.add_argument(
        "--tolerances",
        help="loose, tight, at1 … at5, or seconds such as 5,10,15 (default: loose; ball at1); e2e-spot: frames "
        "(default: 0,1,2,4)",
    )
    parser.add_argument("--bootstrap", type=int, metavar="N", help="resamples behind the intervals (default: 1000)")
    parser.set_defaults(**FILE_OPTIONS)
    finish(parser, run, device=True)


def run(options: argparse.Namespace) -> Any:
    if options.bootstrap is not None and options.bootstrap < 0:
        raise UserError(f"--bootstrap {options.bootstrap}: must not be negative; 0 gives no interval")
    of_model, of_files = (options.model, options.features), (options.labels, options.predictions)
    if all(of_model) and not any(of_files):
        return _run_model(options)
    if all(of_files) and not any(of_model):
        return _run_files(options)
    raise UserError("evaluate: give either --model and --features, or --labels and --predictions")


def _run_model(options: argparse.Namespace) -> Any:
    given = [name for name, default in FILE_OPTIONS.items() if getattr(options, name) != default]
    if given:
        raise UserError(f"--{given[0].replace('_', '-')}: is for --labels and --predictions, not for --model")
    params = params_of(options).evaluate
    if options.tolerances is not None:
        params = replace(params, tolerances=options.tolerances)
    if options.bootstrap is not None:
        params = replace(params, bootstrap=options.bootstrap)

    from rmsnet.evaluation.report import heading, terminal_table
    from rmsnet.evaluation.stage import evaluate_stage
    from rmsnet.tracking import find_model

    assessments = evaluate_stage(
        find_model(options.model), options.features, options.out, params, device=options.device
    )
    if not options.json:
        for split, assessment in assessments.items():
            print(f"{heading(assessment)}\n\n{terminal_table(assessment)}\n\n{options.out / split / 'report.html'}\n")
    return {split: assessment.metrics() for split, assessment in assessments.items()}


def _run_frame_lists(options: argparse.Namespace) -> Any:
    for name in ("split", "classes", "label_file", "leave_out_extra_time"):
        if getattr(options, name) != FILE_OPTIONS[name]:
            raise UserError(
                f"--{name.replace('_', '-')}: is not for --protocol {FRAME_LISTS}, whose files are the split"
            )
    if options.suppress is not None and options.suppress < 0:
        raise UserError(f"--suppress {options.suppress}: must not be negative; 0 keeps all")
    named = _named(options.predictions)
    if len(named) > 1:
        raise UserError(f"--predictions: --protocol {FRAME_LISTS} judges one set at a time")

    from rmsnet.dataset.formats.times import rate
    from rmsnet.evaluation import frame_stage
    from rmsnet.evaluation.frame_tolerances import TOLERANCES, WINDOW

    ((name, source),) = named.items()
    assessment = frame_stage.evaluate_frame_lists(
        options.labels,
        source,
        options.out,
        name=name,
        tolerances=frame_stage.frame_tolerances(options.tolerances) if options.tolerances else TOLERANCES,
        window=WINDOW if options.suppress is None else options.suppress,
        frame_rate=None if options.frame_rate is None else rate(options.frame_rate),
        resamples=1000 if options.bootstrap is None else options.bootstrap,
        ignore_others=options.ignore_other_labels,
        allow_missing=options.allow_missing,
    )
    if not options.json:
        print(f"{frame_stage.heading(assessment)}\n\n{frame_stage.terminal_table(assessment)}\n")
        print(options.out / "report.html")
    return assessment.metrics()


def _run_files(options: argparse.Namespace) -> Any:
    if options.protocol == FRAME_LISTS:
        return _run_frame_lists(options)
    if options.suppress is not None:
        raise UserError(f"--suppress: is for --protocol {FRAME_LISTS}")
    if options.frame_rate is not None and not 1 <= options.frame_rate <= 1000:
        raise UserError(f"--frame-rate {options.frame_rate:g}: must lie between 1 and 1000 frames per second")

    named = _named(options.predictions)
    if options.no_plots and len(named) > 1:
        raise UserError("--no-plots: is for one set of predictions; the page of a comparison is made of its plots")

    from rmsnet.dataset.class_lists import class_list, classes_of
    from rmsnet.evaluation.assessment import parse_tolerances
    from rmsnet.evaluation.comparison import comparison, comparison_table
    from rmsnet.evaluation.files import describe_labels
    from rmsnet.evaluation.report import heading, missing_games, terminal_table
    from rmsnet.evaluation.stage import evaluate_files

    said = describe_labels(options.labels)
    if said.labels is not None and options.classes == FILE_OPTIONS["classes"]:
        classes = replace(classes_of(said, options.classes), ignore_others=options.ignore_other_labels)
    else:
        classes = class_list(options.classes, options.label_file, options.ignore_other_labels)
    assessments = evaluate_files(
        options.labels,
        named,
        options.out,
        split=options.split,
        classes=classes,
        protocol=options.protocol,
        tolerances=parse_tolerances(options.tolerances or classes.tolerances),
        resamples=1000 if options.bootstrap is None else options.bootstrap,
        frame_rate=options.frame_rate,
        allow_missing=options.allow_missing,
        extra_time=options.leave_out_extra_time,
        plots=not options.no_plots,
    )
    if not options.json:
        for assessment in assessments:
            print(f"{heading(assessment)}\n\n{terminal_table(assessment)}\n")
            if assessment.missing:
                print(f"{missing_games(assessment)}\n")
        if len(assessments) > 1:
            print(f"{comparison_table(assessments)}\n")
        print(options.out / "report.html")
    return assessments[0].metrics() if len(assessments) == 1 else comparison(assessments)


def _named(sources: Sequence[str]) -> dict[str, Path]:
    """Prediction sets by name: NAME=PATH, or the path's last part.

    Raises:
        UserError: two of a name, or a name that is no folder name.
    """
    named: dict[str, Path] = {}
    for source in sources:
        given, equals, path = source.partition("=")
        if not equals or Path(source).exists():
            given, path = "", source
        name = given or Path(path).resolve().name.removesuffix(".zip")
        if name in named or "/" in name or name in ("", ".", ".."):
            raise UserError(f"--predictions {source}: {name!r} is taken or no name; write NAME=PATH with another")
        named[name] = Path(path)
    return named
