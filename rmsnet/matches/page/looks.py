"""How classes are called and coloured where people look at them: the page, the plot, the captions."""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {"card": "Card", "subs": "Substitution", "soccer": "Goal"}
"""The v1 classes in words; the v2 names are words already."""

_COLORS: Mapping[str, str] = {
    "soccer": "#4ade80",
    "card": "#facc15",
    "subs": "#60a5fa",
    "Goal": "#4ade80",
    "Yellow card": "#facc15",
    "Red card": "#f87171",
    "Yellow->red card": "#fb923c",
    "Substitution": "#60a5fa",
    "Penalty": "#e879f9",
}

_OTHERS = (
    *("#a3e635", "#22d3ee", "#c084fc", "#f0abfc", "#fda4af", "#94a3b8", "#2dd4bf", "#fdba74"),
    *("#93c5fd", "#d9f99d", "#f9a8d4", "#cbd5e1"),
)


def name_of(label: str) -> str:
    return NAMES.get(label, label)


def colors_of(classes: tuple[str, ...]) -> list[str]:
    """A colour (#rrggbb) for each class, light enough for a dark ground."""
    others = [label for label in classes if label not in _COLORS]
    return [_COLORS.get(label) or _OTHERS[others.index(label) % len(_OTHERS)] for label in classes]
