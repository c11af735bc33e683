"""Which colour, line and marker a thing has: a class the same everywhere, other things by their place in a sequence.

Each colour comes in two variants of one hue, for light and for dark ground. Neighbours in the sequence stay apart for
deuteranopes and protanopes too; who sees no colour at all has the marker and the line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple
from zlib import crc32


class Colour(NamedTuple):
    """#rrggbb on a light and on a dark ground."""

    on_light: str
    on_dark: str


@dataclass(frozen=True)
class Look:
    """How a thing is drawn.

    Attributes:
        colour: of its line, bar or dot.
        line: line style of Matplotlib.
        marker: marker of Matplotlib.
    """

    colour: Colour
    line: str
    marker: str


_COLOURS = (
    Colour("#1769d6", "#75acfe"),  # blue
    Colour("#b54706", "#f4802a"),  # orange
    Colour("#3a9f68", "#2be179"),  # green
    Colour("#a2336f", "#fe7fc0"),  # magenta
    Colour("#a27f00", "#f0c020"),  # gold
    Colour("#6b35b8", "#a678fa"),  # violet
    Colour("#159a9b", "#4fd6d2"),  # teal
    Colour("#8f1019", "#f16862"),  # red
    Colour("#526072", "#98a6b8"),  # slate
    Colour("#6a8c12", "#b9e84a"),  # lime
    Colour("#0a80b4", "#55c4fe"),  # sky
    Colour("#14594f", "#8ff0dd"),  # pine
    Colour("#4f7d4f", "#9cc79c"),  # mint
    Colour("#9a72dc", "#cbb3ff"),  # lavender
    Colour("#818b97", "#ccd5df"),  # silver
    Colour("#7a5230", "#d3a784"),  # brown
    Colour("#173f73", "#7fa3d4"),  # navy
    Colour("#d2557f", "#ffb0c5"),  # rose
)
_MARKERS = "os^DvP<Xph>*"
_LINES = ("-", "--", ":", "-.")

PLACES = len(_MARKERS) * len(_LINES)
"""Looks that differ by marker or line; more than there are colours."""

_CLASSES = (
    ("substitution", "subs"),
    ("yellow >red card",),
    ("goal", "soccer"),
    ("penalty",),
    ("yellow card", "card"),
    ("corner",),
    ("kick off",),
    ("red card",),
    ("ball out of play", "out"),
    ("offside",),
    ("shots on target", "shot"),
    ("direct free kick", "free kick"),
    ("indirect free kick",),
    ("clearance", "cross"),
    ("throw in",),
    ("foul",),
    ("shots off target",),
)
"""Classes by their place, a name of each class list."""

_PLACE = {name: place for place, names in enumerate(_CLASSES) for name in names}

QUIET = Colour("#5a6875", "#95a3b1")
"""Notes, and lines that only help to read."""

TRUTH = Colour("#c1121f", "#ff5d5d")
"""Ground truth, limits, and what somebody else has published."""

NAMES = {"card": "Card", "subs": "Substitution", "soccer": "Goal"}
"""The v1 classes in words; other names are words already."""

_SPLITS = {"train": 0, "valid": 1, "test": 2}


Said = Mapping[str, Mapping[str, Any]]
"""What a dataset says of the looks of its classes: "shown_as", "colour" and "hidden" of each."""


def name_of(label: str, said: Said = MappingProxyType({})) -> str:
    """What people read for a class."""
    return said.get(label, {}).get("shown_as") or NAMES.get(label, label)


def look(place: int) -> Look:
    """The look of the thing at a place, 0, 1, …: variants, predictions, seeds."""
    line = _LINES[place // len(_MARKERS) % len(_LINES)]
    return Look(_COLOURS[place % len(_COLOURS)], line, _MARKERS[place % len(_MARKERS)])


def apart(place: int) -> Look:
    """The look of one of a few things that are drawn over one another: its line is its own, too."""
    return replace(look(place), line=_LINES[place % len(_LINES)])


def split_look(split: str) -> Look:
    """train, valid and test have theirs; anything else that of the place behind them."""
    return look(_SPLITS.get(split, len(_SPLITS)))


def class_looks(classes: Sequence[str], said: Said = MappingProxyType({})) -> list[Look]:
    """The look of each class, from its name: the same whatever the order of the classes, and none twice.

    A class that is not known takes the colour that its name points at, or the next that is free; one whose colour the
    dataset says has that.
    """
    known = {name: _PLACE.get(name.casefold().replace("-", " ")) for name in classes}
    colours, places = len(_COLOURS), dict[str, int]()
    for name in sorted(known, key=lambda name: (known[name] is None, name)):
        start = known[name]
        start = crc32(name.encode()) % colours if start is None else start
        order = [*((start + step) % colours for step in range(colours)), *range(colours, PLACES)]
        places[name] = next((place for place in order if place not in places.values()), start)
    looks = [look(places[name]) for name in classes]
    colours_said = [said.get(name, {}).get("colour") for name in classes]
    return [replace(of, colour=Colour(own, own)) if own else of for of, own in zip(looks, colours_said, strict=True)]
