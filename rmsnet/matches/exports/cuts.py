"""The neutral list that every format is written from: timelines of cuts out of videos, with moments in them.

All places are whole frames, counted from the first frame of the video (not of its time code), and half open: a cut
shows the frames from `first` up to, not including, `behind`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rmsnet.matches.exports.timecode import frame_shown
from rmsnet.matches.highlights.clips import Highlight, join_overlapping, segment_of
from rmsnet.matches.highlights.reel import Segment

_NO_TEXT = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Source:
    """A video as an editor's program sees it.

    Attributes:
        half: the half that it shows.
        path: the file.
        rate: frames a second.
        frames: how many it has.
        start: number of its first frame by its own time code, 0 where it has none.
        drop: whether its time code is drop-frame.
        zero: seconds from the start of the file to its first frame; sound may come first.
        kick_off: seconds from the start of the file to that of the half.
        end: seconds from the start of the half to its end; None: it ends with the file.
        size: (width, height) with square pixels.
        channels: of its sound; 0: it has none.
        sample_rate: of its sound.
    """

    half: int
    path: Path
    rate: Fraction
    frames: int
    start: int = 0
    drop: bool = False
    zero: Fraction = Fraction(0)
    kick_off: Fraction = Fraction(0)
    end: Fraction | None = None
    size: tuple[int, int] = (1920, 1080)
    channels: int = 0
    sample_rate: int = 0

    @property
    def name(self) -> str:
        """Of the file."""
        return plain(self.path.name)

    @property
    def seconds(self) -> float:
        """From the start of the half to its end, or to that of the last frame."""
        last = self.zero + self.frames / self.rate - self.kick_off
        return float(last if self.end is None else min(last, self.end))

    def frame_at(self, seconds: float) -> int:
        """The frame that is shown at a time from the start of the half, to the millisecond; the nearest there is."""
        first = 1000 * (self.zero - self.kick_off)
        return min(self.frames - 1, frame_shown(round(1000 * seconds) - first, self.rate))


@dataclass(frozen=True)
class Moment:
    """An event in a video.

    Attributes:
        frame: at which it happens.
        begin: frame from which on the cut is about it, as the reel's caption and chapter say.
        title: class and minute.
        label: its class.
        colour: #rrggbb of its class.
        note: how sure the model is.
    """

    frame: int
    begin: int
    title: str
    label: str
    colour: str
    note: str


@dataclass(frozen=True)
class Cut:
    """The frames of a video from `first` up to, not including, `behind`, and the moments among them in order."""

    source: Source
    first: int
    behind: int
    name: str
    moments: tuple[Moment, ...]

    @property
    def frames(self) -> int:
        return self.behind - self.first


@dataclass(frozen=True)
class Timeline:
    """Cuts one after the other, all at one rate.

    Attributes:
        name: of the match, and which of its timelines this is.
        cuts: at least one.
        zero: seconds at which a player shows its first frame.
    """

    name: str
    cuts: tuple[Cut, ...]
    zero: Fraction = Fraction(0)

    @property
    def rate(self) -> Fraction:
        return self.cuts[0].source.rate

    @property
    def drop(self) -> bool:
        """Whether its time code is drop-frame: as its sources'."""
        return self.cuts[0].source.drop

    @property
    def frames(self) -> int:
        return sum(cut.frames for cut in self.cuts)

    @property
    def sources(self) -> list[Source]:
        """Each once, in order."""
        return list(dict.fromkeys(cut.source for cut in self.cuts))

    @property
    def files(self) -> dict[Path, Source]:
        """Each video file once, in order, with the first source that lies in it; a file may hold several halves."""
        files: dict[Path, Source] = {}
        for source in self.sources:
            files.setdefault(source.path, source)
        return files

    def placed(self) -> Iterator[tuple[int, Cut]]:
        """Each cut with the frame of the timeline at which it begins."""
        offset = 0
        for cut in self.cuts:
            yield offset, cut
            offset += cut.frames

    def moments(self) -> Iterator[tuple[int, int, int, Moment]]:
        """Each moment with its frame, its begin and the end of its cut, in frames of the timeline."""
        for offset, cut in self.placed():
            shift = offset - cut.first
            for moment in cut.moments:
                yield moment.frame + shift, moment.begin + shift, offset + cut.frames, moment


