"""The clock of a stream as a match goes on: forward, whatever the clocks of cameras, encoders and servers do.

Where the stream's own clock falls or leaps, as at an advertisement break or when an encoder starts again, time goes on
as it did on the wall; packets that a server gives out again are known again.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from rmsnet.video.clock import LONGEST_GAP_SECONDS

TICKS = 90_000
"""Of a second, as in MPEG-TS."""

BEGIN = 10 * TICKS
"""Where the continuous clock begins: pictures are decoded before they are shown, and no time may be negative."""

LEAP = 60 * TICKS
"""The clock of a live stream that runs ahead of the wall by so much in one step has leapt, and nothing was missed."""

REMEMBERED = 500
"""Key frames that are known again: a quarter of an hour of most streams, longer than any playlist of a live one."""


@dataclass(frozen=True)
class Stamp:
    """What a packet of pictures says of itself, in ticks of the stream's own clock.

    Attributes:
        shown: when it is shown.
        decoded: when it is decoded.
        key: whether it is a key frame.
        size: in bytes.
    """

    shown: int
    decoded: int
    key: bool
    size: int


@dataclass
class LiveClock:
    """Where the stream is.

    Attributes:
        shift: ticks to add to the stream's own clock.
        last: time of decoding of the last picture, on the stream's own clock; None: there was none.
        top: the latest time of presentation, on the continuous clock.
        decoded: the last time of decoding, on the continuous clock.
        floor: pictures shown before this are made from others that are not there.
        keys: (time of decoding on the stream's own clock, size) of the last key frames.
    """

    shift: int = 0
    last: int | None = None
    top: int = BEGIN
    decoded: int = 0
    floor: int = 0
    keys: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _joining: bool = True
    _again: bool = False

    def join(self) -> None:
        """A connection was made: what comes may be known, may go on, or may be on another clock."""
        self._joining, self._again = True, False

    def take(self, stamp: Stamp, step: int, waited: int, live: bool = True) -> bool:
        """Whether a packet of pictures goes on from those before it; then `shift` brings it to the continuous clock.

        Args:
            stamp: of the packet.
            step: ticks from a picture to the next.
            waited: ticks on the wall since the packet before it.
            live: whether the stream comes as it happens; a file may hold gaps that are read in no time.
        """
        if self._again:
            if self.last is not None and stamp.decoded <= self.last:
                return False
            self._again = self._joining = False
        elif self._joining:
            if not stamp.key:
                return False
            if self.last is not None and (stamp.decoded, stamp.size) in self.keys:
                self._again = stamp.decoded <= self.last
                if self._again:
                    return False
            elif self.last is None or not self._goes_on(stamp, waited, live):
                self._bridge(stamp, step, waited)
            self._joining = False
            self.floor = stamp.shown + self.shift
        elif self.last is not None and not self._goes_on(stamp, waited, live):
            self._joining = True
            return self.take(stamp, step, waited, live)
        if stamp.shown + self.shift < self.floor:
            return False
        self.last, self.decoded = stamp.decoded, stamp.decoded + self.shift
        self.top = max(self.top, stamp.shown + self.shift)
        if stamp.key:
            self.keys.append((stamp.decoded, stamp.size))
        return True

    def _goes_on(self, stamp: Stamp, waited: int, live: bool) -> bool:
        """Whether a packet may follow the last one on one clock."""
        assert self.last is not None
        longest = LONGEST_GAP_SECONDS * TICKS
        return 0 < stamp.decoded - self.last <= (min(waited + LEAP, longest) if live else longest)

    def _bridge(self, stamp: Stamp, step: int, waited: int) -> None:
        """Let a key frame on another clock follow what was shown last."""
        if self.last is None:
            self.shift = self.top - stamp.shown
            return
        gap = min(waited, LONGEST_GAP_SECONDS * TICKS - step) if waited > TICKS else 0
        shown = self.top + max(step, gap) - stamp.shown
        self.shift = max(shown, self.decoded + 1 - stamp.decoded)

    def state(self) -> dict[str, Any]:
        """As JSON; `clock_of` is its inverse."""
        names = ("shift", "last", "top", "decoded", "floor")
        return {**{name: getattr(self, name) for name in names}, "keys": list(self.keys)}


def clock_of(state: dict[str, Any]) -> LiveClock:
    """The clock that left this state; it joins anew."""
    return LiveClock(**{**state, "keys": deque(map(tuple, state["keys"]), maxlen=REMEMBERED)})
