"""rmsnet page: a page to look at a match, of events that are there already."""

import argparse
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, finish


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "page",
        help="the page of a match from predictions or labels, without a model",
        description="Write the page that rmsnet spot writes, of events that somebody has found already: predictions "
        "or labels in any format that rmsnet data convert reads.",
    )
    parser.add_argument("events", type=Path, help="file of one match, or the folder that it lies in")
    add_folder(parser, "out", "folder for report.html")
    parser.add_argument(
        "--from", dest="source_format", default="", metavar="FORMAT", help="default: where it is certain"
    )
    parser.add_argument(
        "--video", type=Path, nargs="+", default=[], metavar="FILE", help="videos of the halves (needs rmsnet[spot])"
    )
    parser.add_argument(
        "--confidence",
        type=float,
        default=0.5,
        metavar="P",
        help="least to show at first; labels have 1 (default: 0.5)",
    )
    finish(parser, run, params=False)


def run(options: argparse.Namespace) -> Any:
    from rmsnet.dataset.formats.registry import format_name
    from rmsnet.matches.events_page import events_page

    page = events_page(
        options.events,
        options.out,
        videos=options.video,
        source_format=format_name(options.source_format, "--from") if options.source_format else "",
        confidence=options.confidence,
    )
    if not options.json:
        print(page)
    return {"page": str(page)}