class Written(NamedTuple):
    """What a format makes of a timeline: the text of a file, and what it could not say, a line each."""

    text: str
    remarks: tuple[str, ...] = ()


def reel(title: str, sources: Sequence[Source], events: Sequence[Highlight]) -> list[Timeline]:
    """The cuts of the reel: what it shows, joined where it joins; a timeline, or one for each rate of the sources."""
    cuts = []
    for source in sources:
        shown = _inside(source, events)
        rest = iter(shown)
        for segment in join_overlapping([segment_of(source.path, source.seconds, event) for event in shown]):
            cuts.append(_cut(source, segment, [next(rest) for _ in segment.captions]))
    return _at_one_rate(f"{title} reel", cuts)


def _cut(source: Source, segment: Segment, events: Sequence[Highlight]) -> Cut:
    """As long as the reel makes it, see `rmsnet.matches.highlights.reel`."""
    first = source.frame_at(segment.start)
    moments = tuple(
        _moment(source, event, source.frame_at(caption.start))
        for event, caption in zip(events, segment.captions, strict=True)
    )
    last = max(moment.frame for moment in moments)
    behind = max(last + 1, first + round((segment.end - segment.start) * source.rate))
    return Cut(source, first, min(source.frames, behind), ", ".join(moment.title for moment in moments), moments)


def whole(title: str, sources: Sequence[Source], events: Sequence[Highlight]) -> list[Timeline]:
    """The halves from kick-off to whistle, one after the other; a timeline, or one for each rate of the sources."""
    cuts = []
    for source in sources:
        first = source.frame_at(0)
        behind = source.frames if source.end is None else first + round(source.end * source.rate)
        cuts.append(_in_full(source, first, min(source.frames, behind), events))
    return _at_one_rate(f"{title} events", cuts)


def halves(title: str, sources: Sequence[Source], events: Sequence[Highlight]) -> list[Timeline]:
    """The file of each half in full, on its own clock; one that holds several of them once."""
    timelines = []
    for _, periods in groupby(sources, key=lambda source: source.path):
        first, *others = periods
        cut = _in_full(first, 0, first.frames, events)
        for other in others:
            cut = replace(cut, moments=(*cut.moments, *_in_full(other, 0, other.frames, events).moments))
        kind = "match" if others else f"half-{first.half}"
        timelines.append(Timeline(f"{title} {kind}", (cut,), first.zero))
    return timelines


def _in_full(source: Source, first: int, behind: int, events: Sequence[Highlight]) -> Cut:
    moments = tuple(
        _moment(source, event, source.frame_at(event.position_ms / 1000 - event.before))
        for event in _inside(source, events)
    )
    return Cut(source, first, behind, source.name, moments)


def _inside(source: Source, events: Sequence[Highlight]) -> list[Highlight]:
    return [event for event in events if event.half == source.half and event.position_ms / 1000 < source.seconds]


def _moment(source: Source, event: Highlight, begin: int) -> Moment:
    frame = source.frame_at(event.position_ms / 1000)
    note = f"confidence {100 * event.confidence:.0f} %"
    return Moment(frame, min(begin, frame), plain(event.title), plain(event.label), event.color, note)


def _at_one_rate(name: str, cuts: Sequence[Cut]) -> list[Timeline]:
    """A timeline has one rate and one kind of time code: halves that differ get one each."""
    kinds: dict[tuple[Fraction, bool], list[Cut]] = {}
    for cut in cuts:
        kinds.setdefault((cut.source.rate, cut.source.drop), []).append(cut)
    if len(kinds) < 2:
        return [Timeline(name, tuple(of_kind)) for of_kind in kinds.values()]
    return [Timeline(f"{name} half-{of_kind[0].source.half}", tuple(of_kind)) for of_kind in kinds.values()]


def plain(text: str) -> str:
    """A text of anybody in one line that every format can hold: without control characters and halves of letters."""
    return " ".join(_NO_TEXT.sub("\ufffd", " ".join(text.split())).split())
