"""Writes what comes of a stream into a recording for each period, so that what is read of it is never taken back.

Twice a second what has come is appended as a piece, the state is written, and only then may others read it: after a
crash the recording is cut to what the state says, and what lay behind comes again, if the source still has it.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from rmsnet.live.clock import TICKS, Stamp
from rmsnet.live.periods import Period, State, write_state, write_trims
from rmsnet.live.pieces import SOUND, Kept, piece
from rmsnet.video.decoding import GAP_SECONDS
from rmsnet.video.growing import GrowingFile

PIECE_SECONDS = 0.5

ENTRY_TICKS = 30 * TICKS
"""Between two places from which a recording can be read."""

MEMORY_TICKS = 60 * TICKS
"""A kick-off may lie so far back."""

BESIDE_TICKS = 10 * TICKS
"""Sound lies in a stream within so much of its pictures."""


class Recorder:
    """The recordings of a match; packets come from one thread, commands from others."""

    def __init__(
        self,
        out: Path,
        state: State,
        *,
        gap_seconds: float,
        periods: int,
        begun: Callable[[Period, GrowingFile], None],
        tell: Callable[[str], None],
        at_once: bool,
        live: bool,
    ) -> None:
        """Go on with what there is.

        Args:
            out: where the recordings lie.
            state: what there is already.
            gap_seconds: so long without pictures ends a period, and the next picture begins the next.
            periods: how many a match has.
            begun: told of every period that begins, or goes on, with the file that it is read from.
            tell: told of what is odd.
            at_once: whether the first period begins with the first picture.
            live: whether the stream comes as it happens.
        """
        self.state = state
        self._out, self._periods, self._begun, self._tell = out, periods, begun, tell
        self._gap, self._at_once, self._live = round(gap_seconds * TICKS), at_once and not state.periods, live
        self._clock = state.live_clock()
        self._lock = threading.RLock()
        self._groups: deque[list[Kept]] = deque()
        self._waiting: list[Kept] = []
        self._step = TICKS // 25
        self._sound = 0
        self._at = state.at or time.time()
        self._written = time.monotonic()
        self._period: Period | None = None
        self._readable = {period.number: period.until for period in state.periods}
        for period in state.periods:
            growing = GrowingFile(out / period.file_name, period.bytes)
            os.truncate(growing.path, period.bytes)
            if period.ended:
                growing.end()
            else:
                self._period, self._growing = period, growing
            begun(period, growing)

    @property
    def period(self) -> int:
        """Number of the period that is on; 0: none is."""
        return self._period.number if self._period else 0

    @property
    def seconds(self) -> float:
        """Since the kick-off of the period that is on."""
        return 0.0 if self._period is None else (self._clock.top - self._period.kick_off) / TICKS

    def readable_seconds(self, number: int) -> float:
        """From the kick-off of a period to the last picture of it that may be read."""
        period = next((one for one in self.state.periods if one.number == number), None)
        return 0.0 if period is None else (self._readable[number] - period.kick_off) / TICKS

    def write_trims(self) -> None:
        """Say in video.ini how long the periods that are over are."""
        with self._lock:
            write_trims(self._out, self.state.periods)

    def connected(self, step: Fraction) -> None:
        """A connection was made, whose pictures stand for so many seconds."""
        with self._lock:
            self._step = max(1, round(step * TICKS))
            self._clock.join()

    def disconnected(self) -> None:
        """The connection is about to be closed, and its packets with it."""
        with self._lock:
            self._flush(self._clock.state())
            self._groups.clear()

    def take(self, packet: Any) -> None:
        """Record a packet of pictures or sound."""
        with self._lock:
            if packet.stream.type == "video":
                self._take_picture(packet)
            elif self._groups and (sound := self._sound_of(packet)):
                self._groups[-1].append(sound)
                if (
                    self._period is not None and sound.shown >= self._period.first
                ):  # the recording begins with a picture
                    self._waiting.append(sound)

    def flush_if_late(self) -> None:
        """Write what waits although nothing follows: playlists bring seconds at once, then nothing."""
        with self._lock:
            if self._waiting and time.monotonic() - self._written >= PIECE_SECONDS:
                self._flush(self._clock.state())

    def kick_off(self, seconds_ago: float = 0.0) -> int:
        """Begin the next period; one that is on ends. Its number; 0: there is none more, or no picture yet."""
        with self._lock:
            if len(self.state.periods) >= self._periods or not self._groups:
                return 0
            self._end(self._clock.state())
            self._begin(self._clock.top - round(seconds_ago * TICKS))
            return self.period

    def end_period(self) -> int:
        """End the period that is on. Its number; 0: there is none."""
        with self._lock:
            number = self.period
            self._at_once = False
            self._end(self._clock.state())
            return number

    def finish(self) -> None:
        """The match is over."""
        with self._lock:
            self._at_once = False
            self._end(self._clock.state())
            self.state = replace(self.state, over=True)
            write_state(self._out, self.state)

    def _take_picture(self, packet: Any) -> None:
        stamp = _stamp(packet)
        if stamp is None:
            return
        before, known, top = self._clock.state(), self._clock.last is not None, self._clock.top
        late = time.monotonic() - self._written >= PIECE_SECONDS
        enters = self._period is not None and stamp.key and top - self._period.entries[-1][1] >= ENTRY_TICKS
        if self._waiting and (late or enters):
            self._flush(before)
        now = time.time()
        if not self._clock.take(stamp, self._step, round(max(0.0, now - self._at) * TICKS), self._live):
            return
        self._at = now
        kept = Kept(packet, stamp.shown + self._clock.shift, stamp.decoded + self._clock.shift, stamp.key)
        if known:
            self._look_back(kept.shown - top, before)
        self._remember(kept)
        if self._period is not None:
            if enters:
                self._period = replace(self._period, entries=(*self._period.entries, (self._period.bytes, kept.shown)))
            self._waiting.append(kept)
        elif self._at_once and kept.key and len(self.state.periods) < self._periods:
            self._begin(kept.shown)

    def _look_back(self, missed: int, before: dict[str, Any]) -> None:
        """Tell of a gap before a picture; a long one ends the period."""
        if missed > self._gap:
            if self._period is not None:
                self._tell(f"no pictures for {missed / TICKS:.0f} s: period {self.period} is over")
                self._end(before)
                self._at_once = True
            self._groups.clear()
        elif missed > GAP_SECONDS * TICKS:
            self._tell(f"no pictures for {missed / TICKS:.1f} s; what was shown there is missing")

    def _sound_of(self, packet: Any) -> Kept | None:
        stamp = _stamp(packet)
        if stamp is None or packet.stream.codec_context.codec.canonical_name not in SOUND:
            return None
        shown, decoded = stamp.shown + self._clock.shift, stamp.decoded + self._clock.shift
        if decoded <= self._sound or abs(shown - self._clock.top) > BESIDE_TICKS:
            return None
        self._sound = decoded
        return Kept(packet, shown, decoded, False)

    def _remember(self, kept: Kept) -> None:
        """Keep what a kick-off may lie in, from a key frame on."""
        if kept.key:
            self._groups.append([kept])
            while len(self._groups) > 1 and self._groups[1][0].shown <= self._clock.top - MEMORY_TICKS:
                self._groups.popleft()
        elif self._groups:
            self._groups[-1].append(kept)

    def _begin(self, kick_off: int) -> None:
        earlier = [number for number, group in enumerate(self._groups) if group[0].shown <= kick_off]
        packets = [one for group in list(self._groups)[earlier[-1] if earlier else 0 :] for one in group]
        first = packets[0].shown
        self._waiting = [one for one in packets if one.shown >= first]
        number = len(self.state.periods) + 1
        period = Period(number, first, max(first, kick_off), self._step, entries=((0, first),), until=first)
        self._period, self._at_once = period, False
        self._growing = GrowingFile(self._out / period.file_name)
        self._growing.path.write_bytes(b"")
        self._flush(self._clock.state())
        write_trims(self._out, self.state.periods)
        self._begun(self._period, self._growing)

    def _flush(self, clock: dict[str, Any]) -> None:
        """Append what waits; `clock` is where the stream was behind it."""
        self._written = time.monotonic()
        if self._period is None:
            self._waiting = []
            return
        if self._waiting:
            content = piece(self._waiting)
            with self._growing.path.open("ab") as file:
                file.write(content)
            until = max(self._period.until, *(one.shown for one in self._waiting))
            self._period = replace(self._period, bytes=self._period.bytes + len(content), until=until)
            self._readable[self._period.number] = until
            self._waiting = []
        self.state = replace(self.state.with_period(self._period), clock=clock, at=self._at)
        write_state(self._out, self.state)
        self._growing.publish(self._period.bytes)

    def _end(self, clock: dict[str, Any]) -> None:
        self._flush(clock)
        if self._period is None:
            return
        ended = replace(self._period, ended=True)
        self._period = None
        self.state = self.state.with_period(ended)
        write_state(self._out, self.state)
        self._growing.end()


def _stamp(packet: Any) -> Stamp | None:
    """When a packet is shown and decoded, in ticks; None: it holds nothing, or does not say."""
    shown = packet.dts if packet.pts is None else packet.pts
    if not packet.size or shown is None:
        return None
    decoded = shown if packet.dts is None else packet.dts
    ticks = TICKS * Fraction(packet.time_base)
    return Stamp(round(shown * ticks), round(decoded * ticks), bool(packet.is_keyframe), packet.size)
