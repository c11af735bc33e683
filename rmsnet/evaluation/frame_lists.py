"""Frame lists, or label files of any other format, as columns: what `frame_tolerances.py` judges."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from rmsnet.dataset.formats.document import Annotations, Timeline
from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.stated import Stated, unknown_labels
from rmsnet.errors import UserError
from rmsnet.evaluation.cells import Floats
from rmsnet.spots import Predictions, Truth

Video = tuple[str, int]
"""Name and half."""

SAME_RATE = 1e-3
"""Rates may differ by so much: 29.97 and 30000/1001 are one."""


@dataclass(frozen=True)
class Lists:
    """Truth and predictions of videos.

    Attributes:
        videos: that the truth lists; `truth.half` and `predictions.half` number them.
        frame_rates: (V,) frames per second.
        classes: those with an event, sorted.
        truth: the events.
        predictions: of those classes.
        missing: videos without predictions.
    """

    videos: tuple[Video, ...]
    frame_rates: Floats
    classes: tuple[str, ...]
    truth: Truth
    predictions: Predictions
    missing: tuple[str, ...]


def read_lists(
    labels: Path,
    predictions: Path,
    *,
    frame_rate: Fraction | None = None,
    ignore_others: bool = False,
    allow_missing: bool = False,
) -> Lists:
    """Read truth and predictions.

    Args:
        labels: in any format of `rmsnet.dataset.formats`.
        predictions: likewise; those without a confidence are certain.
        frame_rate: of videos whose rate the files do not say.
        ignore_others: leave out predictions of classes that the labels do not name, instead of refusing them.
        allow_missing: take videos without predictions for empty.

    Raises:
        UserError: see `read_source`; no event, a rate that nobody says or that differs, other videos, other classes.
    """
    stated = Stated(fps=frame_rate)
    annotated, found = (read_source(source, guess(source), stated) for source in (labels, predictions))
    classes = tuple(sorted({mark.label for mark in annotated.marks}))
    if not classes:
        raise UserError(f"{labels}: holds no event")
    videos = {(timeline.name, timeline.half): number for number, timeline in enumerate(annotated.timelines)}
    rates = [_rate(timeline, frame_rate, labels) for timeline in annotated.timelines]
    missing = _missing(videos, found, predictions, allow_missing)
    strangers = unknown_labels(Counter(mark.label for mark in found.marks), annotated.used_classes)
    if strangers and not ignore_others:
        raise UserError(f"{predictions}: unknown class {strangers}; --ignore-other-labels leaves such out")
    _require_rates(found, videos, rates, predictions)
    number = {name: place for place, name in enumerate(classes)}
    annotations = _columns(annotated, videos, number)
    return Lists(
        tuple(videos),
        np.array([float(rate) for rate in rates]),
        classes,
        Truth(annotations.half, annotations.position_ms, annotations.label, np.ones(len(annotations.half), bool)),
        _columns(found, videos, number),
        missing,
    )


def _rate(timeline: Timeline, stated: Fraction | None, where: Path) -> Fraction:
    rate = timeline.fps or stated
    if rate is None:
        raise UserError(f"{where}: {timeline.name!r} says no frame rate; name it with --frame-rate")
    return rate


def _missing(videos: Mapping[Video, int], found: Annotations, where: Path, allow: bool) -> tuple[str, ...]:
    there = {(timeline.name, timeline.half) for timeline in found.timelines}
    others = sorted(name for name, half in there - videos.keys())
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise UserError(f"{where}: predictions for a video that the labels do not list: {others[0]!r}{more}")
    missing = tuple(name for name, half in videos if (name, half) not in there)
    if missing and (not allow or len(missing) == len(videos)):
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        hint = "" if len(missing) == len(videos) else "; --allow-missing takes missing videos for empty"
        raise UserError(f"{where}: no predictions for video {missing[0]!r}{more}{hint}")
    return missing


def _require_rates(found: Annotations, videos: Mapping[Video, int], rates: list[Fraction], where: Path) -> None:
    for timeline in found.timelines:
        rate = rates[videos[timeline.name, timeline.half]]
        if timeline.fps is not None and abs(timeline.fps / rate - 1) > SAME_RATE:
            raise UserError(
                f"{where}: {timeline.name!r} has {float(timeline.fps):g} frames per second here and {float(rate):g} in "
                "the labels"
            )


def _columns(document: Annotations, videos: Mapping[Video, int], classes: Mapping[str, int]) -> Predictions:
    """The marks of the classes, in the order of the file."""
    rows = [
        (
            videos[timeline.name, timeline.half],
            mark.position_ms,
            classes[mark.label],
            1.0 if mark.confidence is None else mark.confidence,
        )
        for timeline in document.timelines
        for mark in timeline.marks
        if mark.label in classes
    ]
    video, position_ms, label, confidence = zip(*rows, strict=True) if rows else ((), (), (), ())
    half, position, number = (np.array(column, np.int64) for column in (video, position_ms, label))
    return Predictions(half, position, number, np.array(confidence, np.float64))
