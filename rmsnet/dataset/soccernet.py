"""SoccerNet's dataset layout: split lists, games, labels (v1 and v2) and where each file of a game lies.

    <root>/dataset.json                                  what the dataset is (absent: the real SoccerNet)
    <root>/SoccerNetGames{Train,Valid,Test}.json         the splits (absent: the official ones)
    <root>/SoccerNetGamesGate.json                       the gate's games (absent: see `roles.py`)
    <root>/<league>/<season>/<game>/Labels.json          v1: goals, cards, substitutions
                                    Labels-v2.json       v2: 17 classes
                                    {1,2}_<features>.npy one row of features per frame, a file per half
                                    {1,2}_224p.mkv       video

Source: the SoccerNet development kit (labels, splits) and the SoccerNet papers (Giancola et al. 2018,
Deliege et al. 2021).
"""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.dataset.game_files import GameFiles, leaves_dataset
from rmsnet.errors import UserError
from rmsnet.files import read_json

SPLITS = ("train", "valid", "test")

GATE = "gate"
"""The split that the registry's gate asks on, where there is one."""

FRAME_RATE = 2.0
"""Frames per second of SoccerNet's features."""

FIRST_FRAME_SECONDS = 0.5
"""Time of feature row 0: the official extractor keeps the frames at about 0.5, 1.0, 1.5, … seconds."""

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

    Asked for train, valid and test it tells the gate's games too, where it has some (`_with_gate`).

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
    if tuple(splits) == SPLITS:
        listed |= _with_gate(root, listed["valid"])
    if not any(listed.values()):
        raise UserError(f"{root}: the dataset is empty: none of its splits lists a game")
    return Dataset(root, str(info["name"]), info["simulated"], info, listed)


def _with_gate(root: Path, valid: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The gate's games: the dataset's own list of them, or a part of the official valid list."""
    if (root / split_file(GATE)).exists():
        return {GATE: tuple(read_split(root, GATE))}
    if (root / split_file("valid")).exists():
        return {}
    stay, for_gate = every_second(valid)
    return {"valid": stay, GATE: for_gate}


def every_second(valid: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The games of a valid list that stay valid, and the gate's: of each league and season about as many."""
    return tuple(valid[::2]), tuple(valid[1::2])


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
