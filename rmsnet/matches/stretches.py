"""What of a match's events is cut and exported: which of them, and how much before and behind each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.matches.highlights.clips import AFTER_SECONDS, BEFORE_SECONDS, Highlight
from rmsnet.reading.rows import read_rows
from rmsnet.spots import Predictions
from rmsnet.style.palette import class_looks, name_of


class Chosen(NamedTuple):
    """An event that somebody has chosen."""

    half: int
    position_ms: int
    label: str
    confidence: float


@dataclass(frozen=True)
class Stretches:
    """What is shown.

    Attributes:
        classes: that are cut and exported.
        before: seconds before an event, by class.
        after: seconds behind it.
        events: those that are cut and exported, in order of time; None: of what is found what is sure enough.
    """

    classes: frozenset[str]
    before: Mapping[str, float]
    after: Mapping[str, float]
    events: tuple[Chosen, ...] | None = None


def choose_stretches(
    classes: Sequence[str],
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    only: str | None = None,
    events: Path | None = None,
    periods: int = 2,
) -> Stretches:
    """Read what somebody wants to see.

    Args:
        classes: the model's.
        before, after: "8" for all classes, "goal=20" for one; a class may be named as people or as files name it.
        only: names of the classes that are shown, with commas between; None: all.
        events: a table with the columns half, position_ms and label, such as events.csv or what the page saves.
        periods: of a match.

    Raises:
        UserError: no such class, no number, no such table, or nothing left to show.
    """
    named = {_bare(name): label for label in classes for name in (label, name_of(label))}
    shown = classes if only is None else [_class("--reel-classes", name, named) for name in only.split(",")]
    lead, tail = _seconds("--before", before, named, BEFORE_SECONDS), _seconds("--after", after, named, AFTER_SECONDS)
    for label in shown:
        if lead[label] + tail[label] == 0:
            raise UserError(f"--before and --after are 0 for {name_of(label)}: nothing would be shown of it")
    return Stretches(frozenset(shown), lead, tail, None if events is None else _chosen(events, named, periods))


def pick(predictions: Predictions, bank: FrameBank, rows: Iterable[int], stretches: Stretches) -> list[Highlight]:
    """The chosen events, or those of some rows, in order of time, whose classes are shown."""
    found = stretches.events or (
        Chosen(
            bank.halves[predictions.half[row]].half,
            int(predictions.position_ms[row]),
            bank.classes[predictions.label[row]],
            float(predictions.confidence[row]),
        )
        for row in rows
    )
    looks = class_looks(bank.classes, bank.looks)
    colours = {label: look.colour.on_dark for label, look in zip(bank.classes, looks, strict=True)}
    return [
        Highlight(
            one.half,
            one.position_ms,
            one.label,
            colours[one.label],
            one.confidence,
            stretches.before[one.label],
            stretches.after[one.label],
            name_of(one.label, bank.looks),
            bank.periods,
        )
        for one in found
        if one.label in stretches.classes and not bank.looks.get(one.label, {}).get("hidden")
    ]


def _chosen(path: Path, named: Mapping[str, str], periods: int) -> tuple[Chosen, ...]:
    """The events of a table.

    Raises:
        UserError: no such table, a column that is missing, no number, no such class, or no event.
    """
    events = []
    for line, row in enumerate(read_rows(path, ("half", "position_ms", "label"), "take an events.csv"), start=2):
        where = f"--reel-events {path}, row {line}"
        label = _class(where, row["label"], named)
        try:
            event = Chosen(int(row["half"]), int(row["position_ms"]), label, float(row.get("confidence") or 1))
        except ValueError as error:
            raise UserError(f"{where}: {error}") from None
        if not 1 <= event.half <= periods or event.position_ms < 0:
            raise UserError(f"{where}: half must be from 1 to {periods} and position_ms at least 0")
        events.append(event)
    if not events:
        raise UserError(f"--reel-events {path}: holds no event")
    return tuple(sorted(events))


def _seconds(option: str, values: Sequence[str], named: Mapping[str, str], default: float) -> dict[str, float]:
    """Seconds of each class; those of a class count more than those of all."""
    of_all, of_class = default, dict[str, float]()
    for value in values:
        name, _, number = value.rpartition("=")
        seconds = _number(option, value, number)
        if "=" in value:
            of_class[_class(option, name, named)] = seconds
        else:
            of_all = seconds
    return {label: of_class.get(label, of_all) for label in named.values()}


def _number(option: str, value: str, number: str) -> float:
    try:
        seconds = float(number)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise UserError(f"{option} {value}: must be seconds, such as 8, or those of a class, such as goal=20")
    return seconds


def _class(option: str, name: str, named: Mapping[str, str]) -> str:
    if _bare(name) not in named:
        there = ", ".join(dict.fromkeys(map(name_of, named.values())))
        raise UserError(f"{option} {name.strip()}: no class of the model; it has {there}")
    return named[_bare(name)]


def _bare(name: str) -> str:
    """A name without what people write in several ways: case, hyphens, spaces around it."""
    return " ".join(name.casefold().replace("-", " ").replace("_", " ").split())
