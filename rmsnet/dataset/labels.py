"""Events of matches: SoccerNet's classes, its label files (v1 and v2) and their times.

    Labels.json      v1: goals, cards, substitutions, to a second
    Labels-v2.json   v2: 17 classes, to a millisecond, and whether the broadcast showed the event

Source: the SoccerNet development kit and the SoccerNet papers (Giancola et al. 2018, Deliege et al. 2021).
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rmsnet.dataset.game_files import GameFiles
from rmsnet.errors import UserError
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
_GAME_TIME = re.compile(r"\s*([0-9]+)\s*-\s*([0-9]{1,3}):([0-9]{1,2})\s*")


@dataclass(frozen=True, slots=True)
class Event:
    """An annotated event of a game.

    Attributes:
        half: 1 or 2.
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
    match = _GAME_TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    half, minutes, seconds = (int(group) for group in match.groups())
    return half, 60 * minutes + seconds


def parse_game_time(text: str) -> tuple[int, int]:
    """Half and seconds of a `gameTime` such as "1 - 06:28" or "2 - 5:00".

    Raises:
        ValueError: the text is not a game time or its half is neither 1 nor 2.
    """
    time = split_game_time(text)
    if time is None:
        raise ValueError(f"gameTime {text!r} is not like '1 - 06:28'")
    if time[0] not in HALVES:
        raise ValueError(f"gameTime {text!r} names half {time[0]}; there are halves 1 and 2")
    return time


def event_class(label: str, version: str) -> str | None:
    """The class of a known label; None for a v1 label that is no event."""
    return _V1_EVENTS.get(label) if version == "v1" else label


def read_annotations(content: bytes, where: str) -> list[Any]:
    """The annotations of a label file as they stand there.

    Raises:
        UserError: not JSON, not a label file.
    """
    try:
        document = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{where}: not JSON ({error})") from None
    annotations = document.get("annotations") if isinstance(document, dict) else None
    if not isinstance(annotations, list):
        raise UserError(f"{where}: not a SoccerNet label file (no list 'annotations')")
    return annotations


def read_events(content: bytes, version: str, where: str) -> list[Event]:
    """The events of one label file, in file order, duplicates kept.

    v2 times come from `position` (milliseconds, a string in the real files); where it is absent, and always in
    v1, from `gameTime`. The v1 labels "penalty-missed" and "no-events" are no events and are left out.

    Args:
        content: the bytes of Labels.json (v1) or Labels-v2.json (v2).
        version: "v1" or "v2".
        where: the file's name, for error messages.

    Raises:
        UserError: not JSON, not a label file, an unknown label, a malformed time.
    """
    events = []
    for number, annotation in enumerate(read_annotations(content, where)):
        try:
            event = _read_event(annotation, version)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(f"{where}: annotation {number}: {reason}") from None
        if event is not None:
            events.append(event)
    return events


def _read_event(annotation: Mapping[str, Any], version: str) -> Event | None:
    label = annotation["label"]
    half, seconds = parse_game_time(annotation["gameTime"])
    if version == "v1":
        if label in _V1_NO_EVENTS:
            return None
        if label not in _V1_EVENTS:
            raise ValueError(f"unknown v1 label {label!r}; known: {', '.join([*_V1_EVENTS, *_V1_NO_EVENTS])}")
        return Event(half, 1000 * seconds, _V1_EVENTS[label], annotation.get("team", ""))
    if label not in V2_CLASSES:
        raise ValueError(f"unknown v2 label {label!r}; known: {', '.join(V2_CLASSES)}")
    position_ms = int(annotation["position"]) if "position" in annotation else 1000 * seconds
    if position_ms < 0:
        raise ValueError(f"position {position_ms} ms is before the start of the half")
    visible = annotation.get("visibility", "visible") != "not shown"
    return Event(half, position_ms, label, annotation.get("team", ""), visible)


def game_events(files: GameFiles, game: str, version: str) -> list[Event]:
    """The events of one game.

    Raises:
        UserError: the game has no label file of this version, or a bad one.
    """
    name = LABEL_FILES[version]
    content = files.read(game, name)
    if content is None:
        raise UserError(f"{files.source}: game {game!r} has no {name}")
    return read_events(content, version, f"{files.source}/{game}/{name}")


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
