"""Times as people write them: "1:02:03.456", "62:03", "45+2'"; and the ways in which a table may write them."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction

from rmsnet.dataset.formats.times import (
    bounded,
    frame_of_ms,
    ms_of_frame,
    ms_of_seconds,
    rounded,
    seconds_text,
    whole_ms,
)
from rmsnet.errors import UserError

_CLOCK = re.compile(r"(-?)(?:([0-9]{1,6}):)?([0-9]{1,6}):([0-9]{1,2}(?:[.,][0-9]{1,30})?)")
_MINUTE = re.compile(r"([0-9]{1,3})(?:\s*\+\s*([0-9]{1,2}))?\s*['′’]?")

WHOLE_CLOCK = re.compile(r"-?[0-9]+:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}")
"""A text that can be nothing but hours, minutes, seconds and milliseconds."""

PERIOD_ENDS = (45, 90, 105, 120)
"""Minutes of a football match at which its periods end: the clock of "45+2'"."""


def ms_of_clock(text: str, hours: bool | None = None) -> int:
    """Milliseconds of "1:02:03.456", or "62:03.456".

    Args:
        text: what to read.
        hours: True: hours may be left out; False: there are none; None: as True, and seconds alone are fine.

    Raises:
        ValueError: the text is no such time.
    """
    if hours is None and ":" not in text:
        return ms_of_seconds(text)
    match = _CLOCK.fullmatch(text.strip())
    form = "mm:ss" if hours is False else "h:mm:ss"
    if match is None or (hours is False and match[2]):
        raise ValueError(f"{text!r} is not like {form}")
    seconds, minutes = Decimal(match[4].replace(",", ".")), int(match[3])
    if seconds >= 60 or (match[2] and minutes >= 60):
        raise ValueError(f"{text!r} is not like {form}: a minute has 60 seconds, an hour 60 minutes")
    position_ms = rounded(1000 * (seconds + 60 * minutes + 3600 * int(match[2] or 0)))
    return bounded(-position_ms if match[1] else position_ms, text)


def period_of_minute(text: str) -> tuple[int, int]:
    """Period and milliseconds in it of a football minute: "120'" is in period 4, "45+2'" in period 1.

    The minute that has begun is the minute that is named: the 1st goes from 0:00 to 0:59.

    Raises:
        ValueError: the text is no such minute.
    """
    match = _MINUTE.fullmatch(text.strip())
    minute = int(match[1]) if match else PERIOD_ENDS[-1] + 1
    period = next((number for number, end in enumerate(PERIOD_ENDS, 1) if minute <= end), 0)
    if match is None or not period or (match[2] and minute not in PERIOD_ENDS):
        raise ValueError(f"{text!r} is no minute of a match (12, 45+2, 120)")
    start = (0, *PERIOD_ENDS)[period - 1]
    return period, 60_000 * max(minute + int(match[2] or 0) - start - 1, 0)


def clock(position_ms: int, hours: bool = True) -> str:
    """ "1:02:03.456", or without hours "62:03.456" and "62:03" where no fraction is lost."""
    sign, left = ("-" if position_ms < 0 else ""), abs(position_ms)
    seconds, ms = divmod(left, 1000)
    if hours:
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
    return f"{sign}{seconds // 60:02d}:{seconds % 60:02d}" + (f".{ms:03d}" if ms else "")


def _frame(text: str, fps: Fraction | None) -> int:
    if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
        raise ValueError(f"{text!r} is no frame number")
    return ms_of_frame(int(text), _known(fps))


def _known(fps: Fraction | None) -> Fraction:
    if fps is None:
        raise UserError("times in frames need a rate: --frame-rate")
    return fps


NOTATIONS: Mapping[str, Callable[[str, Fraction | None], int]] = {
    "h:mm:ss": lambda text, _: ms_of_clock(text, hours=True),
    "mm:ss": lambda text, _: ms_of_clock(text, hours=False),
    "seconds": lambda text, _: ms_of_seconds(text),
    "milliseconds": lambda text, _: whole_ms(text),
    "frames": _frame,
}
"""Ways of writing a time in a table, each with its reader. The minutes of a match name the period, too."""

WRITERS: Mapping[str, Callable[[int, Fraction | None], str]] = {
    "h:mm:ss": lambda position_ms, _: clock(position_ms),
    "mm:ss": lambda position_ms, _: clock(position_ms, hours=False),
    "seconds": lambda position_ms, _: seconds_text(position_ms),
    "milliseconds": lambda position_ms, _: str(position_ms),
    "frames": lambda position_ms, fps: str(frame_of_ms(max(position_ms, 0), _known(fps))),
}

TIMES = (*NOTATIONS, "minutes")
"""What may be stated of a table."""
