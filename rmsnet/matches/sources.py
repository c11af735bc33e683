"""What `rmsnet spot` may be pointed at: videos, feature files, a game folder, a dataset; all become matches."""

from collections.abc import Sequence
from pathlib import Path

from rmsnet.dataset.description import DESCRIPTION, SOCCERNET, Description
from rmsnet.dataset.kick_offs import KICK_OFFS
from rmsnet.dataset.soccernet import Dataset, open_dataset, split_file, split_lists
from rmsnet.errors import UserError
from rmsnet.files import is_litter
from rmsnet.matches.game_folder import annotated, as_match, find_halves, match_of_game
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.reading.names import as_text, fault_of, same_name
from rmsnet.video.files import chapter_of, half_in_name, join_command, pieces_message


def find_matches(
    sources: Sequence[Path],
    features: str,
    classes: Sequence[str],
    split: str | None,
    known: Description = SOCCERNET,
) -> list[Match]:
    """The matches behind the sources of a command.

    Args:
        sources: videos or feature files of one match, a period each, one game folder, one dataset, or one folder that
            holds game folders, however deep.
        features: the model's kind of features: in a folder `{1,2}_<features>.npy` is taken where it lies.
        classes: the model's classes; they say which label file holds the truth.
        split: of a dataset; None: all games of its lists.
        known: what the model takes matches for; a dataset says itself what its are.

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
        return [_match_of_files(sources, len(known.periods))]
    folder = folders[0]
    of_dataset = (folder / DESCRIPTION).exists() or bool(split_lists(folder))
    match = None if of_dataset else match_of_game(folder, folder.resolve().name, features, classes, known)
    if match is not None:
        if split is not None:
            raise UserError(f"--split {split}: only a dataset has splits, {folder} is a game")
        return [match]
    if of_dataset:
        return _matches_of_dataset(folder, features, classes, split)
    below = [path for path in sorted(folder.rglob("*")) if path.is_dir() and not is_litter(path)]
    matches = []
    for path in below:
        try:
            match = match_of_game(path, _name_of(path, folder), features, classes, known)
            if match is not None:
                matches.append(match)
        except UserError as error:
            matches.append(Match(as_text(path.relative_to(folder).as_posix()), (), fault=str(error)))
    if not matches:
        raise UserError(
            f"{folder}: neither a game (1_{features}.npy or 1_*.mkv, .mp4, …, or one file and {KICK_OFFS}), nor a "
            f"folder of games, nor a dataset (dataset.json or split lists such as {split_file('test')})"
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
    folder, description = dataset.game_folder(game), dataset.description
    halves = find_halves(folder, features, description, dataset.kick_offs(game))
    if not halves:
        name = description.file_name(1, f"{features}.npy")
        raise UserError(f"{folder}: neither {name} nor a video of a half")
    for path in (path for half in halves for path in half.files):
        dataset.require_inside(path)
    return as_match(
        game, folder, halves, annotated(dataset.labels(), game, classes, description), features, description
    )
