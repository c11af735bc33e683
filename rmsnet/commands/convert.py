"""rmsnet data convert: label files of one tool for another."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, finish
from rmsnet.dataset.formats.clocks import TIMES

SHOWN_NOTES = 8


def add_convert(actions: Commands) -> None:
    parser = actions.add_parser(
        "convert",
        help="labels or predictions of one tool for another",
        description="Read label files of one format and write them in another; docs/formats.md lists them. What the "
        "new format cannot hold is said.",
    )
    parser.add_argument("source", type=Path, help="file, folder, or zip of a folder")
    parser.add_argument(
        "--from", dest="source_format", default="", metavar="FORMAT", help="default: where it is certain"
    )
    parser.add_argument("--to", dest="target", required=True, metavar="FORMAT", help="osl, csv, sportscode, …")
    parser.add_argument("--out", type=Path, required=True, help="file with the format's ending, or folder")
    parser.add_argument("--classes", metavar="NAME|FILE", help="v1, v2, ball, …, or a file with a class a line")
    parser.add_argument("--frame-rate", help="frames per second where a file does not say them: 25, 29.97, 30000/1001")
    parser.add_argument("--times", choices=TIMES, default="", help="how a table writes times")
    finish(parser, run_convert, params=False)


def run_convert(options: argparse.Namespace) -> Any:
    from rmsnet.dataset.formats.converting import convert
    from rmsnet.dataset.formats.registry import format_name
    from rmsnet.dataset.formats.stated import Stated, stated_classes
    from rmsnet.dataset.formats.times import rate

    stated = Stated(
        stated_classes(options.classes) if options.classes else (),
        rate(options.frame_rate) if options.frame_rate else None,
        options.times,
    )
    target = format_name(options.target, "--to")
    source_format = format_name(options.source_format, "--from") if options.source_format else ""
    done = convert(options.source, options.out, target, stated, source_format)
    if not options.json:
        seen = " (seen by what is in it)" if done.guessed else ""
        found = f"{_count(done.games, 'game')}, {_count(sum(done.events.values()), 'event')}"
        print(f"{options.source}: {done.source_format}{seen}, {found}")
        for title, lines in (("lost", done.lost), ("note", done.notes)):
            for line in lines[:SHOWN_NOTES]:
                print(f"{title}: {line}")
            if len(lines) > SHOWN_NOTES:
                print(f"{title}: and {len(lines) - SHOWN_NOTES:,} more (all of them: --json)")
        print(f"{options.out}: {target}, {_count(len(done.files), 'file')}")
    return {**asdict(done), "files": [str(path) for path in done.files], "target_format": target}


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
