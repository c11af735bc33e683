"""SoccerNet's dataset layout: split lists, games, labels (v1 and v2) and where each file of a game lies.

    <root>/dataset.json                                  what the dataset is (absent: the real SoccerNet)
    <root>/SoccerNetGames{Train,Valid,Test}.json         the splits (absent: the official ones)
    <root>/<league>/<season>/<game>/Labels.json          v1: goals, cards, substitutions
                                    Labels-v2.json       v2: 17 classes
                                    {1,2}_<features>.npy one row of features per frame, a file per half
                                    {1,2}_224p.mkv       video

Source: the SoccerNet development kit (labels, splits) and the SoccerNet papers (Giancola et al. 2018,
Deliege et al. 2021).
"""

import importlib.util
import json
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from rmsnet.errors import UserError
from rmsnet.files import read_json
from rmsnet.spots import Truth

V1_CLASSES = ("card", "subs", "soccer")
V2_CLASSES = (
    "Penalty",
    "Kick-off",
    "Goal",
    "Substitution",
    "Offside",
    "Shots on target",
    "Shots off target",
    "Clearance",
    "Ball out of play",
    "Throw-in",
    "Foul",
    "Indirect free-kick",
    "Direct free-kick",
    "Corner",
    "Yellow card",
    "Red card",
    "Yellow->red card",
)
CLASSES: Mapping[str, tuple[str, ...]] = {"v1": V1_CLASSES, "v2": V2_CLASSES}
LABEL_FILES: Mapping[str, str] = {"v1": "Labels.json", "v2": "Labels-v2.json"}

HALVES = (1, 2)
SPLITS = ("train", "valid", "test")

FRAME_RATE = 2.0
"""Frames per second of SoccerNet's features."""

FIRST_FRAME_SECONDS = 0.5
"""Time of feature row 0: the official extractor keeps the frames at about 0.5, 1.0, 1.5, … seconds."""

_V1_EVENTS = {
    "y-card": "card",
    "r-card": "card",
    "yr-card": "card",
    "substitution-in": "subs",
    "soccer-ball": "soccer",
    "soccer-ball-own": "soccer",
}
_V1_NO_EVENTS = frozenset({"penalty-missed", "no-events"})

MAX_COMPRESSION = 200
"""Zips that claim to be squeezed further are taken for bombs; JSON of spots shrinks 10 to 50 times."""
MAX_UNPACKED_UNSEEN = 64 << 20
"""Bytes that a zip may claim to hold whatever its compression."""
MAX_MEMBER = 1 << 30
"""Bytes that one file in a zip may claim to have."""

LABELS: Mapping[str, frozenset[str]] = {
    "v1": frozenset(_V1_EVENTS) | _V1_NO_EVENTS,
    "v2": frozenset(V2_CLASSES),
}
"""What an annotation may be labelled, by version; in v1 not all of it is an event."""

FEATURE_WIDTHS: Mapping[str, int] = {
    "ResNET": 2048,
    "ResNET_PCA512": 512,
    "ResNET_TF2": 2048,
    "ResNET_TF2_PCA512": 512,
    "baidu_soccer_embeddings": 8576,
}
"""Features of a frame in SoccerNet's published feature files."""

FEATURE_RATES: Mapping[str, float] = {"baidu_soccer_embeddings": 1.0}
"""Frames per second of those that have not FRAME_RATE."""

# Most minutes have two digits; some real files hold "2 - 5:00", and injury time runs past 45.
_GAME_TIME = re.compile(r"\s*([0-9]+)\s*-\s*([0-9]{1,3}):([0-9]{1,2})\s*")


@dataclass(frozen=True, slots=True)
class Event:
    """An annotated event of a game.

    Attributes:
        half: 1 or 2.
        position_ms: milliseconds from the start of the half.
        label: class name, one of the class list.
        team: "home", "away" or what the file says.
        visible: False where v2 says "not shown"; v1 events are all visible.
    """

    half: int
    position_ms: int
    label: str
    team: str = ""
    visible: bool = True


