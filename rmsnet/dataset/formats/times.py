"""Times as files write them, and back: always rounded, never cut, so that a frame comes back as itself.

The milliseconds of frame 29 at 25 fps are 1160. Cutting both ways, as much code does, makes 1159 of it, then frame 28.
"""

import re
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

from rmsnet.errors import UserError

FASTEST = 1000
"""Frames per second must be fewer: then milliseconds tell all frames apart."""

LAST_MS = 1 << 53
"""No footage lasts that long; beyond, floating-point numbers no longer tell milliseconds apart."""

_RATE = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,30}|/[0-9]{1,6})?")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,20}(?:[.,][0-9]{0,30})?(?:[eE][+-]?[0-9]{1,2})?")


def rounded(value: Fraction | Decimal | float) -> int:
    """The nearest whole number; halves go up."""
    exact = Fraction(value)
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def rate(text: str | float, where: str = "--frame-rate") -> Fraction:
    """Frames per second out of a number or a text such as "25", "29.97" or "30000/1001".

    Raises:
        UserError: it is none.
    """
    found = Fraction(0)
    if _RATE.fullmatch(str(text).strip()):
        with suppress(ZeroDivisionError):
            found = Fraction(str(text).strip())
    if not 0 < found < FASTEST:
        raise UserError(f"{where}: {text} is no frame rate (25, 29.97, 30000/1001, …, below {FASTEST})")
    return found


def ms_of_frame(frame: int, fps: Fraction) -> int:
    """Milliseconds at which a frame, numbered from 0, is shown.

    Raises:
        ValueError: no footage lasts that long.
    """
    return bounded(rounded(1000 * frame / fps), frame)


def frame_of_ms(position_ms: int, fps: Fraction) -> int:
    """The frame that is nearest; of `ms_of_frame` the inverse."""
    return rounded(position_ms * fps / 1000)


def whole_ms(value: float | str) -> int:
    """A number of milliseconds, or a text of one, to the nearest.

    Raises:
        ValueError: it is none.
    """
    return _scaled(value, 1, "milliseconds")


def ms_of_seconds(value: float | str) -> int:
    """Milliseconds of seconds such as "12.5" or "12,5".

    Raises:
        ValueError: the text is no number of seconds.
    """
    return _scaled(value, 1000, "seconds")


def _scaled(value: float | str, factor: int, unit: str) -> int:
    text = value.strip() if isinstance(value, str) else repr(value)
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{value!r} is no number of {unit}")
    return bounded(rounded(factor * Decimal(text.replace(",", "."))), value)


def bounded(position_ms: int, value: object) -> int:
    if abs(position_ms) >= LAST_MS:
        raise ValueError(f"{value!r} is later than any footage ends")
    return position_ms


def seconds_text(position_ms: int) -> str:
    """Seconds with all milliseconds, such as "12.500"."""
    return f"{'-' if position_ms < 0 else ''}{abs(position_ms) // 1000}.{abs(position_ms) % 1000:03d}"


def game_time(half: int, position_ms: int) -> str:
    """SoccerNet's `gameTime`: the seconds that are full. Its readers cut it by position, so it is padded."""
    seconds = max(position_ms, 0) // 1000
    return f"{half} - {seconds // 60:02d}:{seconds % 60:02d}"
