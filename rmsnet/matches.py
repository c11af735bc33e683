"""What `rmsnet spot` may be pointed at: videos, feature files, a game folder, a dataset; all become matches."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rmsnet.errors import UserError
from rmsnet.files import read_json
from rmsnet.soccernet import (
    CLASSES,
    HALVES,
    LABEL_FILES,
    SPLITS,
    Event,
    game_events,
    open_dataset,
    read_events,
    split_file,
)
from rmsnet.video.halves import VIDEO_SUFFIXES

HALF_MINUTES = 45


@dataclass(frozen=True)
class MatchHalf:
    """One half; at least one of its files is there.

    Attributes:
        number: 1 or 2.
        features: its .npy.
        videos: the same pictures in several sizes, the smallest file first.
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
    """

    name: str
    halves: tuple[MatchHalf, ...]
    events: tuple[Event, ...] | None = None
    simulated: bool = False


def find_matches(sources: Sequence[Path], features: str, classes: Sequence[str], split: str | None) -> list[Match]:
    """The matches behind the sources of a command.

    Args:
        sources: one or two videos or feature files (two: the halves), one game folder, one dataset, or one folder that
            holds game folders, however deep.
        features: the model's kind of features: in a folder `{1,2}_<features>.npy` is taken where it lies.
        classes: the model's classes; they say which label file holds the truth.
        split: of a dataset; None: all its games.

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
    if (folder / "dataset.json").exists() or any((folder / split_file(name)).exists() for name in SPLITS):
        return _matches_of_dataset(folder, features, classes, split)
    below = {game: find_halves(game, features) for game in sorted(folder.rglob("*")) if game.is_dir()}
    matches = [
        _match_of_game(game, game.relative_to(folder).as_posix(), halves, classes)
        for game, halves in below.items()
        if halves
    ]
    if not matches:
        raise UserError(
            f"{folder}: neither a game (1_{features}.npy or 1_*.mkv, .mp4, …), nor a folder of games, nor a dataset "
            f"(dataset.json or split lists such as {split_file('test')})"
        )
    if split is not None:
        raise UserError(f"--split {split}: {folder} has no split lists; only a dataset has splits")
    return matches


def find_halves(folder: Path, features: str) -> tuple[MatchHalf, ...]:
    """The halves of a game folder, with `{1,2}_<features>.npy` and the videos `{1,2}*` of each."""
    found = []
    for number in HALVES:
        array = folder / f"{number}_{features}.npy"
        videos = [
            path
            for path in sorted(folder.iterdir())
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
    return Match(" + ".join(file.stem for file in files), halves)


def _matches_of_dataset(root: Path, features: str, classes: Sequence[str], split: str | None) -> list[Match]:
    dataset = open_dataset(root, SPLITS if split is None else (split,))
    labels, version = dataset.labels(), label_version(classes)
    matches = []
    for game in (game for games in dataset.splits.values() for game in games):
        halves = find_halves(dataset.game_folder(game), features)
        if not halves:
            raise UserError(f"{dataset.game_folder(game)}: neither 1_{features}.npy nor a video of a half")
        has_labels = version is not None and labels.read(game, LABEL_FILES[version]) is not None
        events = _of_halves(game_events(labels, game, version), halves) if version and has_labels else None
        matches.append(Match(game, halves, events, dataset.simulated))
    return matches


def _match_of_game(folder: Path, name: str, halves: tuple[MatchHalf, ...], classes: Sequence[str]) -> Match:
    return Match(name, halves, _own_events(folder, halves, classes), _is_simulated(folder))


def _own_events(folder: Path, halves: Sequence[MatchHalf], classes: Sequence[str]) -> tuple[Event, ...] | None:
    version = label_version(classes)
    if version is None or not (folder / LABEL_FILES[version]).exists():
        return None
    path = folder / LABEL_FILES[version]
    return _of_halves(read_events(path.read_bytes(), version, str(path)), halves)


def _is_simulated(game: Path) -> bool:
    """Whether the dataset around a game's folder says that it is made up."""
    info = game.resolve().parents[2] / "dataset.json" if len(game.resolve().parents) > 3 else None
    return info is not None and info.exists() and bool(read_json(info).get("simulated"))


def _of_halves(events: Sequence[Event], halves: Sequence[MatchHalf]) -> tuple[Event, ...]:
    numbers = {half.number for half in halves}
    return tuple(event for event in events if event.half in numbers)


def label_version(classes: Sequence[str]) -> str | None:
    """Which label file names these classes; None: no file of SoccerNet does."""
    return next((version for version, names in CLASSES.items() if tuple(classes) == names), None)


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
