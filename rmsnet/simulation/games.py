"""Which games a simulated dataset has: fixtures that are drawn, or those of real annotations."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import HALVES, LABEL_FILES, Event, read_events
from rmsnet.dataset.soccernet import SPLITS, read_split
from rmsnet.documents import structured
from rmsnet.errors import UserError
from rmsnet.reading.names import same_name
from rmsnet.reading.rows import read_rows
from rmsnet.simulation.annotations import v1_annotations, v2_annotations
from rmsnet.simulation.broadcast import FRAME_RATE
from rmsnet.simulation.draws import TIMELINE, Draws
from rmsnet.simulation.timeline import HALF_MINUTES, draw_timeline

LONGEST_HALF_SECONDS = 3 * 3600
HALF_DURATIONS = "half_durations.csv"
"""Columns game, half, duration_seconds: looked for beside the labels."""


T = TypeVar("T")


@dataclass(frozen=True)
class Game:
    """A game to be simulated.

    Attributes:
        number: of the game in the dataset, in the order train, valid, test, gate.
        split: which it belongs to.
        name: league/season/game.
        labels: content of its label files by file name.
        half_seconds: length of each half.
        events: what is annotated, of either version.
        version: "v1" or "v2": which labels `events` have.
    """

    number: int
    split: str
    name: str
    labels: Mapping[str, bytes]
    half_seconds: tuple[float, float]
    events: tuple[Event, ...]
    version: str

    def frames(self, half: int) -> int:
        return int(self.half_seconds[half - 1] * FRAME_RATE)


def nested(games: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Games as the official split lists have them: {league: {season: [game]}}."""
    result: dict[str, dict[str, list[str]]] = {}
    for name in games:
        if name.count("/") != 2:
            raise UserError(f"game {name!r}: is not named league/season/game, as simulated games must be")
        league, season, game = name.split("/")
        result.setdefault(league, {}).setdefault(season, []).append(game)
    return result


