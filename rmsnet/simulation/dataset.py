"""Simulated datasets in SoccerNet's layout, one half in memory at a time."""

import csv
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rmsnet.errors import UserError
from rmsnet.files import atomic_file, content_hash, read_json, replace_folder, write_json
from rmsnet.simulation.appearance import WIDTH, half_features, match_looks, world_looks
from rmsnet.simulation.broadcast import direct
from rmsnet.simulation.draws import Draws
from rmsnet.simulation.timeline import (
    HALF_MINUTES,
    around_v1,
    draw_match,
    unannotated,
    v1_annotations,
    v2_annotations,
)
from rmsnet.soccernet import (
    FRAME_RATE,
    HALVES,
    LABEL_FILES,
    SPLITS,
    Event,
    GameFiles,
    read_events,
    read_split,
    split_file,
)

SIMULATOR_VERSION = 1
"""Another one when the same arguments give other bytes."""

FEATURES = "ResNET_TF2_PCA512"
VIDEOS = "224p"

DEMO_GAMES = 48
DEMO_HALF_MINUTES = 15
HALF_MINUTES_RANGE = range(5, 61)

HALF_DURATIONS = "half_durations.csv"
"""Columns game, half, duration_seconds: looked for beside the labels."""

T = TypeVar("T")

# What a stream of draws is for: the second number of its key.
_WORLD, _TIMELINE, _LOOKS, _HALF, _VIDEO = range(5)


@dataclass(frozen=True)
class _Game:
    """A game to be simulated.

    Attributes:
        number: of the game in the dataset, in the order train, valid, test.
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


def simulate(
    out: Path,
    *,
    games: int | None = None,
    minutes: int | None = None,
    labels: Path | None = None,
    seed: int = 0,
    video: bool = False,
) -> dict[str, Any]:
    """Write a simulated dataset in SoccerNet's layout.

    The folder appears when the dataset is whole. Until then its halves gather in a hidden folder beside it, from
    which the same call continues after an interruption. A dataset that is there already, made by the same call, is
    left as it is; one made by another call is replaced; any other folder with something in it is refused.

    Args:
        out: the dataset's folder.
        games: how many; by default 48 or, with labels, all of them.
        minutes: length of a half, by default 15; not with labels, which bring their own lengths.
        labels: folder or zip of real annotations (Labels.json, Labels-v2.json or both), put over simulated features.
            Their splits and `half_durations.csv` are read beside them; the official splits where there are none.
        seed: another seed, another dataset.
        video: draw the broadcasts too, as {1,2}_224p.mkv.

    Returns:
        The content of dataset.json.

    Raises:
        UserError: impossible arguments, unusable labels, or `out` holds something that was not simulated.
    """
    out = Path(out).absolute()
    if seed < 0:
        raise UserError(f"--seed {seed}: must not be negative")
    if games is not None and games < len(SPLITS):
        raise UserError(f"--games {games}: at least {len(SPLITS)}, one for each split")
    _require_replaceable(out)
    made: dict[str, Any] = {"seed": seed}
    if labels is None:
        half_minutes = DEMO_HALF_MINUTES if minutes is None else minutes
        if half_minutes not in HALF_MINUTES_RANGE:
            allowed = f"{HALF_MINUTES_RANGE[0]} to {HALF_MINUTES_RANGE[-1]}"
            raise UserError(f"--minutes {half_minutes}: a half has {allowed} minutes")
        plan = list(_drawn_games(seed, games or DEMO_GAMES, 60 * half_minutes))
        made |= {"half_minutes": half_minutes, "labels": None}
    else:
        if minutes is not None:
            raise UserError("--minutes: the labels bring their own lengths; leave it out")
        plan = list(_labelled_games(Path(labels), games))
        digest = content_hash(*[part for game in plan for part in _label_identity(game)])
        made |= {"labels": {"name": Path(labels).name, "hash": digest}}
    info = {
        "name": "Simulated matches" if labels is None else "Simulated features under real annotations",
        "simulated": True,
        "made_by": "rmsnet data simulate",
        "simulator_version": SIMULATOR_VERSION,
        **made,
        "games": {split: sum(game.split == split for game in plan) for split in SPLITS},
        "features": FEATURES,
    }
    if video:
        info["videos"] = VIDEOS
    if _is_whole(out, info, plan):
        return info
    partial = out.with_name(f".{out.name}.partial")
    plan_file = partial / "plan.json"
    if not plan_file.exists() or read_json(plan_file) != info:
        shutil.rmtree(partial, ignore_errors=True)
        write_json(plan_file, info)
    _write_games(partial, plan, seed, video)
    for split in SPLITS:
        write_json(partial / split_file(split), _nested(game.name for game in plan if game.split == split))
    plan_file.unlink()
    write_json(partial / "dataset.json", info)
    replace_folder(partial, out)
    return info


def _label_identity(game: _Game) -> list[bytes | str]:
    return [game.name, *game.labels.values()]


def _require_replaceable(out: Path) -> None:
    if out.is_dir() and any(out.iterdir()):
        info = read_json(out / "dataset.json") if (out / "dataset.json").exists() else None
        if not isinstance(info, dict) or info.get("simulated") is not True:
            raise UserError(f"{out}: holds something that was not simulated; choose another folder for --out")
    elif out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; choose a folder for --out")


def _is_whole(out: Path, info: Mapping[str, Any], plan: Sequence[_Game]) -> bool:
    """Whether `out` is this dataset and no file of it is missing or cut short."""
    if not (out / "dataset.json").exists() or read_json(out / "dataset.json") != info:
        return False
    files = [out / game.name / name for game in plan for name in game.labels]
    if "videos" in info:
        files += [_video_path(out, game, half) for game in plan for half in HALVES]
    return all(
        _is_features(_features_path(out, game, half), game.frames(half)) for game in plan for half in HALVES
    ) and all(file.is_file() for file in files)


def _features_path(root: Path, game: _Game, half: int) -> Path:
    return root / game.name / f"{half}_{FEATURES}.npy"


def _video_path(root: Path, game: _Game, half: int) -> Path:
    return root / game.name / f"{half}_{VIDEOS}.mkv"


def _is_features(path: Path, frames: int) -> bool:
    """Whether a file has the size of a half's features."""
    return path.is_file() and path.stat().st_size == _HEADER_BYTES + frames * WIDTH * 4


