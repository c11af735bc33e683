"""The colour of a class among those that a program has for markers."""

from collections.abc import Iterable
from colorsys import rgb_to_hls

HUES = {
    "RED": 0,
    "ORANGE": 30,
    "YELLOW": 52,
    "GREEN": 130,
    "CYAN": 180,
    "BLUE": 215,
    "PURPLE": 268,
    "MAGENTA": 300,
    "PINK": 330,
}
"""Degrees on the colour circle."""

GREY = 0.25
"""Colours less saturated than this have no hue to speak of."""


def nearest(colour: str, names: Iterable[str]) -> str:
    """Of the names of colours the one that #rrggbb comes nearest to; greys are WHITE, which must be among them."""
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    hue, _, saturation = rgb_to_hls(red, green, blue)
    if saturation < GREY:
        return "WHITE"
    return min(
        (name for name in names if name in HUES), key=lambda name: abs((360 * hue - HUES[name] + 180) % 360 - 180)
    )
