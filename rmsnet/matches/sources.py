"""What `rmsnet spot` may be pointed at: videos, feature files, a game folder, a dataset; all become matches."""

import glob
from collections.abc import Sequence
from pathlib import Path

from rmsnet.dataset.labels import (
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
from rmsnet.files import is_litter
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.reading.names import as_text, fault_of, same_name
from rmsnet.video.files import chapter_of, half_in_name, join_command, pieces_message, sizes_of, videos_in


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
        return [_match_of_game(folder, folder.resolve().name, halves, classes, features)]
    if (folder / DESCRIPTION).exists() or split_lists(folder):
        return _matches_of_dataset(folder, features, classes, split)
    below = [path for path in sorted(folder.rglob("*")) if path.is_dir() and not is_litter(path)]
    games = {path: halves for path in below if (halves := find_halves(path, features))}
    matches = [
        _match_of_game(game, _name_of(game, folder), halves, classes, features) for game, halves in games.items()
    ]
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
    """The halves of a game folder, with `{1,2}_<features>.npy` and the videos `{1,2}*` of each.

    Raises:
        UserError: a half in several pieces.
    """
    videos = videos_in(folder)
    found = []
    for number in HALVES:
        array = folder / f"{number}_{features}.npy"
        used, _ = sizes_of(videos.get(number, []), number)
        if array.exists() or used:
            by_size = sorted(used, key=lambda path: path.stat().st_size)
            found.append(MatchHalf(number, array if array.exists() else None, tuple(by_size)))
    return tuple(found)


def _notes(folder: Path, features: str) -> tuple[str, ...]:
    """What lies in a game folder and is not used."""
    videos = videos_in(folder)
    notes = [
        f"{path}: not used; its name says no size (224p, 720p), as that of the other videos does"
        for number in HALVES
        for path in sizes_of(videos.get(number, []), number)[1]
    ]
    later = [path for number, paths in sorted(videos.items()) if number not in HALVES for path in paths]
    later += sorted(folder.glob(f"[3-9]_{glob.escape(features)}.npy"))
    if later:
        names = ", ".join(path.name for path in later)
        notes.append(f"{folder}: {names}: not used; events are spotted in halves 1 and 2, not in extra time")
    return tuple(notes)


def _match_of_files(files: Sequence[Path]) -> Match:
    if len(files) > len(HALVES):
        raise UserError(
            f"{files[2]}: a match has two halves; give one or two files; pieces of a half are joined with: "
            f"{join_command(files, 'half.mkv')}"
        )
    if len(files) > 1 and (chapter := chapter_of(files[0])) is not None and chapter == chapter_of(files[1]):
        raise UserError(
            f"{files[1]}: is the next chapter of the recording that {files[0].name} begins; join them: "
            f"{join_command(files, 'half.mkv')}"
        )
    numbers, notes = _numbers(files)
    halves = [
        MatchHalf(number, file, ()) if file.suffix.lower() == ".npy" else MatchHalf(number, None, (file,))
        for number, file in zip(numbers, files, strict=True)
    ]
    halves.sort(key=lambda half: half.number)
    return Match(as_text(" + ".join(file.stem for file in files)), tuple(halves), notes=notes)


def _numbers(files: Sequence[Path]) -> tuple[list[int], tuple[str, ...]]:
    """Which half each of one or two files is, by their names and their order, and what is to be said of that."""
    named = [number if (number := half_in_name(file)) in HALVES else None for file in files]
    if len(files) == 1:
        return [named[0] or 1], ()
    if named == [2, 1]:
        return [2, 1], (
            f"{files[0]} {files[1]}: given in the order 2, 1; taken by their names as second and first half",
        )
    if named[0] is not None and named[0] == named[1]:
        raise UserError(pieces_message(files, named[0]))
    for place, (number, file) in enumerate(zip(named, files, strict=True), start=1):
        if number not in (None, place):
            raise UserError(
                f"{file}: is given as half {place} and is half {number} by its name; give the halves in order"
            )
    return [1, 2], ()


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
        matches.append(_match(game, folder, halves, events, dataset.simulated, features))
    return matches


def _match_of_game(
    folder: Path, name: str, halves: tuple[MatchHalf, ...], classes: Sequence[str], features: str
) -> Match:
    version, events = label_version(classes), None
    path = folder / LABEL_FILES[version or "v1"]
    if version is not None and path.exists():
        events = read_events(path.read_bytes(), version, str(path), name, extra_time=True)
    return _match(name, folder, halves, events, _is_simulated(folder), features)


def _match(
    name: str,
    folder: Path,
    halves: tuple[MatchHalf, ...],
    events: Sequence[Event] | None,
    simulated: bool,
    features: str,
) -> Match:
    """A match of two halves at most, with what of it is left out."""
    late = [event.half for event in events or () if event.half not in HALVES]
    notes = (*_notes(folder, features), *([f"{name}: {in_extra_time(late)} left out"] if late else []))
    numbers = {half.number for half in halves}
    kept = None if events is None else tuple(event for event in events if event.half in numbers)
    return Match(name, halves, kept, simulated, notes)


def _is_simulated(game: Path) -> bool:
    """Whether the dataset around a game's folder says that it is made up."""
    parents = game.resolve().parents
    try:
        return len(parents) > 3 and bool(describe_dataset(parents[2]).get("simulated"))
    except UserError:  # a file of this name that is none of ours
        return False
