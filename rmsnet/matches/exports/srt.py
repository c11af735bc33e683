"""SubRip: numbered subtitles, UTF-8."""

from rmsnet.matches.exports.cues import clock, cues
from rmsnet.matches.exports.cuts import Timeline, Written


def write(timeline: Timeline) -> Written:
    blocks = [
        "\n".join([str(number), f"{clock(start, ',')} --> {clock(end, ',')}", *lines])
        for number, (start, end, lines) in enumerate(cues(timeline), start=1)
    ]
    return Written("".join(f"{block}\n\n" for block in blocks))
