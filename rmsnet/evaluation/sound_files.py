"""Annotations and predictions in which nothing is odd, as hardly any is: by columns, several times faster than by rows.

Where anything is odd there is None, and whoever asked has to look at the rows one by one.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from types import GenericAlias
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from rmsnet.dataset.labels import HALVES, LAST_MS, split_game_time
from rmsnet.documents import LARGEST_NUMBER
from rmsnet.evaluation.cells import GRID_SECONDS

Columns = list[npt.NDArray[Any]]
"""One-dimensional arrays of one length."""

NO_EVENT = -1


def sound_annotations(content: bytes, of_label: Mapping[str, int | None]) -> tuple[str, Columns | None]:
    """Which game the file says it is of; half, milliseconds, class and whether it was shown.

    Args:
        content: of a label file.
        of_label: class of each label, None for those that are no event.
    """
    number_of = {label: NO_EVENT if number is None else number for label, number in of_label.items()}
    try:
        document = _annotations(tuple(number_of)).decode(content)
        rows = document.annotations
        times = [split_game_time(row.gameTime) or (0, 0) for row in rows]
        half = np.fromiter((time[0] for time in times), np.int64, len(rows))
        # The development kit reads the last two digits of the minutes.
        position_ms = _integers(
            1000 * (time[1] % 6000) if row.position is msgspec.UNSET else row.position
            for row, time in zip(rows, times, strict=True)
        )
        label = _integers(map(number_of.__getitem__, map(attrgetter("label"), rows)))
        shown = np.array([row.visibility != "not shown" for row in rows], np.bool_)
    except (ValueError, OverflowError, RecursionError):
        return "", None
    events = label != NO_EVENT
    sound = (half >= HALVES[0]) & (half <= HALVES[-1]) & (is_time(position_ms) | ~events)
    return _game_of(document), [column[events] for column in (half, position_ms, label, shown)] if sound.all() else None


def sound_predictions(content: bytes, index: Mapping[str, int], periods: int) -> tuple[str, Columns | None]:
    """Which game the file says it is of; half, milliseconds, class and confidence."""
    try:
        document = _predictions(tuple(index)).decode(content)
        rows = document.predictions
        half, position_ms = (_integers(map(attrgetter(name), rows)) for name in ("half", "position"))
        label = _integers(map(index.__getitem__, map(attrgetter("label"), rows)))
        confidence = np.fromiter(map(attrgetter("confidence"), rows), np.float64, len(rows))
    except (ValueError, OverflowError, RecursionError):
        return "", None
    sound = (half >= 1) & (half <= periods) & is_time(position_ms) & (abs(confidence) < LARGEST_NUMBER)
    return _game_of(document), [half, position_ms, label, confidence] if sound.all() else None


def is_time(position_ms: Any) -> Any:
    """Whether (arrays of) milliseconds can be placed; a little before the half is possible, see `Grid.cells`."""
    return (position_ms > -1000 * GRID_SECONDS) & (position_ms < LAST_MS)


def _integers(values: Iterable[int]) -> npt.NDArray[np.int64]:
    return np.fromiter(values, np.int64)


def _game_of(document: Any) -> str:
    return document.UrlLocal if isinstance(document.UrlLocal, str) else ""


@cache
def _annotations(labels: tuple[str, ...]) -> "msgspec.json.Decoder[Any]":
    position = ("position", int | msgspec.UnsetType, msgspec.UNSET)
    return _decoder("annotations", [("gameTime", str), ("label", Literal[labels]), position, ("visibility", Any, None)])


@cache
def _predictions(labels: tuple[str, ...]) -> "msgspec.json.Decoder[Any]":
    return _decoder(
        "predictions", [("half", int), ("position", int), ("label", Literal[labels]), ("confidence", float)]
    )


def _decoder(key: str, columns: Sequence[Any]) -> "msgspec.json.Decoder[Any]":
    """Reads rows with numbers where numbers belong, or texts that read as such; skips the rest."""
    row = msgspec.defstruct("Row", columns, gc=False)
    document = msgspec.defstruct("Document", [(key, GenericAlias(list, row)), ("UrlLocal", Any, None)])
    return msgspec.json.Decoder(document, strict=False)
