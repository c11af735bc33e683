"""What a format could not hold: a document compared with what comes back from the files that were written of it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.json_rows import as_text
from rmsnet.dataset.formats.times import seconds_text

ATTRIBUTES: Mapping[str, Callable[[Mark], Any]] = {
    "label": lambda mark: mark.label,
    "team": lambda mark: mark.team,
    "visibility": lambda mark: not mark.visible,
    "confidence": lambda mark: mark.confidence,
    "end": lambda mark: mark.end_ms,
}


def losses(source: Annotations, kept: Annotations) -> list[str]:
    """What is in `source` and not in `kept`, a line each; empty where all of it is."""
    found = {(timeline.name, timeline.half): timeline for timeline in kept.timelines}
    pairs = [(timeline, found.get((timeline.name, timeline.half))) for timeline in source.timelines]
    both = [(timeline, other) for timeline, other in pairs if other is not None]
    absent = [timeline for timeline, other in pairs if other is None]
    marks = [pair for one, other in both for pair in zip(one.marks, other.marks, strict=True)]
    return [
        *_of_times(marks),
        *_of_marks(marks),
        *_of_names([timeline for timeline in absent if timeline.marks], "called otherwise"),
        *_of_names([timeline for timeline in absent if not timeline.marks], "without events"),
        *_of_timelines(both),
        *_of_document(source, kept),
    ]


def _of_times(pairs: list[tuple[Mark, Mark]]) -> Iterator[str]:
    moves = [abs(mark.position_ms - other.position_ms) for mark, other in pairs]
    moved = sum(move > 0 for move in moves)
    if moved:
        yield f"time of {_events(moved)} moves, by {seconds_text(max(moves))} s at most"
    certain = sum(mark.confidence is None and other.confidence is not None for mark, other in pairs)
    if certain:
        yield f"{_events(certain)} without a confidence get{'s' * (certain == 1)} 1"


def _of_marks(pairs: list[tuple[Mark, Mark]]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    if len({mark.head for mark, _ in pairs}) > 1:  # one alone tells nothing
        counts["head"] = sum(mark.head != other.head for mark, other in pairs)
    for mark, other in pairs:
        for name, value_of in ATTRIBUTES.items():
            value = value_of(mark)
            counts[name] += value not in (None, "", False) and value_of(other) != value
        counts.update(f"{key!r}" for key in _missing(mark.extra, other.extra))
    yield from (f"{name} of {_events(count)}" for name, count in counts.items() if count)


def _of_names(timelines: list[Timeline], what: str) -> Iterator[str]:
    if timelines:
        yield f"{len(timelines)} piece{'s' * (len(timelines) > 1)} of footage {what} (first: {timelines[0].name})"


def _of_timelines(pairs: list[tuple[Timeline, Timeline]]) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for timeline, other in pairs:
        counts["frame rate"] += timeline.fps is not None and not _same_rate(timeline.fps, other.fps)
        counts["length in frames"] += timeline.frames not in (None, other.frames)
        counts["path of the video"] += timeline.video not in ("", other.video)
        counts.update(f"{key!r}" for key in _missing(timeline.extra, other.extra))
    yield from (f"{name} ({count} time{'s' * (count > 1)})" for name, count in counts.items() if count)


def _of_document(source: Annotations, kept: Annotations) -> Iterator[str]:
    unused = [name for name in source.used_classes if name not in kept.used_classes]
    if unused:
        yield f"classes without events: {', '.join(unused)}"
    if any(kept.colours.get(name) != colour for name, colour in source.colours.items()):
        yield "colours"
    yield from (f"{key!r} of the file" for key in _missing(source.extra, kept.extra))


def _missing(extra: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """The entries that are not kept, as they are or as a text."""
    return [
        key
        for key, value in extra.items()
        if value not in (None, "", [], {}) and (key not in kept or as_text(kept[key]) != as_text(value))
    ]


def _same_rate(one: Fraction, other: Fraction | None) -> bool:
    return other is not None and float(one) == float(other)


def _events(count: int) -> str:
    return f"{count} event{'s' * (count != 1)}"
