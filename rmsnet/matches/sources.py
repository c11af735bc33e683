"""What `rmsnet spot` may be pointed at: videos, feature files, a game folder, a dataset; all become matches."""

import glob
from collections.abc import Sequence
from pathlib import Path

from rmsnet.dataset.class_lists import class_list, classes_of
from rmsnet.dataset.description import DESCRIPTION, SOCCERNET, Description, read_description
from rmsnet.dataset.feature_files import open_features
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.kick_offs import cut_videos, rows_of
from rmsnet.dataset.labels import Event, in_extra_time, label_version
from rmsnet.dataset.soccernet import Dataset, open_dataset, split_file, split_lists
from rmsnet.errors import UserError
from rmsnet.files import is_litter
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.reading.names import as_text, fault_of, same_name
from rmsnet.video.files import chapter_of, half_in_name, join_command, pieces_message, sizes_of, videos_in


def find_matches(
    sources: Sequence[Path], features: str, classes: Sequence[str], split: str | None, periods: int = 2
) -> list[Match]:
    """The matches behind the sources of a command.

    Args:
        sources: videos or feature files of one match, a period each, one game folder, one dataset, or one folder that
            holds game folders, however deep.
        features: the model's kind of features: in a folder `{1,2}_<features>.npy` is taken where it lies.
        classes: the model's classes; they say which label file holds the truth.
        split: of a dataset; None: all games of its lists.
        periods: of a match, as the model knows it; a dataset says so itself.

    Raises:
        UserError: nothing there, more than two files, a folder without a game.
    """
    for source in sources:
        if not source.exists():
            raise UserError(f"{source}: no such video, features (.npy), game folder or dataset")
    folders = [source for source in sources if source.is_dir()]
    if folders and len(sources) > 1:
        raise UserError(f"{folders[0]}: a folder comes alone; several sources are the halves of one match, as files")
    if not folders:
        if split is not None:
            raise UserError(f"--split {split}: only a dataset has splits, {sources[0]} is a file")
        return [_match_of_files(sources, periods)]
    folder = folders[0]
    numbers = range(1, periods + 1)
    halves = find_halves(folder, features, numbers)
    if halves:
        if split is not None:
            raise UserError(f"--split {split}: only a dataset has splits, {folder} is a game")
        return [_match_of_game(folder, folder.resolve().name, halves, classes, features, numbers)]
    if (folder / DESCRIPTION).exists() or split_lists(folder):
        return _matches_of_dataset(folder, features, classes, split)
    below = [path for path in sorted(folder.rglob("*")) if path.is_dir() and not is_litter(path)]
    matches = []
    for path in below:
        try:
            halves = find_halves(path, features, numbers)
            if halves:
                matches.append(_match_of_game(path, _name_of(path, folder), halves, classes, features, numbers))
        except UserError as error:
            matches.append(Match(as_text(path.relative_to(folder).as_posix()), (), fault=str(error)))
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


def find_halves(folder: Path, features: str, numbers: Sequence[int]) -> tuple[MatchHalf, ...]:
    """The halves of a game folder, with `{number}_<features>.npy` and the videos `{number}*` of each.

    Raises:
        UserError: a half in several pieces.
    """
    videos = videos_in(folder)
    found = []
    for number in numbers:
        array = folder / f"{number}_{features}.npy"
        used, _ = sizes_of(videos.get(number, []), number)
        if array.exists() or used:
            by_size = sorted(used, key=lambda path: path.stat().st_size)
            found.append(MatchHalf(number, array if array.exists() else None, tuple(by_size)))
    return tuple(found)


def _notes(folder: Path, features: str, numbers: Sequence[int]) -> tuple[str, ...]:
    """What lies in a game folder and is not used."""
    videos = videos_in(folder)
    notes = [
        f"{path}: not used; its name says no size (224p, 720p), as that of the other videos does"
        for number in numbers
        for path in sizes_of(videos.get(number, []), number)[1]
    ]
    later = [path for number, paths in sorted(videos.items()) if number not in numbers for path in paths]
    arrays = sorted(folder.glob(f"[1-9]_{glob.escape(features)}.npy"))
    later += [path for path in arrays if half_in_name(path) not in numbers]
    if later:
        names = ", ".join(path.name for path in later)
        where = "halves 1 and 2, not in extra time" if len(numbers) == 2 else f"periods 1 to {numbers[-1]}"
        notes.append(f"{folder}: {names}: not used; events are spotted in {where}")
    return tuple(notes)


def _match_of_files(files: Sequence[Path], periods: int) -> Match:
    if len(files) > periods:
        has = "two halves" if periods == 2 else f"{periods} periods"
        raise UserError(
            f"{files[periods]}: a match has {has}; give no more files; pieces of a half are joined with: "
            f"{join_command(files, 'half.mkv')}"
        )
    if len(files) > 1 and (chapter := chapter_of(files[0])) is not None and chapter == chapter_of(files[1]):
        raise UserError(
            f"{files[1]}: is the next chapter of the recording that {files[0].name} begins; join them: "
            f"{join_command(files, 'half.mkv')}"
        )
    numbers, notes = _numbers(files, periods)
    halves = [
        MatchHalf(number, file, ()) if file.suffix.lower() == ".npy" else MatchHalf(number, None, (file,))
        for number, file in zip(numbers, files, strict=True)
    ]
    halves.sort(key=lambda half: half.number)
    return Match(as_text(" + ".join(file.stem for file in files)), tuple(halves), notes=notes)


