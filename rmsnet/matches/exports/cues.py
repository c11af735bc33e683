"""Subtitles: what is shown when, for SRT and WebVTT."""

from itertools import groupby, pairwise
from typing import NamedTuple

from rmsnet.matches.exports.cuts import Timeline
from rmsnet.matches.exports.timecode import milliseconds

SHOWN_SECONDS = 4
"""So long the name of an event stands, from the event on."""


class Cue(NamedTuple):
    """Lines that are shown from `start` to before `end`, in milliseconds."""

    start: int
    end: int
    lines: tuple[str, ...]


def cues(timeline: Timeline) -> list[Cue]:
    """A cue for each event, or for those of one frame; the next one, or the end of the cut, ends it.

    Programs that lay subtitles on a track take no two at once.
    """
    longest = int(SHOWN_SECONDS * timeline.rate)
    moments = sorted(timeline.moments(), key=lambda moment: moment[0])
    together = [(frame, list(of_frame)) for frame, of_frame in groupby(moments, key=lambda moment: moment[0])]
    begins = [frame for frame, _ in together]
    ends = [end for _, end in pairwise(begins)] + [timeline.frames]
    return [
        Cue(
            milliseconds(frame, timeline.rate, timeline.zero),
            milliseconds(min(frame + longest, end, of_frame[0][2]), timeline.rate, timeline.zero),
            tuple(moment.title for _, _, _, moment in of_frame),
        )
        for (frame, of_frame), end in zip(together, ends, strict=True)
    ]


def clock(milliseconds: int, point: str) -> str:
    """hh:mm:ss and the milliseconds behind a point or comma."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{rest:03d}"
