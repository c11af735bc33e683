"""Events of matches: SoccerNet's classes, its label files (v1 and v2) and their times.

    Labels.json      v1: goals, cards, substitutions, to a second
    Labels-v2.json   v2: 17 classes, to a millisecond, and whether the broadcast showed the event

Source: the SoccerNet development kit and the SoccerNet papers (Giancola et al. 2018, Deliege et al. 2021).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.reading.names import as_text, same_name
from rmsnet.spots import Truth

V1_CLASSES = ("card", "subs", "soccer")
V2_CLASSES = (
    "Penalty",
    "Kick-off",
    "Goal",
    "Substitution",
    "Offside",
    "Shots on target",
    "Shots off target",
    "Clearance",
    "Ball out of play",
    "Throw-in",
    "Foul",
    "Indirect free-kick",
    "Direct free-kick",
    "Corner",
    "Yellow card",
    "Red card",
    "Yellow->red card",
)
CLASSES: Mapping[str, tuple[str, ...]] = {"v1": V1_CLASSES, "v2": V2_CLASSES}
LABEL_FILES: Mapping[str, str] = {"v1": "Labels.json", "v2": "Labels-v2.json"}

HALVES = (1, 2)
EXTRA_TIME = (3, 4, 5)
"""What follows the second half: the halves of extra time and the shoot-out."""

LAST_MS = 1 << 53
"""Milliseconds that floating-point numbers no longer tell apart; no half lasts that long."""

_V1_EVENTS = {
    "y-card": "card",
    "r-card": "card",
    "yr-card": "card",
    "substitution-in": "subs",
    "soccer-ball": "soccer",
    "soccer-ball-own": "soccer",
}
_V1_NO_EVENTS = frozenset({"penalty-missed", "no-events"})

LABELS: Mapping[str, frozenset[str]] = {
    "v1": frozenset(_V1_EVENTS) | _V1_NO_EVENTS,
    "v2": frozenset(V2_CLASSES),
}
"""What an annotation may be labelled, by version; in v1 not all of it is an event."""

# Most minutes have two digits; some real files hold "2 - 5:00", and injury time runs past 45.
_GAME_TIME = re.compile(r"\s*([0-9]{1,9})\s*-\s*([0-9]{1,3}):([0-9]{1,2})\s*")


@dataclass(frozen=True, slots=True)
class Event:
    """An annotated event of a game.

    Attributes:
        half: 1 or 2; 3, 4 and 5 where events of extra time were asked for.
        position_ms: milliseconds from the start of the half.
        label: class name, one of the class list.
        team: "home", "away" or what the file says.
        visible: False where v2 says "not shown"; v1 events are all visible.
    """

    half: int
    position_ms: int
    label: str
    team: str = ""
    visible: bool = True


def split_game_time(text: Any) -> tuple[int, int] | None:
    """Half (any number) and seconds of a text of the form "1 - 06:28" or "2 - 5:00"; None for anything else."""
    return _half_and_seconds(text) if isinstance(text, str) else None


@lru_cache(maxsize=1 << 14)
def _half_and_seconds(text: str) -> tuple[int, int] | None:
    match = _GAME_TIME.fullmatch(text)
    if match is None:
        return None
    half, minutes, seconds = (int(group) for group in match.groups())
    return half, 60 * minutes + seconds


def parse_game_time(text: str, halves: Sequence[int] = HALVES) -> tuple[int, int]:
    """Half and seconds of a `gameTime` such as "1 - 06:28" or "2 - 5:00".

    Raises:
        ValueError: the text is not a game time or its half is none of `halves`.
    """
    time = split_game_time(text)
    if time is None:
        raise ValueError(f"gameTime {text!r} is not like '1 - 06:28'")
    if time[0] not in halves:
        raise ValueError(f"gameTime {text!r} names half {time[0]}; there are halves 1 and 2")
    return time


def whole_number(value: Any) -> int:
    """A number without its fraction, or the whole number in a text such as "1", "1.0" or "1e3".

    Raises:
        ValueError, TypeError, OverflowError: there is none.
    """
    try:
        return int(value)
    except ValueError:
        with suppress(ValueError):
            number = float(value)
            if number.is_integer():
                return int(number)
        raise


def event_class(label: str, version: str) -> str | None:
    """The class of a known label; None for a v1 label that is no event."""
    return _V1_EVENTS.get(label) if version == "v1" else label


@dataclass(frozen=True)
class LabelFile:
    """A label file as it stands.

    Attributes:
        game: which game it says that it is of, its `UrlLocal`; "" where it does not say.
        annotations: as they stand there.
    """

    game: str
    annotations: list[Any]

    def other_game(self, game: str) -> str:
        """The game that the file says it is of, where that is not the one it was found at; else ""."""
        said, found = (PurePosixPath(same_name(text).replace("\\", "/").strip("/")).parts for text in (self.game, game))
        shared = min(len(said), len(found))
        return "" if said[len(said) - shared :] == found[len(found) - shared :] else self.game


def read_label_file(content: bytes, where: str, key: str = "annotations") -> LabelFile:
    """A label file, or one of predictions, which lie under another key.

    Raises:
        UserError: not JSON, not such a file.
    """
    document = read_document(content, object, where)
    rows = document.get(key) if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(rows, list):
        raise UserError(f"{where}: not a SoccerNet file of {key} (it holds no list {key!r})")
    game = document.get("UrlLocal")
    return LabelFile(game if isinstance(game, str) else "", rows)


def read_events(content: bytes, version: str, where: str, game: str = "", extra_time: bool = False) -> list[Event]:
    """The events of one label file, in file order, duplicates kept.

    v2 times come from `position` (milliseconds, a string in the real files); where it is absent, and always in
    v1, from `gameTime`. The v1 labels "penalty-missed" and "no-events" are no events and are left out.

    Args:
        content: the bytes of Labels.json (v1) or Labels-v2.json (v2).
        version: "v1" or "v2".
        where: the file's name, for error messages.
        game: which it should be of; "": any.
        extra_time: give the events of extra time, too, instead of refusing them.

    Raises:
        UserError: not JSON, not a label file, one of another game, an unknown label, a malformed time, events of
            extra time.
    """
    labels = read_label_file(content, where)
    other = labels.other_game(game) if game else ""
    if other:
        raise UserError(f"{where}: {of_another_game(other)}")
    if not extra_time:
        require_no_extra_time(labels.annotations, where, "annotation", LEAVE_OUT)
    events = []
    for number, annotation in enumerate(labels.annotations):
        try:
            event = _read_event(annotation, version)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(f"{where}: annotation {number}: {reason}") from None
        if event is not None:
            events.append(event)
    return events


def of_another_game(said: str) -> str:
    """What is wrong with a file that says it is of another game."""
    return f"says that it is of {as_text(said)!r}; put this game's own file there, or correct its UrlLocal"


LEAVE_OUT = "--set extract.extra_time=leave-out goes on without them"


def extra_time_of(annotations: Sequence[Any]) -> dict[int, int]:
    """Halves of the annotations that are of extra time, by their place in the list."""
    times = [split_game_time(row.get("gameTime")) if isinstance(row, dict) else None for row in annotations]
    return {number: time[0] for number, time in enumerate(times) if time is not None and time[0] in EXTRA_TIME}


def in_extra_time(halves: Collection[int]) -> str:
    """How many events of extra time, from the half of each, in words."""
    which = ", ".join(map(str, sorted(set(halves))))
    return f"{len(halves)} event{'' if len(halves) == 1 else 's'} of extra time (half {which})"


def require_no_extra_time(annotations: Sequence[Any], where: str, entry: str, advice: str) -> None:
    """Refuse events of extra time.

    Raises:
        UserError: it names the first and their number.
    """
    late = extra_time_of(annotations)
    if late:
        first = next(iter(late))
        raise UserError(
            f"{where}: {entry} {first}: gameTime {annotations[first]['gameTime']!r} names half {late[first]}: "
            f"{in_extra_time(late.values())} in the file; {advice}"
        )


def _read_event(annotation: Mapping[str, Any], version: str) -> Event | None:
    label, team = annotation["label"], annotation.get("team")
    team = team if isinstance(team, str) else ""
    half, seconds = parse_game_time(annotation["gameTime"], (*HALVES, *EXTRA_TIME))
    if not isinstance(label, str):
        raise ValueError(f"label {label!r} is no text")
    if version == "v1":
        if label in _V1_NO_EVENTS:
            return None
        if label not in _V1_EVENTS:
            raise ValueError(f"unknown v1 label {label!r}; known: {', '.join([*_V1_EVENTS, *_V1_NO_EVENTS])}")
        return Event(half, 1000 * seconds, _V1_EVENTS[label], team)
    if label not in V2_CLASSES:
        raise ValueError(f"unknown v2 label {label!r}; known: {', '.join(V2_CLASSES)}")
    position_ms = whole_number(annotation["position"]) if "position" in annotation else 1000 * seconds
    if position_ms < 0:
        raise ValueError(f"position {position_ms} ms is before the start of the half")
    if position_ms >= LAST_MS:
        raise ValueError(f"position {position_ms} ms is no time in a half")
    visible = annotation.get("visibility", "visible") != "not shown"
    return Event(half, position_ms, label, team, visible)


def truth_of(events_of_halves: Sequence[Sequence[Event]], classes: Sequence[str]) -> Truth:
    """Events as columns.

    Args:
        events_of_halves: the events of each half, halves in the order that numbers them.
        classes: class names; events of other classes are left out.
    """
    index = {name: number for number, name in enumerate(classes)}
    rows = [
        (half, event.position_ms, index[event.label], event.visible)
        for half, events in enumerate(events_of_halves)
        for event in events
        if event.label in index
    ]
    half, position_ms, label, visible = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Truth(
        np.asarray(half, np.int64),
        np.asarray(position_ms, np.int64),
        np.asarray(label, np.int64),
        np.asarray(visible, bool),
    )


def label_version(classes: Sequence[str]) -> str | None:
    """Which label file names these classes; None: no file of SoccerNet does."""
    return next((version for version, names in CLASSES.items() if tuple(classes) == names), None)
