"""A match: its halves with their files, its annotated events, and how its times are said."""

from dataclasses import dataclass
from pathlib import Path

from rmsnet.dataset.labels import Event
from rmsnet.reading.pieces import pieces_of
from rmsnet.video.files import Footage, file_of


@dataclass(frozen=True)
class MatchHalf:
    """One half; at least one of its files is there.

    Attributes:
        number: of the period, 1 or 2 for two halves.
        features: its .npy.
        videos: the half in several sizes, the smallest file first.
        rows: of the feature file that are this half; None: all.
    """

    number: int
    features: Path | None
    videos: tuple[Footage, ...]
    rows: slice | None = None

    @property
    def video(self) -> Footage | None:
        """The largest of the videos: what people look at."""
        return self.videos[-1] if self.videos else None

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them; of what lies in pieces each."""
        wholes = (*([self.features] if self.features else []), *map(file_of, self.videos))
        return tuple(piece for path in wholes for piece in pieces_of(path) or (path,))


@dataclass(frozen=True)
class Match:
    """A match to spot.

    Attributes:
        name: league/season/game in a dataset, else the name of the folder or file.
        halves: the halves that are there.
        events: the annotated events of those halves; None where there are no labels.
        simulated: whether its features or pictures are made up.
        notes: what was noticed about its files, a line each.
        fault: why it cannot be spotted; "": nothing is known against it.
    """

    name: str
    halves: tuple[MatchHalf, ...]
    events: tuple[Event, ...] | None = None
    simulated: bool = False
    notes: tuple[str, ...] = ()
    fault: str = ""

    @property
    def shown_videos(self) -> dict[int, Footage]:
        """What people look at, by half."""
        return {half.number: half.video for half in self.halves if half.video is not None}


def clock(position_ms: int) -> str:
    """Minutes and seconds, as in `gameTime`."""
    return f"{position_ms // 60_000:02d}:{position_ms // 1000 % 60:02d}"
