"""rmsnet annotate: a page to label a match in."""

import argparse
import getpass
from contextlib import suppress
from pathlib import Path

from rmsnet.commands._options import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "annotate",
        help="a page to see, correct and make the labels of matches in",
        description="Open a local page in which events are added, moved and corrected. What a model suggests is "
        "accepted or refused. Every change is kept at once.",
    )
    parser.add_argument("source", type=Path, nargs="+", help="video, game folder, or folder of games")
    parser.add_argument("--model", default="", metavar="DIR|URI", help="its events are suggestions to accept or refuse")
    parser.add_argument("--labels", default="", metavar="NAME|FILE", help="the label file (default: the dataset's)")
    parser.add_argument("--format", default="", help="of the label file, as of rmsnet data convert (default: as it is)")
    parser.add_argument("--times", default="", help="how a table writes times, as of rmsnet data convert")
    parser.add_argument(
        "--classes", default="", metavar="NAME|FILE", help="v1, v2, ball, …, or a file with a class a line"
    )
    parser.add_argument(
        "--annotator", default="", metavar="NAME", help="keep a label file of your own beside the common one"
    )
    parser.add_argument("--port", type=int, help="default: the same for the same source")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the model computes")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from rmsnet.annotating.games import Asked
    from rmsnet.annotating.server import annotate

    asked = Asked(options.labels, options.format, options.classes, options.annotator, options.times)
    with suppress(KeyboardInterrupt):  # the usual end
        annotate(
            options.source,
            asked,
            model=options.model,
            annotator=options.annotator or _user(),
            port=options.port,
            device=options.device,
            browse=not options.no_browser,
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return "annotator"
