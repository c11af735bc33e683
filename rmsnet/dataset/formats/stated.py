"""What is said of a label file beside it, and its classes: which there are, which are unknown."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path, PurePosixPath

from rmsnet.dataset.ball_actions import BALL_CLASSES, BALL_CLASSES_2023, TEAM_CLASSES
from rmsnet.dataset.formats.json_rows import json_of, typed
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.labels import V1_CLASSES, V2_CLASSES
from rmsnet.documents import LARGEST_BYTES, bytes_of
from rmsnet.errors import UserError, nearest

CLASS_LISTS: Mapping[str, tuple[str, ...]] = {
    "v1": V1_CLASSES,
    "v2": V2_CLASSES,
    "ball": BALL_CLASSES,
    "ball-2023": BALL_CLASSES_2023,
    "ball-teams": TEAM_CLASSES,
}


@dataclass(frozen=True)
class Stated:
    """What the caller says, because a file does not.

    Attributes:
        classes: the only labels that there may be; () any.
        fps: frames per second, of a file that does not say them and of one that is written.
        times: how a table writes times, one of `clocks.TIMES`; "" as its column says.
    """

    classes: tuple[str, ...] = ()
    fps: Fraction | None = None
    times: str = ""


NOTHING = Stated()


def stated_classes(name: str) -> tuple[str, ...]:
    """The class list of this name, or that a file holds: a name a line, or a JSON list of names.

    Raises:
        UserError: no such list, or two names in it that differ in nothing or only in their case.
    """
    if name in CLASS_LISTS:
        return CLASS_LISTS[name]
    absent = f"neither {', '.join(CLASS_LISTS)} nor a readable file"
    content = bytes_of(Path(name), f"--classes {name}", LARGEST_BYTES, absent)
    file = SourceFile(content, PurePosixPath(Path(name).name), name, None)
    listed = typed(json_of(file), list[str], name) if name.endswith(".json") else file.lines()
    classes = [name.strip() for name in listed if name.strip()]
    if not classes:
        raise UserError(f"{name}: names no class; write one a line")
    for one, other in twins(classes):
        raise UserError(f"{name}: names {one!r} and {other!r}; classes must differ in more than their case")
    return tuple(classes)


def twins(classes: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that are the same but for case and spaces around."""
    first: dict[str, str] = {}
    found = []
    for name in classes:
        key = " ".join(name.casefold().split())
        if key in first:
            found.append((first[key], name))
        first.setdefault(key, name)
    return found


def unknown_labels(labels: Counter[str], classes: Collection[str]) -> str:
    """The labels that are no classes, with how often and with the nearest class, in a line; "" there are none."""
    told = []
    for label, count in labels.items():
        if label not in classes:
            near = nearest(label, classes)
            told.append(f"{label!r} ({count} time{'s' * (count > 1)}{f', nearest {near!r}' if near else ''})")
    shown = ", ".join(told[:8])
    return shown + (f" and {len(told) - 8} more" if len(told) > 8 else "")
