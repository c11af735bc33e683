"""rmsnet annotate: a page to label a match in."""

import argparse
import getpass
from contextlib import suppress
from pathlib import Path

from rmsnet.commands._options import Commands, add_stretches
from rmsnet.errors import UserError

MOMENTS = 40
"""About an hour's work."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "annotate",
        help="a page to see, correct and make the labels of matches in",
        description="Open a local page in which events are added, moved and corrected. What a model suggests is "
        "accepted or refused. Every change is kept at once.",
    )
    parser.add_argument("source", type=Path, nargs="+", help="video, game folder, or folder of games")
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="DIR|URI",
        help="its events are suggestions to accept or refuse; with --next, several that were trained apart",
    )
    parser.add_argument(
        "--next",
        type=int,
        nargs="?",
        const=MOMENTS,
        default=0,
        metavar="N",
        help=f"choose N moments ({MOMENTS}) worth a look, of games without labels: where the models are unsure or "
        "disagree, every class in its turn",
    )
    parser.add_argument("--labels", default="", metavar="NAME|FILE", help="the label file (default: the dataset's)")
    parser.add_argument("--format", default="", help="of the label file, as of rmsnet data convert (default: as it is)")
    parser.add_argument("--times", default="", help="how a table writes times, as of rmsnet data convert")
    parser.add_argument(
        "--classes", default="", metavar="NAME|FILE", help="v1, v2, ball, …, or a file with a class a line"
    )
    parser.add_argument(
        "--annotator", default="", metavar="NAME", help="keep a label file of your own beside the common one"
    )
    add_stretches(parser, "what is played")
    parser.add_argument("--port", type=int, help="default: the same for the same source")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where the model computes")
    parser.add_argument("--no-browser", action="store_true", help="print the address and open nothing")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from rmsnet.annotating.games import Asked
    from rmsnet.annotating.server import annotate

    if options.next < 0:
        raise UserError(f"--next {options.next}: a number of moments, such as {MOMENTS}")
    if options.next and not options.model:
        raise UserError("--next: say with --model whose doubts choose; several models that were trained apart are best")
    if len(options.model) > 1 and not options.next:
        raise UserError("--model: one model suggests; several are asked with --next alone")
    asked = Asked(
        options.labels,
        options.format,
        options.classes,
        options.annotator,
        options.times,
        before=tuple(options.before),
        after=tuple(options.after),
    )
    with suppress(KeyboardInterrupt):  # the usual end
        annotate(
            options.source,
            asked,
            models=options.model,
            moments=options.next,
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
