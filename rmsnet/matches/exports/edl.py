"""CMX 3600, the edit decision list that every program of the last forty years reads: a cut an event, no rate in it.

The record side begins at 01:00:00:00 as tapes do. A moment is a `* LOC:` line in record time, as Avid writes it.
"""

import re
from collections.abc import Sequence

from rmsnet.errors import UserError
from rmsnet.matches.exports.colours import nearest
from rmsnet.matches.exports.cuts import Source, Timeline, Written, plain
from rmsnet.matches.exports.timecode import frame_of, timecode

MOST_EVENTS = 999
"""Their number has three digits."""

REEL_LETTERS = 8
TITLE_LETTERS = 70

COLOURS = ("RED", "GREEN", "BLUE", "CYAN", "MAGENTA", "YELLOW", "WHITE")


def write(timeline: Timeline) -> Written:
    """Raises UserError where the rate has no time code, or there are more cuts than the format numbers."""
    if len(timeline.cuts) > MOST_EVENTS:
        raise UserError(
            f"{len(timeline.cuts)} cuts, and an EDL numbers {MOST_EVENTS}; raise --confidence or choose --reel-classes"
        )
    rate, drop = timeline.rate, timeline.drop
    begin = frame_of("01:00:00;00" if drop else "01:00:00:00", rate)
    reels = dict(zip(timeline.files, _reels(list(timeline.files.values())), strict=True))
    lines = [f"TITLE: {timeline.name[:TITLE_LETTERS]}", f"FCM: {'DROP FRAME' if drop else 'NON-DROP FRAME'}"]
    for number, (offset, cut) in enumerate(timeline.placed(), start=1):
        source = cut.source
        places = (source.start + cut.first, source.start + cut.behind, begin + offset, begin + offset + cut.frames)
        channels = ("V", "B", "AA/V")[min(source.channels, 2)]
        codes = " ".join(timecode(frame, rate, drop) for frame in places)
        lines += ["", f"{number:03d}  {reels[source.path]:<{REEL_LETTERS}} {channels:<5} C        {codes}"]
        lines += [f"* FROM CLIP NAME: {source.name}", f"* SOURCE FILE: {plain(str(source.path))}"]
        for moment in cut.moments:
            at = timecode(begin + offset + moment.frame - cut.first, rate, drop)
            lines.append(f"* LOC: {at} {nearest(moment.colour, COLOURS):<7} {moment.title}, {moment.note}")
    return Written("\n".join(lines) + "\n")


def _reels(sources: Sequence[Source]) -> list[str]:
    """A tape's name for each video, after its file: at most eight letters and digits, no two the same."""
    names: list[str] = []
    for source in sources:
        name = re.sub(r"[^A-Z0-9]", "", source.path.stem.upper())[:REEL_LETTERS] or "AX"
        names.append(f"{name[: REEL_LETTERS - 1]}{source.half}" if name in names else name)
    return names
