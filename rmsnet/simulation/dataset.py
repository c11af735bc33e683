"""Simulated datasets in SoccerNet's layout, one half in memory at a time."""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.dataset.labels import HALVES, Event
from rmsnet.dataset.soccernet import GATE, SPLITS, split_file
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.files import atomic_file, content_hash, contents, followed, replace_folder, write_json
from rmsnet.locks import alone
from rmsnet.progress import progress
from rmsnet.simulation import basketball
from rmsnet.simulation.appearance import WIDTH, Looks, half_features, match_looks, world_looks
from rmsnet.simulation.broadcast import direct
from rmsnet.simulation.draws import HALF, LOOKS, VIDEO, WORLD, Draws
from rmsnet.simulation.games import Game, drawn_games, labelled_games, nested, split_sizes
from rmsnet.simulation.timeline import around_v1, unannotated

SIMULATOR_VERSION = 2
"""Another one when the same arguments give other bytes."""

FEATURES = "ResNET_TF2_PCA512"
VIDEOS = "224p"

DEMO_GAMES = 48
DEMO_HALF_MINUTES = 15
HALF_MINUTES_RANGE = range(5, 61)
QUARTER_MINUTES_RANGE = range(2, 61)


@alone
def simulate(
    out: Path,
    *,
    games: int | None = None,
    gate: int | None = None,
    minutes: int | None = None,
    labels: Path | None = None,
    seed: int = 0,
    video: bool = False,
    sport: str = "football",
) -> dict[str, Any]:
    """Write a simulated dataset in SoccerNet's layout.

    The folder appears when the dataset is whole. Until then its halves gather in a hidden folder beside it, from
    which the same call continues after an interruption. A dataset that is there already, made by the same call, is
    left as it is; one made by another call is replaced; any other folder with something in it is refused.

    Args:
        out: the dataset's folder.
        games: how many to train, choose and test models on; by default 48 or, with labels, all of them.
        gate: how many more for the gate's own split; by default half as many. Not with labels, which bring their own
            lists.
        minutes: length of a half, by default 15; not with labels, which bring their own lengths.
        labels: folder or zip of real annotations (Labels.json, Labels-v2.json or both), put over simulated features.
            Their splits and `half_durations.csv` are read beside them; the official splits where there are none.
        seed: another seed, another dataset.
        video: draw the broadcasts too, as {1,2}_224p.mkv, or 224p.mkv where a file holds the match.
        sport: "football", or "basketball": see `basketball`; without labels.

    Returns:
        The content of dataset.json.

    Raises:
        UserError: impossible arguments, unusable labels, or `out` holds something that was not simulated.
    """
    out = followed(Path(out).absolute())
    if seed < 0:
        raise UserError(f"--seed {seed}: must not be negative")
    if games is not None and games < len(SPLITS):
        raise UserError(f"--games {games}: at least {len(SPLITS)}, one for each split")
    if gate is not None and (labels is not None or gate < 0):
        raise UserError(f"--gate {gate}: " + ("must not be negative" if labels is None else "not with --labels"))
    _require_replaceable(out)
    count = games or DEMO_GAMES
    sizes = {**split_sizes(count), GATE: count // 2 if gate is None else gate}
    if sport == "basketball":
        if labels is not None:
            raise UserError("--sport basketball: is drawn without --labels")
        return _basketball(out, sizes, _minutes(minutes, QUARTER_MINUTES_RANGE, "quarter"), seed, video)
    made: dict[str, Any] = {"seed": seed}
    if labels is None:
        half_minutes = _minutes(minutes, HALF_MINUTES_RANGE, "half")
        plan = list(drawn_games(seed, sizes, 60 * half_minutes))
        made |= {"half_minutes": half_minutes, "labels": None}
    else:
        if minutes is not None:
            raise UserError("--minutes: the labels bring their own lengths; leave it out")
        plan = list(labelled_games(Path(labels), games))
        digest = content_hash(*[part for game in plan for part in _label_identity(game)])
        made |= {"labels": {"name": Path(labels).name, "hash": digest}}
    info = {
        "name": "Simulated matches" if labels is None else "Simulated features under real annotations",
        "simulated": True,
        "made_by": "rmsnet data simulate",
        "simulator_version": SIMULATOR_VERSION,
        **made,
        "games": {split: len(names) for split, names in _by_split(plan).items()},
        "features": FEATURES,
    }
    if video:
        info["videos"] = VIDEOS
    if not _is_whole(out, info, plan):
        _make(out, info, plan, lambda partial: _write_games(partial, plan, seed, video))
    return info


def _minutes(minutes: int | None, allowed: range, period: str) -> int:
    chosen = DEMO_HALF_MINUTES if minutes is None else minutes
    if chosen not in allowed:
        raise UserError(f"--minutes {chosen}: a {period} has {allowed[0]} to {allowed[-1]} minutes")
    return chosen


def _basketball(out: Path, sizes: Mapping[str, int], minutes: int, seed: int, video: bool) -> dict[str, Any]:
    plan = list(basketball.basketball_games(seed, sizes, 60 * minutes))
    info = {
        "name": "Simulated basketball",
        "simulated": True,
        "made_by": "rmsnet data simulate",
        "simulator_version": SIMULATOR_VERSION,
        "seed": seed,
        "games": {split: len(names) for split, names in _by_split(plan).items()},
        **basketball.description(minutes),
        **({"videos": basketball.VIDEO_FILE} if video else {}),
    }
    whole = all(
        _is_features(out / game.name / f"{basketball.FEATURES}.npy", game.seconds)
        and (not video or (out / game.name / basketball.VIDEO_FILE).is_file())
        for game in plan
    )
    if not (whole and _says(out, info)):
        _make(out, info, plan, lambda partial: basketball.write_basketball(partial, plan, seed, video))
    return info


def _make(
    out: Path, info: Mapping[str, Any], plan: Sequence[Game | basketball.BasketballGame], write: Callable[[Path], None]
) -> None:
    """Put a dataset at `out` when it is whole; an interrupted one of the same call goes on."""
    partial = out.with_name(f".{out.name}.partial")
    plan_file = partial / "plan.json"
    if _plan(plan_file) != info:
        shutil.rmtree(partial, ignore_errors=True)
        write_json(plan_file, info)
    write(partial)
    for split, names in _by_split(plan).items():
        write_json(partial / split_file(split), nested(names))
    plan_file.unlink()
    write_json(partial / "dataset.json", info)
    replace_folder(partial, out)


def _by_split(plan: Iterable[Game | basketball.BasketballGame]) -> dict[str, list[str]]:
    """The names of the games of each split, of the gate only where it has some."""
    names: dict[str, list[str]] = {split: [] for split in SPLITS}
    for game in plan:
        names.setdefault(game.split, []).append(game.name)
    return names


def _says(out: Path, info: Mapping[str, Any]) -> bool:
    return (out / "dataset.json").exists() and read_json(out / "dataset.json") == info


def _plan(path: Path) -> Any:
    """What an interrupted call was making; None where none is known."""
    try:
        return read_json(path)
    except UserError:
        return None


def _label_identity(game: Game) -> list[bytes | str]:
    return [game.name, *game.labels.values()]


def _require_replaceable(out: Path) -> None:
    if out.is_dir() and contents(out):
        info = read_json(out / "dataset.json") if (out / "dataset.json").exists() else None
        if not isinstance(info, dict) or info.get("simulated") is not True:
            raise UserError(f"{out}: holds something that was not simulated; choose another folder for --out")
    elif out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; choose a folder for --out")


def _is_whole(out: Path, info: Mapping[str, Any], plan: Sequence[Game]) -> bool:
    """Whether `out` is this dataset and no file of it is missing or cut short."""
    if not _says(out, info):
        return False
    files = [out / game.name / name for game in plan for name in game.labels]
    if "videos" in info:
        files += [_video_path(out, game, half) for game in plan for half in HALVES]
    return all(
        _is_features(_features_path(out, game, half), game.frames(half)) for game in plan for half in HALVES
    ) and all(file.is_file() for file in files)


def _features_path(root: Path, game: Game, half: int) -> Path:
    return root / game.name / f"{half}_{FEATURES}.npy"


def _video_path(root: Path, game: Game, half: int) -> Path:
    return root / game.name / f"{half}_{VIDEOS}.mkv"


def _is_features(path: Path, frames: int) -> bool:
    """Whether a file has the size of a half's features."""
    return path.is_file() and path.stat().st_size == _HEADER_BYTES + frames * WIDTH * 4


_HEADER_BYTES = 128
"""Of a .npy file of a float32 matrix."""


def _write_games(root: Path, plan: Sequence[Game], seed: int, video: bool) -> None:
    """Write labels, features and wanted videos of every game, those that are there already left as they are."""
    world = world_looks(Draws(seed, WORLD))
    with progress("simulate", "game", len(plan)) as advance:
        for game in plan:
            _write_game(root, game, seed, match_looks(Draws(seed, LOOKS, game.number), world), video)
            advance(1)


def _write_game(root: Path, game: Game, seed: int, looks: Looks, video: bool) -> None:
    folder = root / game.name
    for name, content in game.labels.items():
        with atomic_file(folder / name) as partial:
            partial.write_bytes(content)
    for half in HALVES:
        path, video_path = _features_path(root, game, half), _video_path(root, game, half)
        has_features = _is_features(path, game.frames(half))
        if has_features and not (video and not video_path.exists()):
            continue
        draws = Draws(seed, HALF, game.number, half)
        shown = _shown(draws, game, half)
        broadcast = direct(draws, shown, game.frames(half))
        if not has_features:
            features = half_features(draws, looks, broadcast, half)
            with atomic_file(path) as partial, partial.open("wb") as file:
                np.save(file, features)
        if video:
            from rmsnet.simulation.video import match_colours, write_half_video

            colours = match_colours(Draws(seed, VIDEO, game.number))
            goals = [event.team for event in game.events if event.label == "Goal" and event.half < half]
            score = (goals.count("home"), goals.count("away"))
            write_half_video(video_path, Draws(seed, VIDEO, game.number, half), colours, broadcast, shown, score)


def _shown(draws: Draws, game: Game, half: int) -> list[Event]:
    """All that happens in a half, annotated or not, with v2 labels."""
    half_seconds = int(game.half_seconds[half - 1])
    annotated = [event for event in game.events if event.half == half]
    if game.version == "v1":
        annotated = around_v1(draws, half, half_seconds, annotated)
    return annotated + unannotated(draws, half, half_seconds)
