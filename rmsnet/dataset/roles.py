"""What each game is for: train, valid, test, and the gate's own games, by which no model is trained or chosen.

A game that has a role keeps it. What was meant to judge by is never learned from: not when games are added, not when
their labels change, not when the lists were half written.

A dataset of one's own lists the gate's games in SoccerNetGamesGate.json, which `split` writes. SoccerNet has no such
split: of its official valid list every second game is the gate's, 50 of 100, of each league and season alike.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rmsnet.dataset.description import read_description
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import LABEL_FILES
from rmsnet.dataset.soccernet import GATE, every_second, read_split_file, split_file
from rmsnet.errors import UserError
from rmsnet.files import write_json

TRAIN = "train"

CHOSEN = ".annotating/next.json"
"""In the folder of a game that was chosen because models are unsure of it: what of it is worth a look."""

SHARES: Mapping[str, float] = {"train": 0.5, "valid": 0.1, "test": 0.15, GATE: 0.25}
"""Of the games of a dataset of one's own. The gate needs most of those that are left: it asks again and again."""


def split(root: Path) -> dict[str, tuple[str, ...]]:
    """Give a role to every game of a dataset that has none, and write the split lists.

    Where there are lists and none of the gate, every second game of valid becomes the gate's first.

    Args:
        root: folder of games with labels.

    Returns:
        The games of each split.

    Raises:
        UserError: no labelled game, too few for four roles, a malformed list, a game that is trained on and judged by.
    """
    root = Path(root)
    files = GameFiles(root)
    own = read_description(root)[0].labels
    names = LABEL_FILES.values() if own is None else [own.file]
    labelled = {game for name in names for game in files.games(name)}
    paths = {role: root / split_file(role) for role in SHARES}
    listed = {role: list(read_split_file(path)) if path.exists() else [] for role, path in paths.items()}
    if listed["valid"] and not paths[GATE].exists():
        listed["valid"], listed[GATE] = map(list, every_second(listed["valid"]))
    # An earlier call that ended between two lists: the gate's was written, valid's not yet.
    listed["valid"] = [game for game in listed["valid"] if game not in set(listed[GATE])]
    known = {game for games in listed.values() for game in games}
    for role in (role for role in SHARES if role != "train"):
        for game in listed["train"]:
            if game in listed[role]:
                raise UserError(
                    f"{paths['train']}: {game} is in {paths[role].name} too; a game that is judged by is not trained "
                    "on: take it out of one of them"
                )
    if len(labelled | known) < len(SHARES):
        raise UserError(
            f"{root}: {len(labelled | known)} games with labels; at least {len(SHARES)} are needed, one for each of "
            f"{', '.join(SHARES)}"
        )
    new = labelled - known
    chosen = {game for game in new if (root / game / CHOSEN).exists()}  # no sample of games: nothing is judged by it
    listed[TRAIN] += sorted(chosen)
    dealt = deal(listed, new - chosen)
    for role in (
        GATE,
        "test",
        "valid",
        "train",
    ):  # the gate's first: what it has is taken out of valid, also when this ends in between
        write_json(paths[role], dealt[role])
    return {role: tuple(games) for role, games in dealt.items()}


def roles_of(root: Path) -> dict[str, str]:
    """The role of each game in the lists of a folder; {} where it has none."""
    paths = {role: Path(root) / split_file(role) for role in SHARES}
    return {game: role for role, path in paths.items() if path.exists() for game in read_split_file(path)}


def deal(listed: Mapping[str, Sequence[str]], new: Iterable[str]) -> dict[str, list[str]]:
    """The games of each role when those that have none get one; those that have one keep it.

    Args:
        listed: the games that have a role, by role.
        new: the games that have none; their roles follow from their names and from what is listed.
    """
    dealt = {role: list(games) for role, games in listed.items()}
    for game in sorted(new, key=_drawn):
        dealt[_most_wanting({role: len(games) for role, games in dealt.items()})].append(game)
    return dealt


def _drawn(game: str) -> str:
    """A place in a drawn order, the same on every machine."""
    return hashlib.blake2b(game.encode()).hexdigest()


def _most_wanting(counts: Mapping[str, int]) -> str:
    """The role that is emptiest for its share; each gets its first game before any gets a second."""
    return min(counts, key=lambda role: (counts[role] > 0, (counts[role] + 1) / SHARES[role]))
