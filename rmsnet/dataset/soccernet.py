"""SoccerNet's dataset layout: split lists, games, labels (v1 and v2) and where each file of a game lies.

    <root>/dataset.json                                  what the dataset is (absent: the real SoccerNet)
    <root>/SoccerNetGames{Train,Valid,Test}.json         the splits (absent: the official ones)
    <root>/SoccerNetGamesGate.json                       the gate's games (absent: see `roles.py`)
    <root>/SoccerNetGames<Name>.json                     any other list, e.g. Challenge: labels may be absent
    <root>/<league>/<season>/<game>/Labels.json          v1: goals, cards, substitutions
                                    Labels-v2.json       v2: 17 classes
                                    {1,2}_<features>.npy one row of features per frame, a file per half
                                    {1,2}_224p.mkv       video

Source: the SoccerNet development kit (labels, splits) and the SoccerNet papers (Giancola et al. 2018,
Deliege et al. 2021).
"""

import importlib.util
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rmsnet.dataset.description import Description, read_description
from rmsnet.dataset.game_files import LEADS_OUT, GameFiles, leaves_dataset
from rmsnet.dataset.kick_offs import read_kick_offs
from rmsnet.documents import read_document, structured
from rmsnet.errors import UserError
from rmsnet.reading.names import fault_of, find_path, same_name
from rmsnet.reading.pieces import pieces_of

SPLITS = ("train", "valid", "test")

GATE = "gate"
"""The split that the registry's gate asks on, where there is one."""


def split_file(split: str) -> str:
    """Name of the file that lists a split's games, e.g. SoccerNetGamesTrain.json."""
    return f"{_LIST}{split.capitalize()}.json"


_LIST = "SoccerNetGames"
_PACKAGE = "pip install 'rmsnet[soccernet]'"


def split_lists(folder: Path) -> dict[str, Path]:
    """The lists SoccerNetGames<Name>.json of a folder by their names in small letters, SoccerNet's own first."""
    found = {path.stem.removeprefix(_LIST).lower(): path for path in sorted(Path(folder).glob(f"{_LIST}?*.json"))}
    return {name: found[name] for name in (*(name for name in SPLITS if name in found), *found)}


def _official_splits() -> Path | None:
    """Folder of the official split lists in the SoccerNet package, found without importing it."""
    try:
        spec = importlib.util.find_spec("SoccerNet")
    except ValueError:  # a module of this name that was made by hand
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data"


def known_splits(folder: Path) -> list[str]:
    """The lists that `read_split` finds for a folder: its own and the official ones."""
    official = _official_splits()
    return list({**dict.fromkeys(SPLITS), **split_lists(folder), **({} if official is None else split_lists(official))})


def read_split(folder: Path, split: str) -> list[str]:
    """The games (league/season/game) of a split, in list order.

    The folder's own list is taken where there is one, otherwise the official list of the SoccerNet package.

    Raises:
        UserError: no list to be found, or a malformed one.
    """
    own = split_lists(folder)
    if split.lower() in own:
        return read_split_file(own[split.lower()])
    official = _official_splits()
    lists = {} if official is None else split_lists(official)
    if split.lower() not in lists:
        hint = f"take one of {', '.join({**own, **lists})}" if own or lists else "get the official ones: " + _PACKAGE
        raise UserError(f"{Path(folder) / split_file(split)}: no such split list; put one there, or {hint}")
    return read_split_file(lists[split.lower()])


def read_split_file(path: Path) -> list[str]:
    """The games (league/season/game) of a split list, in its order.

    A list is the official nested form {league: {season: [game]}} or a flat list of games.

    Raises:
        UserError: no such file, or a malformed one.
    """
    document = read_document(path, object)
    flat = list[str] if isinstance(document, list) else dict[str, dict[str, list[str]]]
    advice = "not a split list ({league: {season: [game]}} or a list of games)"
    listed: Any = structured(document, flat, str(path), advice)
    if isinstance(listed, dict):
        listed = [
            f"{league}/{season}/{game}"
            for league, seasons in listed.items()
            for season, games in seasons.items()
            for game in games
        ]
    return [same_name(game) for game in listed]


