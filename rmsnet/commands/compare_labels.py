"""rmsnet data compare-labels: how far annotators agree, and one file made of theirs."""

import argparse
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, finish


def add_compare_labels(actions: Commands) -> None:
    parser = actions.add_parser(
        "compare-labels",
        help="how far annotators agree; their files merged",
        description="Match the events of several annotators within a tolerance: F1 of events of the same class, "
        "Cohen's kappa of the classes of events that both have.",
    )
    parser.add_argument("labels", type=Path, nargs="+", help="two or more label files, or folders of them")
    parser.add_argument("--tolerance", type=float, default=1.0, metavar="S", help="seconds between two (default: 1)")
    parser.add_argument(
        "--from", dest="source_format", default="", metavar="FORMAT", help="default: where it is certain"
    )
    parser.add_argument("--times", default="", help="how a table writes times, as of rmsnet data convert")
    parser.add_argument(
        "--merge", type=Path, metavar="FILE", help="write all events, what not all have found as unsure"
    )
    finish(parser, run_compare_labels, params=False)


def run_compare_labels(options: argparse.Namespace) -> Any:
    from rmsnet.dataset.formats.comparing import compare_labels
    from rmsnet.dataset.formats.registry import format_name
    from rmsnet.dataset.formats.stated import Stated
    from rmsnet.style.tables import as_text

    form = format_name(options.source_format, "--from") if options.source_format else ""
    stated = Stated((), None, options.times)
    found = compare_labels(options.labels, options.tolerance, form=form, stated=stated, merge=options.merge)
    told = []
    for (first, second), agreed in found.pairs.items():
        told.append(
            {
                "first": str(first),
                "second": str(second),
                "both": len(agreed.both),
                "called_differently": len(agreed.otherwise),
                "first_alone": len(agreed.first),
                "second_alone": len(agreed.second),
                "f1": agreed.f1,
                "kappa": agreed.kappa,
                "per_class": agreed.per_class,
            }
        )
        if not options.json:
            if agreed.per_class:
                print(as_text([{"class": label, **counts} for label, counts in agreed.per_class.items()]))
            print(
                f"{first}, {second}: F1 {_figure(agreed.f1)} within {options.tolerance:g} s; of "
                f"{len(agreed.both) + len(agreed.otherwise)} events of both {len(agreed.otherwise)} are called "
                f"differently, Cohen's kappa {_figure(agreed.kappa)}"
            )
    if not options.json:
        for file in found.files:
            print(f"{file}: the events of all; what not all have found is unsure")
    return {"games": found.games, "pairs": told, "files": [str(file) for file in found.files]}


def _figure(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.2f}"
