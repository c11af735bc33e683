"""The clock of a recording as a player takes it: pictures in the order of the file, and time goes on.

Recordings joined with `cat`, a camera that was switched off, a tuner that lost its signal: the clock of the file
starts again. What is behind follows what is before it. A clock that leaps by more than a half can last is broken and is
bridged likewise; a shorter leap is a gap in which the last picture stands. A packet or two on another clock are strays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

LONGEST_GAP_SECONDS = 45 * 60
"""No gap in a half is longer than the half."""

REORDERING_SECONDS = 2
"""Pictures that are shown one after the other lie in a file within so much."""

MOST_REORDERED = 16
"""Or so many pictures: what a decoder keeps at most."""

STRAY_PACKETS = 3
"""So many packets on another clock, between packets on one, are damage and no break."""


@dataclass(frozen=True)
class Break:
    """A place where the clock of a file starts again or leaps.

    Attributes:
        packet: number of the first picture packet behind it.
        ticks: added to the file's clock from there on.
        seconds: where that is on the continuous clock.
    """

    packet: int
    ticks: int
    seconds: float


@dataclass(frozen=True)
class Clock:
    """What has to be done to the clock of a file so that it goes on.

    Attributes:
        breaks: in the order of the file.
        strays: numbers of the picture packets whose time means nothing.
        first: number of the first packet on the clock; those before it are strays.
    """

    breaks: tuple[Break, ...] = ()
    strays: frozenset[int] = frozenset()
    first: int = 0

    def end(self, ticks: Sequence[int | None], durations: Sequence[int], time_base: Fraction, step: int) -> int:
        """End of the last picture on the continuous clock, in ticks; 0 where no picture has a time.

        Args:
            ticks, durations: of all picture packets; durations of 0 are unknown.
            time_base: seconds of a tick.
            step: ticks from a picture to the next.
        """
        longest = LONGEST_GAP_SECONDS / time_base
        shifts = {one.packet: one.ticks for one in self.breaks}
        shift, ends = 0, []
        for number, (tick, duration) in enumerate(zip(ticks, durations, strict=True)):
            shift = shifts.get(number, shift)
            if tick is not None and number not in self.strays:
                ends.append(tick + shift + (duration if 0 < duration <= longest else step))
        return max(ends, default=0)


ONE_CLOCK = Clock()


def continuous(
    ticks: Sequence[int | None], decoded: Sequence[int | None], keys: Sequence[bool], time_base: Fraction, step: int
) -> Clock:
    """The clock behind the times of all picture packets.

    Args:
        ticks: times of presentation (where there are none: of decoding) in the order of the file; None: unknown.
        decoded: times of decoding, which go on where pictures are merely reordered.
        keys: which are key frames: those are shown after everything before them.
        time_base: seconds of a tick.
        step: ticks from a picture to the next.
    """
    longest = round(LONGEST_GAP_SECONDS / time_base)
    reorder = max(round(REORDERING_SECONDS / time_base), MOST_REORDERED * step)
    known = [(number, tick) for number, tick in enumerate(ticks) if tick is not None]
    trusted = not all(keys)  # some files mark every picture as a key frame
    breaks: list[Break] = []
    strays: set[int] = set()
    first, shift = 0, 0
    top = known[0][1] if known else 0
    for place, (number, tick) in enumerate(known):
        if number in strays:
            continue
        falls = tick < top if trusted and keys[number] else tick < top - reorder and _falls(decoded, number)
        if not falls and tick <= top + longest:
            top = max(top, tick)
            continue
        behind = known[place + 1 : place + 1 + STRAY_PACKETS]
        back = [_nearer(other - later * step, top, tick, reorder) for later, (_, other) in enumerate(behind, start=1)]
        if not behind or any(back):
            strays |= {number, *(other for other, _ in behind[: back.index(True) if behind else 0])}
        elif place <= STRAY_PACKETS and not breaks:
            strays |= {other for other, _ in known[:place]}
            first, top = number, tick
        else:
            # What is shown before a key frame may lie behind it.
            begin = min(other for _, other in known[place : place + MOST_REORDERED] if abs(other - tick) < reorder)
            shift += top + step - begin
            breaks.append(Break(number, shift, float((begin + shift) * time_base)))
            top = tick
    return Clock(tuple(breaks), frozenset(strays), first)


def _falls(decoded: Sequence[int | None], number: int) -> bool:
    """Whether a packet is to be decoded earlier than the one before it."""
    now, before = decoded[number], decoded[number - 1]
    return now is not None and before is not None and now < before


def _nearer(tick: int, line: int, other: int, most: int) -> bool:
    """Whether a time lies nearer to one line than to another, and not further from it than `most`."""
    return abs(tick - line) < min(abs(tick - other), most)