@dataclass(frozen=True)
class Dataset:
    """A dataset in SoccerNet's layout.

    Attributes:
        root: its folder.
        description: what it says of itself.
        info: the whole of dataset.json.
        splits: games (league/season/game) of each split that has games.
    """

    root: Path
    description: Description
    info: Mapping[str, Any]
    splits: Mapping[str, tuple[str, ...]]
    _kick_offs: dict[str, tuple[float, ...] | None] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.description.name

    @property
    def simulated(self) -> bool:
        """Whether its features are made up; said wherever its numbers go."""
        return self.description.simulated

    @property
    def halves(self) -> tuple[int, ...]:
        """The periods of a match by number, 1 and 2 for two halves."""
        return self.description.numbers

    @property
    def _closed(self) -> bool:
        return self.description.links != "follow"

    def labels(self) -> GameFiles:
        return GameFiles(self.root, closed=self._closed)

    def kick_offs(self, game: str) -> tuple[float, ...] | None:
        """Second in its file at which each period begins; None where every file begins with its period.

        What a game says is read once.

        Raises:
            UserError: the file that says so is absent where one is needed, or malformed.
        """
        if game not in self._kick_offs:
            self._kick_offs[game] = read_kick_offs(self.labels(), game, self.description)
        return self._kick_offs[game]

    def game_folder(self, game: str) -> Path:
        return find_path(self.root, game)

    def features_path(self, game: str, half: int, features: str) -> Path:
        """Where the features of a half lie, e.g. 1_ResNET_TF2_PCA512.npy; of a match in one file without the number."""
        return self.game_folder(game) / self.description.file_name(half, f"{features}.npy")

    def leads_out(self, path: Path) -> bool:
        """Whether a path below the root leads out of the dataset, see `leaves_dataset`, and may not."""
        files = pieces_of(path) or (path,)
        return self._closed and any(leaves_dataset(self.root, file.relative_to(self.root)) for file in files)

    def require_inside(self, path: Path) -> None:
        """Refuse to read what does not belong to the dataset.

        Raises:
            UserError: the path leads out of it.
        """
        if self.leads_out(path):
            raise UserError(f"{path}: {LEADS_OUT}")


def list_dataset(root: Path, splits: Sequence[str] | None = None) -> Dataset:
    """What a dataset says of itself: name, origin, split lists; the games are not looked at.

    Where these are train, valid and test it tells the gate's games too, if there are some (`_with_gate`).

    Args:
        root: its folder.
        splits: which lists; None: its own, whatever they are called, or the official train, valid and test.

    Raises:
        UserError: no such folder, a malformed dataset.json or split list, no game listed at all.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: no such dataset; make one with: rmsnet data simulate --out {root}")
    about, info = read_description(root)
    chosen = (split_lists(root) or SPLITS) if splits is None else splits
    listed = {split.lower(): tuple(read_split(root, split)) for split in chosen}
    if tuple(chosen) == SPLITS:
        listed |= _with_gate(root, listed["valid"])
    if not any(listed.values()):
        raise UserError(f"{root}: the dataset is empty: none of its splits lists a game")
    return Dataset(root, about, info, listed)


def _with_gate(root: Path, valid: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The gate's games: the dataset's own list of them, or a part of the official valid list."""
    own = split_lists(root)
    if GATE in own:
        return {GATE: tuple(read_split(root, GATE))}
    if "valid" in own:
        return {}
    stay, for_gate = every_second(valid)
    return {"valid": stay, GATE: for_gate}


def every_second(valid: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The games of a valid list that stay valid, and the gate's: of each league and season about as many."""
    return tuple(valid[::2]), tuple(valid[1::2])


def follows_links(root: Path) -> bool:
    """Whether a folder's dataset.json lets links lead out of it.

    Raises:
        UserError: see `read_description`.
    """
    return read_description(root)[0].links == "follow"


def open_dataset(root: Path, splits: Sequence[str] | None = SPLITS) -> Dataset:
    """Open a dataset and check that its split lists and its folders agree.

    Args:
        root: its folder.
        splits: see `list_dataset`.

    Raises:
        UserError: see `list_dataset`; a split list that names an absent game, one game twice, or one elsewhere. Only
            lists beside train, valid and test may share games with others.
    """
    dataset = list_dataset(root, splits)
    split_of: dict[str, str] = {}
    for split, games in dataset.splits.items():
        twice = next((game for game, count in Counter(games).items() if count > 1), None)
        for game in games:
            where, fault = f"{root}/{split_file(split)}: game {game!r}", fault_of(game)
            if fault:
                raise UserError(f"{where} {fault}")
            folder = dataset.game_folder(game)
            if dataset.leads_out(folder):
                raise UserError(f"{where} {LEADS_OUT}")
            if game in split_of or game == twice:
                raise UserError(f"{where} is in {split_of.get(game, split)} and in {split}; keep it in one")
            if split in (*SPLITS, GATE):
                split_of[game] = split
            if not folder.is_dir():
                raise UserError(f"{where} has no folder; add it or take it off the list")
    return dataset
