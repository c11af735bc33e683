"""rmsnet live: the events of a match while it is played."""

import argparse
import sys
from typing import Any

from rmsnet.commands._options import Commands, add_folder, add_stretches, finish
from rmsnet.logs import log


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "live",
        help="find the events of a match while it is played",
        description="Find the events of a match while it is played. What is found is printed as JSON Lines, fills a "
        "page, and is cut into clips; the same command goes on after an interruption. At the end the folder holds what "
        "rmsnet spot leaves of the recordings.",
    )
    parser.add_argument("source", nargs="?", help="playlist (.m3u8), rtsp://, udp://, … or a file that grows")
    parser.add_argument("--model", metavar="DIR|URI", help="model folder, models:/rmsnet@champion or hf://ORG/NAME")
    add_folder(parser, "out", "folder for recordings, events, clips and page")
    parser.add_argument("--webhook", metavar="URL", help="gets every line, one POST each")
    parser.add_argument("--port", type=int, default=0, help="of the page, on this machine (default: a free one)")
    parser.add_argument("--wait", action="store_true", help="for a kick-off; else the first picture is it")
    parser.add_argument(
        "--period-gap", type=float, default=300, metavar="S", help="without pictures between two periods (default: 300)"
    )
    parser.add_argument(
        "--end-after", type=float, default=1800, metavar="S", help="without pictures: it is over (default: 1800)"
    )
    parser.add_argument("--confidence", type=float, metavar="P", help="least to tell (default: as rmsnet spot)")
    add_stretches(parser, "what clips show")
    parser.add_argument("--no-clips", action="store_true", help="cut no clips")
    parser.add_argument(
        "--tell",
        choices=("kick-off", "end", "finish"),
        help="tell the command that works on --out: a period begins, it ends, the match is over",
    )
    parser.add_argument("--ago", type=float, default=0, metavar="S", help="the kick-off was so long ago (0 to 60)")
    finish(parser, run, device=True, params=False)


def run(options: argparse.Namespace) -> Any:
    from rmsnet.errors import UserError
    from rmsnet.live.stage import live_stage, tell_running

    if options.tell is not None:
        print(tell_running(options.out, options.tell, options.ago))
        return None
    if options.source is None or options.model is None:
        raise UserError("name a SOURCE and --model; or --tell something to the command that works on --out")
    done = live_stage(
        options.source,
        options.model,
        options.out,
        webhook=options.webhook,
        port=options.port,
        wait=options.wait,
        period_gap=options.period_gap,
        end_after=options.end_after,
        confidence=options.confidence,
        before=options.before,
        after=options.after,
        clips=not options.no_clips,
        device=options.device,
        print_lines=True,
        keys=sys.stdin is not None and sys.stdin.isatty(),
    )
    for warning in done.warnings:
        log.warning(warning)
    log.info(f"{done.name}: {len(done.told)} events: {done.out / 'report.html'}")
    return None
