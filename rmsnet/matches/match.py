"""A match: its halves with their files, its annotated events, and how its times are said."""

from dataclasses import dataclass
from pathlib import Path

from rmsnet.dataset.labels import Event

HALF_MINUTES = 45

LONGEST_HALF_MINUTES = 75
"""What is longer is no half: a whole match in one file, or features of another rate."""


@dataclass(frozen=True)
class MatchHalf:
    """One half; at least one of its files is there.

    Attributes:
        number: 1 or 2.
        features: its .npy.
        videos: the half in several sizes, the smallest file first.
    """

    number: int
    features: Path | None
    videos: tuple[Path, ...]

    @property
    def video(self) -> Path | None:
        """The largest of the videos: what people look at."""
        return self.videos[-1] if self.videos else None


@dataclass(frozen=True)
class Match:
    """A match to spot.

    Attributes:
        name: league/season/game in a dataset, else the name of the folder or file.
        halves: the halves that are there.
        events: the annotated events of those halves; None where there are no labels.
        simulated: whether its features or pictures are made up.
        notes: what was noticed about its files, a line each.
    """

    name: str
    halves: tuple[MatchHalf, ...]
    events: tuple[Event, ...] | None = None
    simulated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def shown_videos(self) -> dict[int, Path]:
        """What people look at, by half."""
        return {half.number: half.video for half in self.halves if half.video is not None}


def match_minute(half: int, position_ms: int) -> str:
    """The minute as it is said on television: 67', and 45+2' in the injury time of the first half."""
    minute = position_ms // 60_000 + 1
    before = (half - 1) * HALF_MINUTES
    if minute > HALF_MINUTES:
        return f"{before + HALF_MINUTES}+{minute - HALF_MINUTES}'"
    return f"{before + minute}'"


def clock(position_ms: int) -> str:
    """Minutes and seconds, as in `gameTime`."""
    return f"{position_ms // 60_000:02d}:{position_ms // 1000 % 60:02d}"