_HEADER_BYTES = 128
"""Of a .npy file of a float32 matrix."""


def _write_games(root: Path, plan: Sequence[_Game], seed: int, video: bool) -> None:
    """Write labels, features and wanted videos of every game, those that are there already left as they are."""
    world = world_looks(Draws(seed, _WORLD))
    for game in _with_progress(plan):
        folder = root / game.name
        for name, content in game.labels.items():
            with atomic_file(folder / name) as partial:
                partial.write_bytes(content)
        looks = match_looks(Draws(seed, _LOOKS, game.number), world)
        for half in HALVES:
            path, video_path = _features_path(root, game, half), _video_path(root, game, half)
            has_features = _is_features(path, game.frames(half))
            if has_features and not (video and not video_path.exists()):
                continue
            draws = Draws(seed, _HALF, game.number, half)
            shown = _shown(draws, game, half)
            broadcast = direct(draws, shown, game.frames(half))
            if not has_features:
                features = half_features(draws, looks, broadcast, half)
                with atomic_file(path) as partial, partial.open("wb") as file:
                    np.save(file, features)
            if video:
                from rmsnet.simulation.video import match_colours, write_half_video

                colours = match_colours(Draws(seed, _VIDEO, game.number))
                goals = [event.team for event in game.events if event.label == "Goal" and event.half < half]
                score = (goals.count("home"), goals.count("away"))
                write_half_video(video_path, Draws(seed, _VIDEO, game.number, half), colours, broadcast, shown, score)


