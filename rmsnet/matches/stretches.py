"""What of a match's events is cut and exported: which classes, and how much before and behind each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.matches.highlights.clips import AFTER_SECONDS, BEFORE_SECONDS, Highlight
from rmsnet.spots import Predictions
from rmsnet.style.palette import class_looks, name_of


@dataclass(frozen=True)
class Stretches:
    """By class, for the classes that are shown.

    Attributes:
        before: seconds that are shown before an event.
        after: seconds behind it.
    """

    before: Mapping[str, float]
    after: Mapping[str, float]


def choose_stretches(
    classes: Sequence[str], before: Sequence[str] = (), after: Sequence[str] = (), only: str | None = None
) -> Stretches:
    """Read what somebody wants to see.

    Args:
        classes: the model's.
        before, after: "8" for all classes, "goal=20" for one; a class may be named as people or as files name it.
        only: names of the classes that are shown, with commas between; None: all.

    Raises:
        UserError: no such class, no number, or nothing left to show.
    """
    named = {_bare(name): label for label in classes for name in (label, name_of(label))}
    shown = classes if only is None else [_class("--reel-classes", name, named) for name in only.split(",")]
    lead, tail = _seconds("--before", before, named, BEFORE_SECONDS), _seconds("--after", after, named, AFTER_SECONDS)
    for label in shown:
        if lead[label] + tail[label] == 0:
            raise UserError(f"--before and --after are 0 for {name_of(label)}: nothing would be shown of it")
    return Stretches({label: lead[label] for label in shown}, {label: tail[label] for label in shown})


def pick(predictions: Predictions, bank: FrameBank, rows: Iterable[int], stretches: Stretches) -> list[Highlight]:
    """The events of some rows, in their order, whose classes are shown."""
    looks = class_looks(bank.classes)
    return [
        Highlight(
            bank.halves[predictions.half[row]].half,
            int(predictions.position_ms[row]),
            label,
            looks[predictions.label[row]].colour.on_dark,
            float(predictions.confidence[row]),
            stretches.before[label],
            stretches.after[label],
        )
        for row in rows
        if (label := bank.classes[predictions.label[row]]) in stretches.before
    ]


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
