"""Which games a model has learned from, and by which it was chosen: by their content, whatever they are called.

A game has a key of its features and one of its labels. Two games with a key in common are the same game: renamed,
annotated anew, or extracted by another recipe.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.files import content_hash, write_json

GAMES_FILE = "games.json"
"""In a model folder."""

TELLING_EVENTS = 3
"""Of a game; fewer may be the same in another one."""

Keys = frozenset[str]


@dataclass(frozen=True)
class UsedGames:
    """Keys of the games that made a model what it is.

    Attributes:
        learned: that it, what it started from or a member of it was trained on.
        chosen: that its epoch and its thresholds were chosen by.
    """

    learned: Keys
    chosen: Keys


def game_keys(bank: FrameBank) -> dict[str, Keys]:
    """The keys of each game of a bank; every byte of it is read."""
    of_game: dict[str, list[int]] = {}
    for number, half in enumerate(bank.halves):
        of_game.setdefault(half.game, []).append(number)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = pool.map(lambda halves: frozenset(_keys(bank, halves)), of_game.values())
        return dict(zip(of_game, keys, strict=True))


def _keys(bank: FrameBank, halves: Sequence[int]) -> Iterable[str]:
    if bank.width:
        digest = hashlib.blake2b(digest_size=8)
        for half in (bank.halves[number] for number in halves):
            digest.update(_rows(bank, half))
        yield digest.hexdigest()
    truth = bank.truth
    events = sorted(
        (halves.index(half), int(position_ms), bank.classes[label])
        for half, position_ms, label in zip(truth.half.tolist(), truth.position_ms, truth.label, strict=True)
        if half in halves
    )
    if len(events) >= TELLING_EVENTS:
        yield content_hash(json.dumps(events))[:16]


def _rows(bank: FrameBank, half: BankHalf) -> Any:
    return np.ascontiguousarray(bank.features[half.first_frame : half.first_frame + half.frames]).data


def all_keys(bank: FrameBank) -> Keys:
    return frozenset().union(*game_keys(bank).values())


def require_apart(gate: FrameBank, others: Mapping[str, FrameBank]) -> None:
    """Refuse a game of the gate that has another role too.

    Args:
        gate: the bank of the gate's games.
        others: the other banks, by split.

    Raises:
        UserError: it names the game and the split.
    """
    of_gate = {key: game for game, keys in game_keys(gate).items() for key in keys}
    for split, bank in others.items():
        for game, keys in game_keys(bank).items():
            for key in keys & set(of_gate):
                raise UserError(
                    f"gate: {of_gate[key]} is the game that is {game} in {split}: the same features or labels; the "
                    "gate asks on games that have no other role"
                )


def write_used_games(folder: Path, learned: FrameBank, chosen: FrameBank, started_from: Path | None = None) -> None:
    """Say in a model folder what the model was trained on and chosen by, and what the one it started from was."""
    before = [] if started_from is None else [read_used_games(started_from)]
    _write(folder, [UsedGames(all_keys(learned), all_keys(chosen)), *before])


def combine_used_games(models: Sequence[Path], folder: Path) -> None:
    """Say of a model that was made of others what they have used."""
    _write(folder, [read_used_games(model) for model in models])


def _write(folder: Path, parts: Sequence[UsedGames | None]) -> None:
    """What all of them have used; nothing where one of them does not say."""
    known = [used for used in parts if used is not None]
    if len(known) == len(parts):
        keys = {
            what: sorted(frozenset().union(*(getattr(used, what) for used in known))) for what in ("learned", "chosen")
        }
        write_json(folder / GAMES_FILE, keys, indent=None)


def require_unknown(used: UsedGames, bank: FrameBank, split: str, who: str) -> None:
    """Refuse games to choose by that the model has learned from already.

    Args:
        used: by the model.
        bank: of the games.
        split: that they are.
        who: the model, as it is called.

    Raises:
        UserError: it names the game.
    """
    for game, keys in game_keys(bank).items():
        if keys & used.learned:
            raise UserError(
                f"{who}: has learned from {game}, which is in {split} here; a model is not chosen by games that it "
                "knows: start from another model, or from none"
            )


def read_used_games(folder: Path) -> UsedGames | None:
    """What a model folder says of its games, None where it says nothing.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / GAMES_FILE
    return read_document(path, UsedGames, "", "restore the model or train it again") if path.exists() else None