def _numbers(files: Sequence[Path], periods: int) -> tuple[list[int], tuple[str, ...]]:
    """Which half each file is, by their names and their order, and what is to be said of that."""
    said = [number if (number := half_in_name(file)) in range(1, periods + 1) else None for file in files]
    named = [number for number in said if number is not None]
    twice = next((number for number in named if named.count(number) > 1), None)
    if twice is not None:
        raise UserError(
            pieces_message([file for file, number in zip(files, said, strict=True) if number == twice], twice)
        )
    if len(named) == len(files):
        given = ", ".join(map(str, named))
        in_order = named == sorted(named)
        note = f"{' '.join(map(str, files))}: given in the order {given}; taken as the halves that their names say"
        return named, () if in_order else (note,)
    if len(files) == 1:
        return [1], ()
    for place, (number, file) in enumerate(zip(said, files, strict=True), start=1):
        if number not in (None, place):
            raise UserError(
                f"{file}: is given as half {place} and is half {number} by its name; give the halves in order"
            )
    return list(range(1, len(files) + 1)), ()


def _matches_of_dataset(root: Path, features: str, classes: Sequence[str], split: str | None) -> list[Match]:
    dataset = open_dataset(root, None if split is None else (split,))
    matches = []
    for game in dict.fromkeys(game for games in dataset.splits.values() for game in games):
        try:
            matches.append(_match_of_dataset(dataset, game, features, classes))
        except UserError as error:
            matches.append(Match(game, (), fault=str(error)))
    return matches


def _match_of_dataset(dataset: Dataset, game: str, features: str, classes: Sequence[str]) -> Match:
    folder = dataset.game_folder(game)
    halves = _halves_of(dataset, game, features)
    if not halves:
        name = dataset.description.file_name(1, f"{features}.npy")
        raise UserError(f"{folder}: neither {name} nor a video of a half")
    for path in (path for half in halves for path in (half.features, *half.videos) if path is not None):
        dataset.require_inside(path)
    events = _annotated(dataset.labels(), game, classes, dataset.description)
    return _match(game, folder, halves, events, dataset.simulated, features, dataset.halves)


def _halves_of(dataset: Dataset, game: str, features: str) -> tuple[MatchHalf, ...]:
    """The halves of a game of a dataset, with the rows of its feature files that each is."""
    halves = find_halves(dataset.game_folder(game), features, dataset.halves)
    kick_offs = dataset.kick_offs(game)
    if kick_offs is None:
        return halves
    of_number = {half.number: half for half in halves}
    kind, found = dataset.description.kind(features), []
    for number in dataset.halves:
        path, half = dataset.features_path(game, number, features), of_number.get(number)
        if path.exists():
            count = len(open_features(path))
            rows = rows_of(number, kick_offs, count, kind, dataset.description, str(path))
            found.append(MatchHalf(number, path, (), rows))  # videos begin elsewhere: they would show other moments
        elif half is not None:
            raise UserError(cut_videos(dataset.game_folder(game)))
    return tuple(found)


def _annotated(files: GameFiles, game: str, classes: Sequence[str], description: Description) -> list[Event] | None:
    """The annotated events of a game; None where no label file names the model's classes."""
    version = label_version(classes)
    listed = classes_of(description, version or "v1")
    if version is not None and description.labels is not None:
        listed = class_list(version)
    if tuple(classes) != listed.classes or files.read(game, listed.label_file) is None:
        return None
    return game_events(files, game, listed, description, extra_time=True)


def _match_of_game(
    folder: Path,
    name: str,
    halves: tuple[MatchHalf, ...],
    classes: Sequence[str],
    features: str,
    numbers: Sequence[int],
) -> Match:
    events = _annotated(GameFiles(folder.parent), folder.name, classes, SOCCERNET)
    return _match(name, folder, halves, events, _is_simulated(folder), features, numbers)


def _match(
    name: str,
    folder: Path,
    halves: tuple[MatchHalf, ...],
    events: Sequence[Event] | None,
    simulated: bool,
    features: str,
    numbers: Sequence[int],
) -> Match:
    """A match of no more halves than there are, with what of it is left out."""
    late = [event.half for event in events or () if event.half not in numbers]
    notes = (*_notes(folder, features, numbers), *([f"{name}: {in_extra_time(late)} left out"] if late else []))
    present = {half.number for half in halves}
    kept = None if events is None else tuple(event for event in events if event.half in present)
    return Match(name, halves, kept, simulated, notes)


def _is_simulated(game: Path) -> bool:
    """Whether the dataset around a game's folder says that it is made up."""
    parents = game.resolve().parents
    try:
        return len(parents) > 3 and read_description(parents[2])[0].simulated
    except UserError:  # a file of this name that is none of ours
        return False
