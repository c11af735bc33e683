"""rmsnet spot: a match becomes a list of events, a page and highlight clips."""

import argparse
from pathlib import Path
from typing import Any

from rmsnet.commands._options import Commands, add_folder, add_stretches, finish
from rmsnet.logs import log


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "spot",
        help="find the events of a match",
        description="Find the events of a match with a trained model. A match is one or two videos (the halves), one "
        "or two files of features (.npy), a game folder, or every game of a dataset.",
    )
    parser.add_argument("source", type=Path, nargs="+", help="video, features (.npy), game folder or dataset")
    parser.add_argument(
        "--model", required=True, metavar="DIR|URI", help="model folder, models:/rmsnet@champion or hf://ORG/NAME"
    )
    add_folder(parser, "out", "folder for events, plot, page and clips")
    parser.add_argument("--stride", type=int, metavar="N", help="frames between clips (default: as it was judged)")
    parser.add_argument(
        "--confidence",
        type=float,
        metavar="P",
        help="least to print, show at first, cut (default: what the model has learned for each class, else 0.5)",
    )
    parser.add_argument("--highlights", action="store_true", help="cut clips around the events and join them in a reel")
    parser.add_argument(
        "--export",
        type=lambda names: names.split(","),
        default=[],
        metavar="FORMAT,…",
        help="write events and cuts for other programs: edl, fcpxml, xmeml, otio, srt, vtt, youtube, ffmetadata",
    )
    add_stretches(parser, "what clips, page and exports show")
    parser.add_argument(
        "--reel-classes", metavar="CLASS,…", help="classes that are cut and exported (default: all that the model has)"
    )
    parser.add_argument(
        "--reel-events",
        type=Path,
        metavar="CSV",
        help="cut and export these events, as the page saves them (default: what is sure enough)",
    )
    parser.add_argument("--split", help="of a dataset: test, challenge, … (default: all games of its lists)")
    parser.add_argument("--strict", action="store_true", help="refuse features that are unlike those of the training")
    finish(parser, run, device=True, params=False)


def run(options: argparse.Namespace) -> Any:
    from rmsnet.matches.stage import require_all, spot_stage

    spotted = spot_stage(
        options.source,
        options.model,
        options.out,
        stride=options.stride,
        confidence=options.confidence,
        highlights=options.highlights,
        exports=options.export,
        before=options.before,
        after=options.after,
        reel_classes=options.reel_classes,
        reel_events=options.reel_events,
        split=options.split,
        strict=options.strict,
        device=options.device,
        shown=not options.json,
    )
    said: set[str] = set()
    for match in (match for match in spotted if not match.fault):
        for warning in (warning for warning in match.warnings if warning not in said):  # of many matches the same
            said.add(warning)
            log.warning(warning)
        if not options.json:
            for event in match.told:
                print(
                    f"{event['half']} - {event['time']}  {event['minute']:>6}  {event['label']:<18} "
                    f"{100 * event['confidence']:3.0f} %"
                )
            less = len(match.events) - len(match.told)
            rest = f" ({less} less sure)" if less else ""
            print(f"{match.name}: {len(match.told)} events{rest}: {match.out / 'report.html'}")
            for file in match.exports:
                print(f"{match.name}: {file}")
    require_all(spotted)
    return [
        {
            "name": match.name,
            "out": str(match.out),
            "events": list(match.events),
            "least_confidence": dict(match.least),
            "drift": list(match.drift),
            "exports": [str(file) for file in match.exports],
        }
        for match in spotted
    ]
