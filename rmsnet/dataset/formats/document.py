"""What every label file becomes: timelines with marks, half and millisecond.

A timeline is a piece of footage whose clock starts at 0: a half, a quarter, a whole match, a clip. A match of several
has a timeline for each, of one name.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from rmsnet.dataset.labels import Event
from rmsnet.errors import UserError

MOST_HALVES = 99
"""Pieces of a match; the quarters, sets and throws of any sport are fewer."""

_HALF_OF = re.compile(r"(.+)/half([1-9][0-9]?)")


@dataclass(frozen=True, slots=True)
class Mark(Event):
    """An event of a file: annotated, or predicted where it has a confidence.

    Attributes:
        end_ms: where it ends, for tools that mark stretches; None: it is a moment.
        confidence: None for an annotation.
        head: the question that the label answers, where a file asks several (OSL).
        extra: what else the file says of it, by the file's own names.
    """

    end_ms: int | None = None
    confidence: float | None = None
    head: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Timeline:
    """A piece of footage with its marks.

    Attributes:
        name: league/season/game, an id, or the file's path without its ending.
        half: which piece of the match it is, from 1; the `half` of its marks.
        marks: in the order of the file.
        fps: frames per second of the footage, where the file says so.
        frames: its length in frames, where the file says so.
        video: path of the footage as the file writes it; "" unknown.
        extra: what else the file says of the footage.
    """

    name: str
    half: int = 1
    marks: tuple[Mark, ...] = ()
    fps: Fraction | None = None
    frames: int | None = None
    video: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Annotations:
    """The content of a label file, or of all those of a folder.

    Attributes:
        timelines: in the order of the files; name and half are different for each.
        classes: those that the file lists, whether used or not; () where it lists none.
        colours: red, green and blue of a class, 16 bits each.
        extra: what else the file says at its top.
        notes: what was odd in it, a line each.
    """

    timelines: tuple[Timeline, ...] = ()
    classes: tuple[str, ...] = ()
    colours: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def marks(self) -> Iterator[Mark]:
        return (mark for timeline in self.timelines for mark in timeline.marks)

    @property
    def used_classes(self) -> tuple[str, ...]:
        """The listed classes, then those that only marks name, in the order in which they come."""
        return tuple(dict.fromkeys([*self.classes, *(mark.label for mark in self.marks)]))

    @property
    def games(self) -> dict[str, list[Timeline]]:
        """The timelines of each name, halves in order."""
        found: dict[str, list[Timeline]] = {}
        for timeline in self.timelines:
            found.setdefault(timeline.name, []).append(timeline)
        return {name: sorted(pieces, key=lambda piece: piece.half) for name, pieces in found.items()}


def joined(documents: Iterable[Annotations], where: str, halves_in_names: bool = False) -> Annotations:
    """Several files as one document.

    Args:
        documents: the files.
        where: what messages call them together.
        halves_in_names: their format knows footage and no halves, see `written_names`.

    Raises:
        UserError: two of them tell of the same piece of footage, or an event is none.
    """
    documents = list(documents)
    timelines = [timeline for document in documents for timeline in document.timelines]
    if halves_in_names:
        timelines = _with_halves(timelines)
    seen: set[tuple[str, int]] = set()
    for timeline in timelines:
        _require_events(timeline, where)
        key = timeline.name, timeline.half
        if key in seen:
            raise UserError(f"{where}: half {timeline.half} of {timeline.name!r} is there twice; keep one")
        seen.add(key)
    colours: dict[str, tuple[int, int, int]] = {}
    extra: dict[str, Any] = {}
    for document in reversed(documents):  # the first one's word counts
        colours |= document.colours
        extra |= document.extra
    return Annotations(
        tuple(timelines),
        tuple(dict.fromkeys(name for document in documents for name in document.classes)),
        colours,
        extra,
        tuple(note for document in documents for note in document.notes),
    )


def _require_events(timeline: Timeline, where: str) -> None:
    if not timeline.name:
        raise UserError(f"{where}: footage without a name")
    if not 1 <= timeline.half <= MOST_HALVES:
        raise UserError(f"{where}: {timeline.name}: half {timeline.half}; they go from 1 to {MOST_HALVES}")
    for number, mark in enumerate(timeline.marks, 1):
        if not mark.label:
            raise UserError(f"{where}: {timeline.name}: event {number} has no label")
        if mark.confidence is not None and not math.isfinite(mark.confidence):
            raise UserError(f"{where}: {timeline.name}: event {number}: confidence {mark.confidence} is not finite")


def written_names(document: Annotations) -> list[tuple[str, Timeline]]:
    """The timelines by names of one part, for formats that know footage and no halves: "game/half2"."""
    alone = {name for name, pieces in document.games.items() if [piece.half for piece in pieces] == [1]}
    return [
        (piece.name if piece.name in alone else f"{piece.name}/half{piece.half}", piece) for piece in document.timelines
    ]


def _with_halves(timelines: list[Timeline]) -> list[Timeline]:
    """The inverse of `written_names`: "game/half1" is a half where there is a "game/half2", too."""
    found = [_HALF_OF.fullmatch(timeline.name) if timeline.half == 1 else None for timeline in timelines]
    later = {match[1] for match in found if match and int(match[2]) > 1}
    return [
        replace(timeline, name=match[1], half=int(match[2]), marks=_in_half(timeline.marks, int(match[2])))
        if match and match[1] in later
        else timeline
        for timeline, match in zip(timelines, found, strict=True)
    ]


def _in_half(marks: tuple[Mark, ...], half: int) -> tuple[Mark, ...]:
    return tuple(replace(mark, half=half) for mark in marks)
