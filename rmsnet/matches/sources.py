"""What `rmsnet spot` may be pointed at: videos, feature files, a game folder, a dataset; all become matches."""

from collections.abc import Sequence
from pathlib import Path

from rmsnet.dataset.labels import (
    EXTRA_TIME,
    HALVES,
    LABEL_FILES,
    Event,
    game_events,
    in_extra_time,
    label_version,
    read_events,
)
from rmsnet.dataset.soccernet import DESCRIPTION, describe_dataset, open_dataset, split_file, split_lists
from rmsnet.errors import UserError
from rmsnet.files import contents, is_litter
from rmsnet.formats.names import as_text, fault_of, same_name
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.video.halves import VIDEO_SUFFIXES


def find_matches(sources: Sequence[Path], features: str, classes: Sequence[str], split: str | None) -> list[Match]:
    """The matches behind the sources of a command.

    Args:
        sources: one or two videos or feature files (two: the halves), one game folder, one dataset, or one folder that
            holds game folders, however deep.
        features: the model's kind of features: in a folder `{1,2}_<features>.npy` is taken where it lies.
        classes: the model's classes; they say which label file holds the truth.
        split: of a dataset; None: all games of its lists.

    Raises:
        UserError: nothing there, more than two files, a folder without a game.
    """
    for source in sources:
        if not source.exists():
            raise UserError(f"{source}: no such video, features (.npy), game folder or dataset")
    folders = [source for source in sources if source.is_dir()]
    if folders and len(sources) > 1:
        raise UserError(f"{folders[0]}: a folder comes alone; two sources are the two halves of one match, as files")
    if not folders:
        if split is not None:
            raise UserError(f"--split {split}: only a dataset has splits, {sources[0]} is a file")
        return [_match_of_files(sources)]
    folder = folders[0]
    halves = find_halves(folder, features)
    if halves:
        if split is not None:
            raise UserError(f"--split {split}: only a dataset has splits, {folder} is a game")
        return [_match_of_game(folder, folder.resolve().name, halves, classes)]
    if (folder / DESCRIPTION).exists() or split_lists(folder):
        return _matches_of_dataset(folder, features, classes, split)
    below = [path for path in sorted(folder.rglob("*")) if path.is_dir() and not is_litter(path)]
    games = {path: halves for path in below if (halves := find_halves(path, features))}
    matches = [_match_of_game(game, _name_of(game, folder), halves, classes) for game, halves in games.items()]
    if not matches:
        raise UserError(
            f"{folder}: neither a game (1_{features}.npy or 1_*.mkv, .mp4, …), nor a folder of games, nor a dataset "
            f"(dataset.json or split lists such as {split_file('test')})"
        )
    if split is not None:
        raise UserError(f"--split {split}: {folder} has no split lists; only a dataset has splits")
    return matches


def _name_of(game: Path, folder: Path) -> str:
    name = same_name(game.relative_to(folder).as_posix())
    fault = fault_of(name)
    if fault:
        raise UserError(f"{folder}: the folder {as_text(name)} {fault}; rename it")
    return name


def find_halves(folder: Path, features: str) -> tuple[MatchHalf, ...]:
    """The halves of a game folder, with `{1,2}_<features>.npy` and the videos `{1,2}*` of each."""
    found = []
    for number in HALVES:
        array = folder / f"{number}_{features}.npy"
        videos = [
            path
            for path in contents(folder)
            if path.suffix.lower() in VIDEO_SUFFIXES and path.stem.split("_")[0] == str(number)
        ]
        if array.exists() or videos:
            by_size = sorted(videos, key=lambda path: path.stat().st_size)
            found.append(MatchHalf(number, array if array.exists() else None, tuple(by_size)))
    return tuple(found)


def _match_of_files(files: Sequence[Path]) -> Match:
    if len(files) > len(HALVES):
        raise UserError(f"{files[2]}: a match has two halves; give one or two files")
    halves = tuple(
        MatchHalf(number, file, ()) if file.suffix.lower() == ".npy" else MatchHalf(number, None, (file,))
        for number, file in zip(HALVES, files, strict=False)
    )
    return Match(as_text(" + ".join(file.stem for file in files)), halves)


def _matches_of_dataset(root: Path, features: str, classes: Sequence[str], split: str | None) -> list[Match]:
    dataset = open_dataset(root, None if split is None else (split,))
    labels, version = dataset.labels(), label_version(classes)
    matches = []
    for game in dict.fromkeys(game for games in dataset.splits.values() for game in games):
        folder = dataset.game_folder(game)
        halves = find_halves(folder, features)
        if not halves:
            raise UserError(f"{folder}: neither 1_{features}.npy nor a video of a half")
        for path in (path for half in halves for path in (half.features, *half.videos) if path is not None):
            dataset.require_inside(path)
        has_labels = version is not None and labels.read(game, LABEL_FILES[version]) is not None
        events = game_events(labels, game, version, extra_time=True) if version and has_labels else None
        matches.append(_match(game, folder, halves, events, dataset.simulated))
    return matches


def _match_of_game(folder: Path, name: str, halves: tuple[MatchHalf, ...], classes: Sequence[str]) -> Match:
    version, events = label_version(classes), None
    path = folder / LABEL_FILES[version or "v1"]
    if version is not None and path.exists():
        events = read_events(path.read_bytes(), version, str(path), name, extra_time=True)
    return _match(name, folder, halves, events, _is_simulated(folder))


def _match(
    name: str, folder: Path, halves: tuple[MatchHalf, ...], events: Sequence[Event] | None, simulated: bool
) -> Match:
    """A match of two halves at most, with what of it is left out."""
    files = sorted({path.name.split("_")[0].split(".")[0] for path in contents(folder)} & set(map(str, EXTRA_TIME)))
    warnings = [f"{name}: files of half {', '.join(files)} are not used: a match has two halves"] if files else []
    late = [event.half for event in events or () if event.half not in HALVES]
    warnings += [f"{name}: {in_extra_time(late)} left out"] if late else []
    numbers = {half.number for half in halves}
    kept = None if events is None else tuple(event for event in events if event.half in numbers)
    return Match(name, halves, kept, simulated, tuple(warnings))


def _is_simulated(game: Path) -> bool:
    """Whether the dataset around a game's folder says that it is made up."""
    parents = game.resolve().parents
    try:
        return len(parents) > 3 and bool(describe_dataset(parents[2]).get("simulated"))
    except UserError:  # a file of this name that is none of ours
        return False
