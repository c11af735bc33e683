"""The games in parts, one for each of several workers, and one whole of all parts again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from rmsnet.dataset.content import joined_content
from rmsnet.dataset.feature_files import Features
from rmsnet.dataset.soccernet import GATE, SPLITS
from rmsnet.dataset.suggested import SUGGESTED
from rmsnet.errors import UserError
from rmsnet.features.bank import TOLD_ON, FrameBank, read_bank
from rmsnet.features.bank_writer import BANK_FILES, Extraction, write_banks
from rmsnet.features.sources import Half, Source
from rmsnet.files import require_replaceable
from rmsnet.locks import alone
from rmsnet.spots import Truth

T = TypeVar("T")


@dataclass(frozen=True)
class Shard:
    """One of several workers' part of the games.

    Attributes:
        number: 1, 2, … of.
        of: how many parts there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """From "1/4".

        Raises:
            UserError: it is not like that.
        """
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise UserError(f"--shard {text}: write i/n with 1 <= i <= n, e.g. 1/4")
        return cls(int(number), int(of))

    def games(self, games: Sequence[T]) -> list[T]:
        return list(games[self.number - 1 :: self.of])


@alone
def join(parts: Sequence[Path], out: Path) -> Extraction:
    """Make the frame banks of all games from those that `extract` has made of each shard, PCA included.

    The result is the same as one extraction of everything.

    Args:
        parts: the folders of all shards, in any order.
        out: folder for the banks; it appears, or is replaced, when all of them are whole.

    Raises:
        UserError: a part is missing, there twice, or made from other data or parameters.
    """
    parts, out = [Path(part) for part in parts], Path(out)
    require_replaceable(out, *BANK_FILES)
    banks, shard = _read_parts(parts)
    halves: dict[str, list[Half]] = {}
    arrays: dict[str, list[Features]] = {}
    truth: dict[str, Truth] = {}
    for split, games in shard["games"].items():
        place = {game: number for number, game in enumerate(games)}
        found = [
            (place[half.game], half.half, number, of_part[split])
            for of_part in banks
            if split in of_part
            for number, half in enumerate(of_part[split].halves)
        ]
        if found:
            found.sort(key=lambda item: item[:2])
            halves[split] = [(games[game], half) for game, half, _, _ in found]
            arrays[split] = [_rows(bank, number) for _, _, number, bank in found]
            truth[split] = _joined_truth([(bank, number) for _, _, number, bank in found])
    files = {
        path.relative_to(part).as_posix(): path
        for part in parts
        for path in sorted(part.rglob("*"))
        if path.is_file() and not (path.parent == part and path.stem in (*SPLITS, GATE))
    }
    first = next(iter(banks[0].values()))
    source = Source(arrays, first.info["features"], first.frame_rate, first.first_frame_seconds, shard["pca"], files)
    info: dict[str, Any] = {
        "dataset": first.info["dataset"],
        "simulated": first.simulated,
        "dvc_md5": first.info.get("dvc_md5"),
        **{key: first.info[key] for key in (*TOLD_ON, SUGGESTED) if key in first.info},
    }
    contents = {
        game: digest
        for of_part in banks
        for game, digest in next(iter(of_part.values())).info["shard"].get("contents", {}).items()
    }
    info["content"] = {split: joined_content(contents, games) for split, games in shard["games"].items()}
    return write_banks(Path(out), source, halves, truth, first.classes, info)


def _read_parts(parts: Sequence[Path]) -> tuple[list[dict[str, FrameBank]], Mapping[str, Any]]:
    """The banks of each part and what they say of their shards, all of them there and made alike."""
    banks = []
    for part in parts:
        splits = [split for split in (*SPLITS, GATE) if (part / f"{split}.json").exists()]
        banks.append({split: read_bank(part, split) for split in splits})
        if not banks[-1]:
            raise UserError(
                f"{part}: no frame banks there; make them with: rmsnet extract DATA --out {part} --shard i/n"
            )
    firsts = [next(iter(of_part.values())) for of_part in banks]
    for part, bank in zip(parts, firsts, strict=True):
        if "shard" not in bank.info:
            raise UserError(f"{part}: holds all games, not a part of them; there is nothing to join")
    made = [
        [bank.classes, bank.width, bank.frame_rate, bank.first_frame_seconds]
        + [bank.info[key] for key in ("features", "dataset", "simulated")]
        + [bank.info.get(key) for key in TOLD_ON]
        + [bank.info["shard"][key] for key in ("of", "pca", "games")]
        for bank in firsts
    ]
    for part, of_part in zip(parts, made, strict=True):
        if of_part != made[0]:
            raise UserError(f"{part}: made from other data or parameters than {parts[0]}; extract all parts alike")
    shards = [bank.info["shard"] for bank in firsts]
    numbers = sorted(shard["number"] for shard in shards)
    wanted = list(range(1, shards[0]["of"] + 1))
    # More parts than games leave parts without any; nobody can give those.
    largest = max(len(games) for games in shards[0]["games"].values())
    if numbers != [number for number in wanted if number <= largest]:
        given = ", ".join(str(number) for number in numbers)
        raise UserError(f"parts {given} of {shards[0]['of']}: give each part once")
    return banks, shards[0]


def _rows(bank: FrameBank, number: int) -> Features:
    half = bank.halves[number]
    return bank.features[half.first_frame : half.first_frame + half.frames]


def _joined_truth(halves: Sequence[tuple[FrameBank, int]]) -> Truth:
    """The events of halves out of several banks, numbered as the halves are here."""
    chosen = [(bank.truth, bank.truth.half == half) for bank, half in halves]
    return Truth(
        np.concatenate([np.full(int(mine.sum()), number) for number, (_, mine) in enumerate(chosen)]),
        np.concatenate([truth.position_ms[mine] for truth, mine in chosen]),
        np.concatenate([truth.label[mine] for truth, mine in chosen]),
        np.concatenate([truth.visible[mine] for truth, mine in chosen]),
    )
