"""Simulated basketball: other classes, four quarters, a whole match in one file that begins before tip-off.

    <root>/dataset.json                                         what it is
    <root>/simulated_basketball/<season>/<game>/events.csv      time in the file, label
                                                kick_offs.json  seconds in the file at which each quarter begins
                                                clip_1fps.npy   (T, 512), a row a second
                                                224p.mkv        the same match, drawn, where it is wanted

What happens is shown in the manner of the football broadcasts: a basket as a goal, a foul as a card, a timeout as a
substitution, and what no annotation names between them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.dataset.formats.clocks import clock
from rmsnet.dataset.kick_offs import KICK_OFFS
from rmsnet.dataset.labels import Event
from rmsnet.files import atomic_file, write_json, write_text
from rmsnet.simulation.appearance import half_features, match_looks, world_looks
from rmsnet.simulation.broadcast import Broadcast, direct
from rmsnet.simulation.draws import HALF, LOOKS, TIMELINE, VIDEO, WORLD, Draws
from rmsnet.style.tables import as_csv

QUARTERS = 4
FEATURES = "clip_1fps"
LABELS = "events.csv"
VIDEO_FILE = "224p.mkv"

SHOWN_AS: Mapping[str, str] = {"basket": "Goal", "dunk": "Goal", "foul": "Yellow card", "timeout": "Substitution"}
"""The script of the football broadcast by which each label is shown."""

_WEIGHTS: Mapping[str, int] = {"basket": 45, "dunk": 15, "foul": 25, "timeout": 15}
_PAUSE_SECONDS = (25, 75)
"""Between two events of a quarter."""
_UNANNOTATED = ("Warm-up", "Talk", "Highlight")
_LEAD_SECONDS = (20, 90)
_BREAK_SECONDS = 30


@dataclass(frozen=True)
class BasketballGame:
    """A match.

    Attributes:
        number: in the dataset.
        split: which it belongs to.
        name: league/season/game.
        quarter_seconds: length of a quarter.
        kick_offs: second of the file at which each quarter begins.
        events: in the file, its halves numbered as the quarters, positions from the start of the file.
    """

    number: int
    split: str
    name: str
    quarter_seconds: int
    kick_offs: tuple[int, ...]
    events: tuple[Event, ...]

    @property
    def seconds(self) -> int:
        return self.kick_offs[-1] + self.quarter_seconds + _BREAK_SECONDS


def description(quarter_minutes: int) -> dict[str, Any]:
    """What dataset.json says of classes, labels, features and periods."""
    return {
        "classes": [
            {"name": "basket", "colour": "#b54706"},
            {"name": "dunk", "merged_into": "basket"},
            {"name": "foul"},
            {"name": "timeout"},
        ],
        "labels": {"file": LABELS, "format": "csv", "clock": "file"},
        "features": [{"name": FEATURES, "width": 512, "frame_rate": 1, "first_frame_seconds": 1.0}],
        "periods": [{"name": f"Q{number}", "minutes": quarter_minutes} for number in range(1, QUARTERS + 1)],
        "files": "match",
    }


def basketball_games(seed: int, sizes: Mapping[str, int], quarter_seconds: int) -> Iterator[BasketballGame]:
    """Matches of each split with a timeline of their own."""
    splits = [split for split, size in sizes.items() for _ in range(size)]
    for number, split in enumerate(splits):
        draws = Draws(seed, TIMELINE, number)
        lead = draws.integer(*_LEAD_SECONDS)
        kick_offs = tuple(lead + quarter * (quarter_seconds + _BREAK_SECONDS) for quarter in range(QUARTERS))
        events = tuple(_events(draws, kick_offs, quarter_seconds))
        name = f"simulated_basketball/2030-2031/{number + 1:03d}"
        yield BasketballGame(number, split, name, quarter_seconds, kick_offs, events)


def _events(draws: Draws, kick_offs: Sequence[int], quarter_seconds: int) -> Iterator[Event]:
    labels = list(_WEIGHTS)
    for quarter, start in enumerate(kick_offs, start=1):
        at = draws.integer(*_PAUSE_SECONDS)
        while at < quarter_seconds - 15:
            label = labels[draws.weighted(list(_WEIGHTS.values()))]
            yield Event(quarter, 1000 * (start + at) + draws.integer(0, 999), label)
            at += draws.integer(*_PAUSE_SECONDS)


def write_basketball(root: Path, plan: Sequence[BasketballGame], seed: int, video: bool) -> None:
    """Write every game of a plan, those that are there already left as they are."""
    world = world_looks(Draws(seed, WORLD))
    for game in plan:
        path = root / game.name / f"{FEATURES}.npy"
        if path.exists() and not (video and not path.with_name(VIDEO_FILE).exists()):
            continue
        write_text(path.with_name(LABELS), _labels(game))
        write_json(path.with_name(KICK_OFFS), list(game.kick_offs))
        draws = Draws(seed, HALF, game.number, 1)
        looks = match_looks(Draws(seed, LOOKS, game.number), world)
        shown = _shown(draws, game)
        broadcast = direct(draws, shown, 2 * game.seconds)
        if video:
            from rmsnet.simulation.video import match_colours, write_half_video

            pictures, colours = Draws(seed, VIDEO, game.number, 1), match_colours(Draws(seed, VIDEO, game.number))
            write_half_video(path.with_name(VIDEO_FILE), pictures, colours, broadcast, shown, (0, 0))
        features = _features(draws, broadcast, looks)
        with atomic_file(path) as partial, partial.open("wb") as file:
            np.save(file, features)


def _shown(draws: Draws, game: BasketballGame) -> list[Event]:
    """All that happens, annotated or not, as the football broadcast knows it."""
    shown = [Event(1, event.position_ms, SHOWN_AS[event.label]) for event in game.events]
    for second in range(0, game.seconds, 120):
        shown.append(Event(1, 1000 * (second + draws.integer(0, 119)), draws.one_of(_UNANNOTATED)))
    return shown


def _features(draws: Draws, broadcast: Broadcast, looks: Any) -> npt.NDArray[np.float32]:
    """A row a second: every second row of two a second, the first at 1.0 s."""
    return half_features(draws, looks, broadcast, 1)[1::2]


def _labels(game: BasketballGame) -> str:
    return as_csv([{"time": clock(event.position_ms), "label": event.label} for event in game.events])