def split_sizes(games: int) -> dict[str, int]:
    """60 % train, 20 % valid, 20 % test, as SoccerNet's 300, 100 and 100; at least one game each."""
    fifth = max(1, (2 * games + 5) // 10)
    return {"train": games - 2 * fifth, "valid": fifth, "test": fifth}


_CLUBS = (
    "Ashford Athletic",
    "Brackwater Rovers",
    "Calder United",
    "Dunmere Town",
    "Elmsworth",
    "Farrow Vale",
    "Glenholt Rangers",
    "Harrowgate City",
    "Inverley",
    "Kestrel Bay",
    "Lowmoor Albion",
    "Marlingford",
)


_FIRST_MATCH_DAY = date(2030, 8, 3)


_MATCHES_A_DAY = len(_CLUBS) // 2


def drawn_games(seed: int, sizes: Mapping[str, int], half_seconds: int) -> Iterator[Game]:
    """Games of each split with a timeline of their own: a league of twelve clubs, six matches a week."""
    splits = [split for split, size in sizes.items() for _ in range(size)]
    for number, split in enumerate(splits):
        draws = Draws(seed, TIMELINE, number)
        match = draw_timeline(draws, number, half_seconds)
        home_goals, away_goals = match.score()
        week, place = divmod(number, _MATCHES_A_DAY)
        day = _FIRST_MATCH_DAY + timedelta(weeks=week)
        first_year = day.year if day.month >= 7 else day.year - 1
        clubs = Draws(seed, TIMELINE, len(splits) + week).shuffled(_CLUBS)
        home, away = clubs[2 * place], clubs[2 * place + 1]
        kick_off = f"{day.isoformat()} - {15 + 2 * (place % 3)}-00"
        game = f"{kick_off} {home} {home_goals} - {away_goals} {away}"
        name = f"simulated_league/{first_year}-{first_year + 1}/{game}"
        head = {
            "UrlLocal": f"{name}/",
            "gameDate": kick_off,
            "gameHomeTeam": home,
            "gameAwayTeam": away,
            "gameScore": f"{home_goals} - {away_goals}",
        }
        labels = {
            LABEL_FILES["v1"]: json_bytes({**head, "annotations": v1_annotations(match)}),
            LABEL_FILES["v2"]: json_bytes({**head, "annotations": v2_annotations(match)}),
        }
        yield Game(number, split, name, labels, (half_seconds, half_seconds), match.events, "v2")


def labelled_games(source: Path, games: int | None) -> Iterator[Game]:
    """Games with real annotations, in the order of their splits."""
    files = GameFiles(source, [game for split in SPLITS for game in read_split(_beside(source), split)])
    versions = [version for version, name in LABEL_FILES.items() if files.games(name)]
    if not versions:
        raise UserError(f"{source}: holds no {' or '.join(LABEL_FILES.values())}")
    beside = _beside(source)
    durations = _read_durations(beside / HALF_DURATIONS)
    number = 0
    for split, names in _labelled_splits(files, beside, versions, games).items():
        for name in names:
            contents = {LABEL_FILES[version]: files.read(name, LABEL_FILES[version]) for version in versions}
            labels = {file: content for file, content in contents.items() if content is not None}
            version = "v2" if LABEL_FILES["v2"] in labels else "v1"
            where = f"{source}/{name}/{LABEL_FILES[version]}"
            events = read_events(labels[LABEL_FILES[version]], version, where, name, extra_time=True)
            seconds = tuple(durations.get((name, half)) or _half_seconds(events, half) for half in HALVES)
            yield Game(number, split, name, labels, (seconds[0], seconds[1]), tuple(events), version)
            number += 1


def _beside(source: Path) -> Path:
    """Where the split lists of annotations lie."""
    return source if source.is_dir() else source.parent


def _labelled_splits(
    files: GameFiles, beside: Path, versions: Sequence[str], games: int | None
) -> dict[str, list[str]]:
    """The annotated games of each split; of each the first ones, when only some games are wanted."""
    labelled = {game for version in versions for game in files.games(LABEL_FILES[version])}
    splits = {split: [game for game in read_split(beside, split) if game in labelled] for split in SPLITS}
    available = sum(len(names) for names in splits.values())
    for split, names in splits.items():
        if not names:
            raise UserError(f"{files.source}: holds no labels of a game of the {split} split")
    if games is None:
        return splits
    if games > available:
        raise UserError(f"--games {games}: {files.source} holds the labels of {available} listed games")
    return {split: names[: split_sizes(games)[split]] for split, names in splits.items()}


def _half_seconds(events: Sequence[Event], half: int) -> float:
    """Length of a half of unknown length: 45 minutes, or a little past its last event."""
    last_ms = max((event.position_ms for event in events if event.half == half), default=0)
    if last_ms > 1000 * LONGEST_HALF_SECONDS:
        raise UserError(f"an event at {last_ms} ms is in no half that can be simulated")
    return max(60 * HALF_MINUTES, last_ms // 1000 + 30)


def _read_durations(path: Path) -> dict[tuple[str, int], float]:
    """Seconds of each half of which the length is known."""
    if not path.exists():
        return {}
    advice = "not a table of game, half, duration_seconds"
    rows = structured(
        read_rows(path, [item.name for item in fields(_Duration)], advice),
        list[_Duration],
        str(path),
        advice,
        texts=True,
    )
    return {(same_name(row.game), row.half): row.duration_seconds for row in rows}


@dataclass(frozen=True)
class _Duration:
    """A row of `HALF_DURATIONS`."""

    game: str
    half: int
    duration_seconds: float

    def __post_init__(self) -> None:
        if not 0 < self.duration_seconds < LONGEST_HALF_SECONDS:
            raise ValueError(f"duration_seconds: {self.duration_seconds} is no length of a half")


def json_bytes(document: Any) -> bytes:
    return (json.dumps(document, indent=4, ensure_ascii=False) + "\n").encode()
