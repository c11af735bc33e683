"""What is kept of a live match between two starts of the command: the clock, and the periods with their recordings.

1_HQ.ts, 2_HQ.ts     what was received of each period, from a key frame before its kick-off on
video.ini            where in them the periods lie: `rmsnet spot` reads the folder as a game
.live/state.json     this
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

from rmsnet.documents import read_document, structured
from rmsnet.files import write_json, write_text
from rmsnet.live.clock import TICKS, LiveClock, clock_of
from rmsnet.video.files import TRIMS
from rmsnet.video.recording import usable

STATE_FOLDER = ".live"

OPEN_SECONDS = 3 * 3600
"""What video.ini says of the length of a period that is not over."""


@dataclass(frozen=True)
class Period:
    """A period of the match.

    Attributes:
        number: 1, 2, …
        first: time of the recording's first picture, in ticks of the continuous clock.
        kick_off: likewise of the kick-off.
        step: ticks that a picture stands.
        until: likewise of the last picture that is recorded.
        bytes: of its recording that are whole.
        ended: whether it is over.
        entries: (byte, ticks) of key frames from which the recording can be read.
    """

    number: int
    first: int
    kick_off: int
    step: int
    until: int = 0
    bytes: int = 0
    ended: bool = False
    entries: tuple[tuple[int, int], ...] = ()

    @property
    def file_name(self) -> str:
        return f"{self.number}_HQ.ts"

    @property
    def start_seconds(self) -> Fraction:
        """Of the kick-off from the start of the recording, to the millisecond as video.ini says it."""
        return Fraction(round(1000 * Fraction(self.kick_off - self.first, TICKS)), 1000)


@dataclass(frozen=True)
class State:
    """All that is known.

    Attributes:
        source: where the stream comes from.
        model: its weights' hash.
        clock: see `LiveClock`.
        at: when the last picture came, in seconds since 1970.
        periods: in order.
        over: whether the match is.
    """

    source: str
    model: str
    clock: dict[str, Any] = field(default_factory=dict)
    at: float = 0.0
    periods: tuple[Period, ...] = ()
    over: bool = False

    def live_clock(self) -> LiveClock:
        return clock_of(self.clock) if self.clock else LiveClock()

    def with_period(self, period: Period) -> "State":
        """The state with this period in the place of the one of its number."""
        others = tuple(one for one in self.periods if one.number != period.number)
        return replace(self, periods=(*others, period))


def read_state(out: Path) -> State | None:
    """What a command before this one has left; None: nothing.

    Raises:
        UserError: the file is damaged.
    """
    path = out / STATE_FOLDER / "state.json"
    if not path.exists():
        return None
    advice = "name another --out"
    return structured(read_document(path, dict[str, Any], advice=advice), State, str(path), advice)


def write_state(out: Path, state: State) -> None:
    write_json(out / STATE_FOLDER / "state.json", asdict(state), indent=None)


def write_trims(out: Path, periods: Sequence[Period]) -> None:
    """Say where the periods lie in their recordings, so that the folder is a game as others are."""
    lines = []
    for period in periods:
        seconds = float(OPEN_SECONDS)
        if period.ended:
            seconds = usable(out / period.file_name).seconds - float(period.start_seconds)
        lines += [
            f"[{period.file_name}]",
            f"start_time_second = {float(period.start_seconds):.3f}",
            f"duration_second = {ceil(1000 * seconds) / 1000:.3f}",  # no picture less
            "",
        ]
    write_text(out / TRIMS, "\n".join(lines))