def _shown(draws: Draws, game: _Game, half: int) -> list[Event]:
    """All that happens in a half, annotated or not, with v2 labels."""
    half_seconds = int(game.half_seconds[half - 1])
    annotated = [event for event in game.events if event.half == half]
    if game.version == "v1":
        annotated = around_v1(draws, half, half_seconds, annotated)
    return annotated + unannotated(draws, half, half_seconds)


def _with_progress(games: Sequence[_Game]) -> Iterable[_Game]:
    """The games; a progress bar on a terminal, elsewhere a line at every tenth."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        return tqdm(games, desc="simulate", unit="game")
    return _with_lines(games)


def _with_lines(games: Sequence[_Game]) -> Iterator[_Game]:
    for number, game in enumerate(games, start=1):
        yield game
        if number * 10 // len(games) > (number - 1) * 10 // len(games):
            print(f"simulate: {number} of {len(games)} games", file=sys.stderr, flush=True)


def _nested(games: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Games as the official split lists have them: {league: {season: [game]}}."""
    result: dict[str, dict[str, list[str]]] = {}
    for name in games:
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


def _drawn_games(seed: int, games: int, half_seconds: int) -> Iterator[_Game]:
    """Games with a timeline of their own: a league of twelve clubs, six matches a week."""
    splits = [split for split, size in split_sizes(games).items() for _ in range(size)]
    for number, split in enumerate(splits):
        draws = Draws(seed, _TIMELINE, number)
        match = draw_match(draws, number, half_seconds)
        home_goals, away_goals = match.score()
        week, place = divmod(number, _MATCHES_A_DAY)
        day = _FIRST_MATCH_DAY + timedelta(weeks=week)
        first_year = day.year if day.month >= 7 else day.year - 1
        clubs = Draws(seed, _TIMELINE, games + week).shuffled(_CLUBS)
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
            LABEL_FILES["v1"]: _json_bytes({**head, "annotations": v1_annotations(match)}),
            LABEL_FILES["v2"]: _json_bytes({**head, "annotations": v2_annotations(match)}),
        }
        yield _Game(number, split, name, labels, (half_seconds, half_seconds), match.events, "v2")


def _json_bytes(document: Any) -> bytes:
    return (json.dumps(document, indent=4, ensure_ascii=False) + "\n").encode()


def _labelled_games(source: Path, games: int | None) -> Iterator[_Game]:
    """Games with real annotations, in the order of their splits."""
    files = GameFiles(source)
    versions = [version for version, name in LABEL_FILES.items() if files.games(name)]
    if not versions:
        raise UserError(f"{source}: holds no {' or '.join(LABEL_FILES.values())}")
    beside = source if source.is_dir() else source.parent
    durations = _read_durations(beside / HALF_DURATIONS)
    number = 0
    for split, names in _labelled_splits(files, beside, versions, games).items():
        for name in names:
            contents = {LABEL_FILES[version]: files.read(name, LABEL_FILES[version]) for version in versions}
            labels = {file: content for file, content in contents.items() if content is not None}
            version = "v2" if LABEL_FILES["v2"] in labels else "v1"
            events = read_events(labels[LABEL_FILES[version]], version, f"{source}/{name}/{LABEL_FILES[version]}")
            seconds = tuple(durations.get((name, half)) or _half_seconds(events, half) for half in HALVES)
            yield _Game(number, split, name, labels, (seconds[0], seconds[1]), tuple(events), version)
            number += 1


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
    return max(60 * HALF_MINUTES, last_ms // 1000 + 30)


def _read_durations(path: Path) -> dict[tuple[str, int], float]:
    """Seconds of each half of which the length is known."""
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {(row["game"], int(row["half"])): float(row["duration_seconds"]) for row in csv.DictReader(file)}
    except (OSError, UnicodeDecodeError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"{path}: not a table of game, half, duration_seconds ({error!r})") from None
