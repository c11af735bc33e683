"""Chapters: a video from its first moment to its last in named parts, for the two formats that have them."""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

from rmsnet.matches.exports.cuts import Timeline
from rmsnet.matches.exports.timecode import milliseconds

BEFORE_THE_FIRST = "Start"
"""What the part before the first event is called."""


class Chapter(NamedTuple):
    """A part from `start` to before `end`, in milliseconds."""

    start: int
    end: int
    title: str


def chapters_of(timeline: Timeline, least_ms: int = 1) -> tuple[list[Chapter], int]:
    """Chapters that begin where the cuts are about an event, see `chapters`."""
    zero, rate = timeline.zero, timeline.rate
    starts = [(milliseconds(begin, rate, zero), moment.title) for _, begin, _, moment in timeline.moments()]
    return chapters(starts, milliseconds(timeline.frames, rate, zero), least_ms)


def chapters(starts: Iterable[tuple[int, str]], length_ms: int, least_ms: int = 1) -> tuple[list[Chapter], int]:
    """Chapters without gaps from 0 to the end, each at least so long; a later start ends the one before it.

    Args:
        starts: when a chapter begins, and its title; what is over before 0 or begins behind the end is left out.
        length_ms: of the video.
        least_ms: a chapter shorter than this is joined with the one before it, the first with the one behind it.

    Returns:
        The chapters, and how many were joined with another.
    """
    inside = sorted((start, title) for start, title in starts if start < length_ms)
    over = sum(later <= 0 for _, (later, _) in pairwise(inside))
    begun = [(max(0, start), [title]) for start, title in inside[over:]]
    if not begun or begun[0][0] >= least_ms:
        begun.insert(0, (0, [BEFORE_THE_FIRST]))
    kept, joined = [(0, begun[0][1])], 0
    for start, titles in begun[1:]:
        if min(start - kept[-1][0], length_ms - start) < least_ms:
            kept[-1][1].extend(titles)
            joined += 1
        else:
            kept.append((start, titles))
    ends = [start for start, _ in kept[1:]] + [length_ms]
    return [Chapter(start, end, ", ".join(titles)) for (start, titles), end in zip(kept, ends, strict=True)], joined
