"""The page of a match from events that are there already: anybody's predictions, or labels. No model, no features."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rmsnet.dataset.formats.document import Timeline
from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.periods import HALVES, Period
from rmsnet.errors import UserError
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.files import write_text
from rmsnet.locks import alone
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.matches.page.match_page import match_page
from rmsnet.matches.page.page_video import page_video
from rmsnet.matches.stretches import choose_stretches
from rmsnet.spots import Predictions, Truth

FRAME_RATE = 2.0
"""Frames per second of the page's timeline."""


@alone
def events_page(
    source: Path, out: Path, *, videos: Sequence[Path] = (), source_format: str = "", confidence: float = 0.5
) -> Path:
    """Write the page of one match.

    Args:
        source: a file of events in a format of `rmsnet.dataset.formats.registry`, or the folder of a game.
        out: folder that gets report.html.
        videos: of the halves, in order.
        source_format: of the source; "" where it is certain by itself.
        confidence: least that is shown until the slider is moved; labels have 1.

    Returns:
        The page.

    Raises:
        UserError: see the readers; no event, events of several games, more videos than halves.
    """
    if not 0 <= confidence <= 1:
        raise UserError(f"--confidence {confidence}: must lie in [0, 1]")
    document = read_source(source, source_format or guess(source))
    if not any(document.marks):
        raise UserError(f"{source}: holds no event")
    if len(document.games) > 1:
        raise UserError(f"{source}: holds the events of {len(document.games)} games; give the file of one")
    ((name, timelines),) = document.games.items()
    periods = _periods(timelines)
    if len(videos) > len(periods):
        raise UserError(f"--video {videos[len(periods)]}: a match has {len(periods)} periods; give a video for each")
    for video in videos:
        if not video.exists():
            raise UserError(f"--video {video}: no such file")
    numbers = range(1, len(periods) + 1)
    halves = tuple(MatchHalf(number, None, tuple(videos[number - 1 : number])) for number in numbers)
    bank = _bank(name, timelines, document.used_classes, periods)
    out.mkdir(parents=True, exist_ok=True)
    page = out / "report.html"
    write_text(
        page,
        match_page(
            Match(name, halves),
            bank,
            _predictions(timelines, bank.classes),
            np.zeros((len(bank.classes), len(bank.features)), np.int64),
            [page_video(half, out) for half in halves],
            out=out,
            least=np.full(len(bank.classes), confidence),
            model="",
            simulated=False,
            clip_frames=1,
            stretches=choose_stretches(bank.classes, periods=len(periods)),
        ),
    )
    return page


def _periods(timelines: Sequence[Timeline]) -> tuple[Period, ...]:
    """Two halves; where the events lie in more, so many, each with a clock of its own and as long as the longest."""
    last = max(timeline.half for timeline in timelines)
    if last <= len(HALVES):
        return HALVES
    longest_ms = max((mark.position_ms for timeline in timelines for mark in timeline.marks), default=0)
    return tuple(Period(f"P{number}", math.ceil((longest_ms + 1) / 60_000)) for number in range(1, last + 1))


def _bank(name: str, timelines: Sequence[Timeline], classes: tuple[str, ...], periods: Sequence[Period]) -> FrameBank:
    """Frames without features: how long each period is, at least its minutes."""
    ends = {timeline.half: max((mark.position_ms for mark in timeline.marks), default=0) for timeline in timelines}
    halves, first = [], 0
    for number, period in enumerate(periods, start=1):
        frames = math.ceil(max(60 * period.minutes, ends.get(number, 0) / 1000 + 1) * FRAME_RATE)
        halves.append(BankHalf(name, number, first, frames))
        first += frames
    nothing = np.empty(0, np.int64)
    told = [{"name": one.name, "minutes": one.minutes, "first_minute": one.first_minute} for one in periods]
    return FrameBank(
        np.zeros((first, 0), np.float32),
        tuple(halves),
        Truth(nothing, nothing, nothing, nothing.astype(bool)),
        classes,
        FRAME_RATE,
        0.0,
        {"simulated": False, "periods": told},
    )


def _predictions(timelines: Sequence[Timeline], classes: Sequence[str]) -> Predictions:
    rows = [
        (
            timeline.half - 1,
            mark.position_ms,
            classes.index(mark.label),
            1 if mark.confidence is None else mark.confidence,
        )
        for timeline in timelines
        for mark in timeline.marks
    ]
    half, position_ms, label, confidence = zip(*rows, strict=True)
    return Predictions(
        np.array(half, np.int64),
        np.array(position_ms, np.int64),
        np.array(label, np.int64),
        np.array(confidence, np.float64),
    )