def split_game_time(text: Any) -> tuple[int, int] | None:
    """Half (any number) and seconds of a text of the form "1 - 06:28" or "2 - 5:00"; None for anything else."""
    match = _GAME_TIME.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    half, minutes, seconds = (int(group) for group in match.groups())
    return half, 60 * minutes + seconds


def parse_game_time(text: str) -> tuple[int, int]:
    """Half and seconds of a `gameTime` such as "1 - 06:28" or "2 - 5:00".

    Raises:
        ValueError: the text is not a game time or its half is neither 1 nor 2.
    """
    time = split_game_time(text)
    if time is None:
        raise ValueError(f"gameTime {text!r} is not like '1 - 06:28'")
    if time[0] not in HALVES:
        raise ValueError(f"gameTime {text!r} names half {time[0]}; there are halves 1 and 2")
    return time


def event_class(label: str, version: str) -> str | None:
    """The class of a known label; None for a v1 label that is no event."""
    return _V1_EVENTS.get(label) if version == "v1" else label


def read_annotations(content: bytes, where: str) -> list[Any]:
    """The annotations of a label file as they stand there.

    Raises:
        UserError: not JSON, not a label file.
    """
    try:
        document = json.loads(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{where}: not JSON ({error})") from None
    annotations = document.get("annotations") if isinstance(document, dict) else None
    if not isinstance(annotations, list):
        raise UserError(f"{where}: not a SoccerNet label file (no list 'annotations')")
    return annotations


def read_events(content: bytes, version: str, where: str) -> list[Event]:
    """The events of one label file, in file order, duplicates kept.

    v2 times come from `position` (milliseconds, a string in the real files); where it is absent, and always in
    v1, from `gameTime`. The v1 labels "penalty-missed" and "no-events" are no events and are left out.

    Args:
        content: the bytes of Labels.json (v1) or Labels-v2.json (v2).
        version: "v1" or "v2".
        where: the file's name, for error messages.

    Raises:
        UserError: not JSON, not a label file, an unknown label, a malformed time.
    """
    events = []
    for number, annotation in enumerate(read_annotations(content, where)):
        try:
            event = _read_event(annotation, version)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise UserError(f"{where}: annotation {number}: {reason}") from None
        if event is not None:
            events.append(event)
    return events


def _read_event(annotation: Mapping[str, Any], version: str) -> Event | None:
    label = annotation["label"]
    half, seconds = parse_game_time(annotation["gameTime"])
    if version == "v1":
        if label in _V1_NO_EVENTS:
            return None
        if label not in _V1_EVENTS:
            raise ValueError(f"unknown v1 label {label!r}; known: {', '.join([*_V1_EVENTS, *_V1_NO_EVENTS])}")
        return Event(half, 1000 * seconds, _V1_EVENTS[label], annotation.get("team", ""))
    if label not in V2_CLASSES:
        raise ValueError(f"unknown v2 label {label!r}; known: {', '.join(V2_CLASSES)}")
    position_ms = int(annotation["position"]) if "position" in annotation else 1000 * seconds
    if position_ms < 0:
        raise ValueError(f"position {position_ms} ms is before the start of the half")
    visible = annotation.get("visibility", "visible") != "not shown"
    return Event(half, position_ms, label, annotation.get("team", ""), visible)


class GameFiles:
    """The files of games below a folder or inside a zip of such a folder, read by game and file name."""

    def __init__(self, source: Path) -> None:
        self.source = Path(source)
        self._archive: zipfile.ZipFile | None = None
        if self.source.is_dir():
            return
        if not self.source.exists():
            raise UserError(f"{self.source}: no such folder or zip")
        try:
            self._archive = zipfile.ZipFile(self.source)
        except (zipfile.BadZipFile, OSError) as error:
            raise UserError(f"{self.source}: neither a folder nor a readable zip ({error})") from None
        self._refuse_malice(self._archive)

    def __reduce__(self) -> tuple[type["GameFiles"], tuple[Path]]:
        """Another process opens the source anew: two must not seek in one open zip."""
        return GameFiles, (self.source,)

    def _refuse_malice(self, archive: zipfile.ZipFile) -> None:
        for name in archive.namelist():
            path = PurePosixPath(name.replace("\\", "/"))
            if path.is_absolute() or ".." in path.parts:
                raise UserError(f"{self.source}: refused, the zip holds a path that leads out of it: {name}")
        packed = self.source.stat().st_size
        sizes = [member.file_size for member in archive.infolist()]
        if sum(sizes) > MAX_UNPACKED_UNSEEN and sum(sizes) > MAX_COMPRESSION * packed:
            raise UserError(
                f"{self.source}: refused, {packed:,} bytes of zip claim to hold {sum(sizes):,}: a zip bomb; real ones "
                f"shrink less than {MAX_COMPRESSION} times"
            )
        if max(sizes, default=0) > MAX_MEMBER:
            raise UserError(f"{self.source}: refused, a file in the zip claims to have {max(sizes):,} bytes")

    def read(self, game: str, name: str) -> bytes | None:
        """The content of a game's file, or None where there is none.

        Raises:
            UserError: the file is there but cannot be read.
        """
        try:
            if self._archive is None:
                return (self.source / game / name).read_bytes()
            return self._archive.read(f"{game}/{name}")
        except (FileNotFoundError, NotADirectoryError, KeyError):
            return None
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            # zipfile raises RuntimeError for encrypted files, NotImplementedError (one too) for unknown compression.
            raise UserError(f"{self.source}: {game}/{name} cannot be read ({error})") from None

    def size(self, game: str, name: str) -> int:
        """Bytes of a game's file, 0 where there is none."""
        try:
            if self._archive is None:
                return (self.source / game / name).stat().st_size
            return self._archive.getinfo(f"{game}/{name}").file_size
        except (OSError, KeyError):
            return 0

    def games(self, name: str) -> list[str]:
        """The games (league/season/game) that have a file of this name, sorted."""
        if self._archive is None:
            found = (path.parent.relative_to(self.source).as_posix() for path in self.source.rglob(name))
        else:
            found = (
                str(PurePosixPath(member).parent)
                for member in self._archive.namelist()
                if PurePosixPath(member).name == name
            )
        return sorted(found)


def game_events(files: GameFiles, game: str, version: str) -> list[Event]:
    """The events of one game.

    Raises:
        UserError: the game has no label file of this version, or a bad one.
    """
    name = LABEL_FILES[version]
    content = files.read(game, name)
    if content is None:
        raise UserError(f"{files.source}: game {game!r} has no {name}")
    return read_events(content, version, f"{files.source}/{game}/{name}")


def truth_of(events_of_halves: Sequence[Sequence[Event]], classes: Sequence[str]) -> Truth:
    """Events as columns.

    Args:
        events_of_halves: the events of each half, halves in the order that numbers them.
        classes: class names; events of other classes are left out.
    """
    index = {name: number for number, name in enumerate(classes)}
    rows = [
        (half, event.position_ms, index[event.label], event.visible)
        for half, events in enumerate(events_of_halves)
        for event in events
        if event.label in index
    ]
    half, position_ms, label, visible = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Truth(
        np.asarray(half, np.int64),
        np.asarray(position_ms, np.int64),
        np.asarray(label, np.int64),
        np.asarray(visible, bool),
    )


def split_file(split: str) -> str:
    """Name of the file that lists a split's games, e.g. SoccerNetGamesTrain.json."""
    return f"SoccerNetGames{split.capitalize()}.json"


def _official_splits() -> Path | None:
    """Folder of the official split lists in the SoccerNet package, found without importing it."""
    spec = importlib.util.find_spec("SoccerNet")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data"


def read_split(folder: Path, split: str) -> list[str]:
    """The games (league/season/game) of a split, in list order.

    The folder's own list is taken where there is one, otherwise the official list of the SoccerNet package.

    Raises:
        UserError: no list to be found, or a malformed one.
    """
    path = Path(folder) / split_file(split)
    if not path.exists():
        official = _official_splits()
        if official is None:
            raise UserError(
                f"{path}: no such split list; put one there, or get the official ones: pip install 'rmsnet[soccernet]'"
            )
        path = official / split_file(split)
    return read_split_file(path)


def read_split_file(path: Path) -> list[str]:
    """The games (league/season/game) of a split list, in its order.

    A list is the official nested form {league: {season: [game]}} or a flat list of games.

    Raises:
        UserError: no such file, or a malformed one.
    """
    return list(_listed_games(read_json(path), path))


def _listed_games(document: Any, path: Path) -> Iterator[str]:
    malformed = UserError(f"{path}: not a split list ({{league: {{season: [game]}}}} or a list of games)")
    if isinstance(document, dict):
        for league, seasons in document.items():
            if not isinstance(seasons, dict):
                raise malformed
            for season, games in seasons.items():
                if not isinstance(games, list):
                    raise malformed
                for game in games:
                    yield f"{league}/{season}/{game}"
    elif isinstance(document, list) and all(isinstance(game, str) for game in document):
        yield from document
    else:
        raise malformed


@dataclass(frozen=True)
class Dataset:
    """A dataset in SoccerNet's layout.

    Attributes:
        root: its folder.
        name: what it calls itself.
        simulated: whether its features are made up; True wherever its numbers go.
        info: the whole of dataset.json.
        splits: games (league/season/game) of each split that has games.
    """

    root: Path
    name: str
    simulated: bool
    info: Mapping[str, Any]
    splits: Mapping[str, tuple[str, ...]]

    def labels(self) -> GameFiles:
        return GameFiles(self.root)

    def game_folder(self, game: str) -> Path:
        return self.root / game

    def features_path(self, game: str, half: int, features: str) -> Path:
        """Where the features of a half lie, e.g. 1_ResNET_TF2_PCA512.npy."""
        return self.root / game / f"{half}_{features}.npy"


def list_dataset(root: Path, splits: Sequence[str] = SPLITS) -> Dataset:
    """What a dataset says of itself: name, origin, split lists; the games are not looked at.

    Raises:
        UserError: no such folder, a malformed dataset.json or split list, no game listed at all.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: no such dataset; make one with: rmsnet data simulate --out {root}")
    info = (
        read_json(root / "dataset.json")
        if (root / "dataset.json").exists()
        else {"name": "SoccerNet", "simulated": False}
    )
    if not isinstance(info, dict) or not isinstance(info.get("simulated"), bool) or not info.get("name"):
        raise UserError(f"{root}/dataset.json: must say 'name' and 'simulated': true or false")
    listed = {split: tuple(read_split(root, split)) for split in splits}
    if not any(listed.values()):
        raise UserError(f"{root}: the dataset is empty: none of its splits lists a game")
    return Dataset(root, str(info["name"]), info["simulated"], info, listed)


def open_dataset(root: Path, splits: Sequence[str] = SPLITS) -> Dataset:
    """Open a dataset and check that its split lists and its folders agree.

    Raises:
        UserError: see `list_dataset`; a split list that names an absent game, one game twice, or one elsewhere.
    """
    dataset = list_dataset(root, splits)
    split_of: dict[str, str] = {}
    for split, games in dataset.splits.items():
        for game in games:
            where = f"{root}/{split_file(split)}: game {game!r}"
            if leaves_dataset(dataset.root, game):
                raise UserError(f"{where} leads out of the dataset")
            if game in split_of:
                raise UserError(f"{where} is in {split_of[game]} and in {split}; keep it in one")
            split_of[game] = split
            if not (dataset.root / game).is_dir():
                raise UserError(f"{where} has no folder; add it or take it off the list")
    return dataset


# A file in a DVC cache lies under the MD5 of its content: …/files/md5/ab/cdef….
_DVC_CACHE = re.compile(r".*/files/md5/[0-9a-f]{2}/[0-9a-f]{30}")


def leaves_dataset(root: Path, path: str) -> bool:
    """Whether a path below `root` leads out of it, by "..", as an absolute path or through a symbolic link.

    Links into a DVC cache (`cache.type symlink`) are no such thing: what lies there is what DVC pins.
    """
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        return True
    target = (root / path).resolve()
    return not target.is_relative_to(root.resolve()) and not _DVC_CACHE.fullmatch(target.as_posix())
