"""Frames, times and time codes, exactly: a rate is a fraction, never 29.97.

A time code names a frame as hours:minutes:seconds:frames, counting the whole number next to the rate. At 30000/1001
that runs behind the clock; drop-frame codes, written hours:minutes:seconds;frames, keep up with it by leaving out the
labels 00 and 01 (at 60000/1001 00 to 03) of each minute but every tenth. No frame is left out, only labels are.
"""

import re
from fractions import Fraction

from rmsnet.errors import UserError

DROP_FRAME = frozenset({Fraction(30000, 1001), Fraction(60000, 1001)})
"""The rates that have a drop-frame form."""

_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;])(\d{2,3})")


def spoken(rate: Fraction) -> str:
    """The rate as people say it: 29.97, 25."""
    return f"{float(rate):.3f}".rstrip("0").rstrip(".")


def labels_a_second(rate: Fraction) -> int:
    """How many labels a second of time code has: 30 at 30000/1001.

    Raises:
        UserError: the rate has no time code.
    """
    for whole in (rate, rate * Fraction(1001, 1000)):
        if whole.denominator == 1:
            return whole.numerator
    raise UserError(f"{spoken(rate)} frames a second have no time code; convert the video to 25 or 30, say")


def timecode(frame: int, rate: Fraction, drop: bool) -> str:
    """The label of a frame, counted from 00:00:00:00; after a day it begins again.

    Raises:
        UserError: the rate has no time code, or no drop-frame form.
    """
    labels = labels_a_second(rate)
    label = frame + (_dropped_before(frame, rate) if drop else 0)
    seconds, frames = divmod(label % (24 * 3600 * labels), labels)
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds % 60:02d}{';' if drop else ':'}{frames:02d}"


def _dropped_before(frame: int, rate: Fraction) -> int:
    """How many labels are left out before that of a frame."""
    dropped = _dropped_a_minute(rate)
    minute = 60 * labels_a_second(rate) - dropped
    tens, rest = divmod(frame, 10 * minute + dropped)
    return dropped * (9 * tens + max(0, rest - dropped) // minute)


def _dropped_a_minute(rate: Fraction) -> int:
    if rate not in DROP_FRAME:
        raise UserError(f"{spoken(rate)} frames a second have no drop-frame time code; only 29.97 and 59.94 have")
    return labels_a_second(rate) // 15


def frame_of(code: str, rate: Fraction) -> int:
    """The frame that a time code names; `;` before the frames makes it drop-frame.

    Raises:
        UserError: no time code, one that names no frame, or drop-frame at a rate that has none.
    """
    found = _TIMECODE.fullmatch(code)
    if found is None:
        raise UserError(f"{code}: not a time code such as 01:00:00:00")
    hours, minutes, seconds, frames = (int(found[group]) for group in (1, 2, 3, 5))
    labels = labels_a_second(rate)
    if hours > 23 or minutes > 59 or seconds > 59 or frames >= labels:
        raise UserError(f"{code}: names no frame at {spoken(rate)} frames a second")
    label = (3600 * hours + 60 * minutes + seconds) * labels + frames
    if found[4] == ":":
        return label
    dropped, all_minutes = _dropped_a_minute(rate), 60 * hours + minutes
    if seconds == 0 and frames < dropped and minutes % 10:
        raise UserError(f"{code}: drop-frame leaves this label out; the frame behind it is …;{dropped:02d}")
    return label - dropped * (all_minutes - all_minutes // 10)


def frame_shown(position_ms: int | Fraction, rate: Fraction) -> int:
    """The frame that is shown at a time, counted from the one at 0; 0 before that.

    Whole milliseconds are rounded times, so half a millisecond is granted: the frame that a time was made from comes
    back at every rate.
    """
    return max(0, (position_ms + Fraction(1, 2)) * rate // 1000)


def milliseconds(frame: int, rate: Fraction, zero: Fraction = Fraction(0)) -> int:
    """When a frame begins to be shown, if frame 0 does at `zero` seconds."""
    return round(1000 * (frame / rate + zero))
