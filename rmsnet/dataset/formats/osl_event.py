"""An event of OSL JSON, annotated or predicted.

    {"head": "action", "label": "PASS", "position_ms": 1160, "confidence": 0.9}

Three names of the confidence are in use. A `timestamp_utc` counts more than the position where the footage says when it
began.
"""

from collections import Counter
from contextlib import suppress
from datetime import datetime
from fractions import Fraction
from typing import Any

import msgspec

from rmsnet.dataset.formats.document import Mark
from rmsnet.dataset.formats.json_rows import others, shown, typed
from rmsnet.dataset.formats.times import frame_of_ms, game_time, rounded, whole_ms
from rmsnet.errors import UserError


class _Event(msgspec.Struct):
    label: str
    position_ms: int | float | str | None = None
    head: str = ""
    team: str = ""
    visibility: str = ""
    end_ms: int | None = None
    confidence_score: float | None = None
    confidence: float | None = None
    score: float | None = None


def mark_of(row: dict[str, Any], fps: Fraction | None, origin: datetime | None, where: str, odd: Counter[str]) -> Mark:
    """The mark of an event.

    Args:
        row: as it stands in the file.
        fps: of the footage, where it says so.
        origin: when the footage began, where it says so.
        where: the event, in messages.
        odd: gets what is odd.

    Raises:
        UserError: a field is missing or is not what it should be.
    """
    event = typed(row, _Event, where)
    time = utc(row.get("timestamp_utc"))
    try:
        position_ms = None if event.position_ms is None else whole_ms(event.position_ms)
    except ValueError as error:
        raise UserError(f"{where}.position_ms: {error}") from None
    if origin is not None and time is not None:
        since_ms = rounded(1000 * Fraction(str((time - origin).total_seconds())))
        if position_ms is not None and abs(since_ms - position_ms) > 1:
            odd["timestamp_utc and position_ms differ; the timestamp counts"] += 1
        position_ms = since_ms
    if position_ms is None:
        raise UserError(f"{where}: no position_ms")
    scores = (event.confidence_score, event.confidence, event.score)
    confidence = next((score for score in scores if score is not None), None)
    extra = others(row, _Event)
    if confidence is not None:
        extra = _without_repeated(extra, position_ms, fps)
    visible = shown(event.visibility, extra)
    return Mark(1, position_ms, event.label.strip(), event.team, visible, event.end_ms, confidence, event.head, extra)


def _without_repeated(extra: dict[str, Any], position_ms: int, fps: Fraction | None) -> dict[str, Any]:
    """What a prediction says beyond its time, which it repeats in two more ways that are written anew."""
    time = game_time(1, position_ms)[1:]
    frame = None if fps is None else frame_of_ms(position_ms, fps)
    repeated = {"gameTime"} if str(extra.get("gameTime", "")).endswith(time) else set()
    repeated |= {"frame"} if extra.get("frame") == frame else set()
    return {key: value for key, value in extra.items() if key not in repeated}


def utc(value: Any) -> datetime | None:
    """A time such as "2026-01-31 18:30:00.250000"; None for anything else."""
    with suppress(ValueError, TypeError):
        return datetime.fromisoformat(value).replace(tzinfo=None)
    return None
