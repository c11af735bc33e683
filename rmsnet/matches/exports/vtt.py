"""WebVTT: subtitles for browsers and players of the web."""

from html import escape

from rmsnet.matches.exports.cues import clock, cues
from rmsnet.matches.exports.cuts import Timeline, Written


def write(timeline: Timeline) -> Written:
    blocks = [
        "\n".join([f"{clock(start, '.')} --> {clock(end, '.')}", *(escape(line, quote=False) for line in lines)])
        for start, end, lines in cues(timeline)
    ]
    return Written("\n\n".join(["WEBVTT", *blocks]) + "\n")
