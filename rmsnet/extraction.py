"""The extract stage: a dataset's features and labels become one frame bank per split."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.bank import BankHalf, FrameBank, bank_index
from rmsnet.errors import UserError
from rmsnet.files import atomic_folder, content_hash, write_json
from rmsnet.soccernet import (
    CLASSES,
    FIRST_FRAME_SECONDS,
    FRAME_RATE,
    HALVES,
    game_events,
    open_dataset,
    truth_of,
)

Features = npt.NDArray[np.floating[Any]]

ROWS_AT_ONCE = 65536


@dataclass(frozen=True)
class Extraction:
    """What the stage made.

    Attributes:
        frames: frames of each split's bank.
        events: events of each split's bank.
        warnings: one line for each irregularity that was let through.
    """

    frames: dict[str, int]
    events: dict[str, int]
    warnings: tuple[str, ...]


def extract(root: Path, out: Path, features: str = "ResNET_TF2_PCA512", classes: str = "v1") -> Extraction:
    """Stack the precomputed features of all halves of each split and index their events.

    Every game must have features for both halves, all of one width. Events past the last frame stay in the index,
    because they count as missed in an evaluation, and are named in the warnings.

    Args:
        root: dataset in SoccerNet's layout.
        out: folder for the banks; it appears, or is replaced, when all of them are whole.
        features: which feature files: {1,2}_<features>.npy.
        classes: "v1" or "v2" labels.

    Raises:
        UserError: see `rmsnet.soccernet.open_dataset`; a half without its features, a file that is truncated or no
            matrix, features of several widths, bad labels.
    """
    dataset = open_dataset(root)
    labels = dataset.labels()
    frames: dict[str, int] = {}
    events: dict[str, int] = {}
    warnings: list[str] = []
    width: int | None = None
    with atomic_folder(Path(out)) as folder:
        for split, games in dataset.splits.items():
            if not games:
                continue
            paths = [(game, half, dataset.features_path(game, half, features)) for game in games for half in HALVES]
            arrays = [_open_features(path) for _, _, path in paths]
            for (_, _, path), array in zip(paths, arrays, strict=True):
                width = array.shape[1] if width is None else width
                if array.shape[1] != width:
                    raise UserError(f"{path}: {array.shape[1]} features a frame, the files before it {width}")
            of_game = {game: game_events(labels, game, classes) for game in games}
            of_half = [[event for event in of_game[game] if event.half == half] for game, half, _ in paths]
            halves = tuple(_halves(paths, arrays))
            matrix_hash = _stack(arrays, folder / f"{split}.npy")
            bank = FrameBank(
                np.load(folder / f"{split}.npy", mmap_mode="r"),
                halves,
                truth_of(of_half, CLASSES[classes]),
                CLASSES[classes],
                FRAME_RATE,
                FIRST_FRAME_SECONDS,
                {
                    "split": split,
                    "dataset": dataset.name,
                    "simulated": dataset.simulated,
                    "features": {"name": features},
                },
            )
            warnings += _late_events(bank, split)
            index = bank_index(bank)
            write_json(
                folder / f"{split}.json",
                {**index, "data_hash": content_hash(matrix_hash, json.dumps(index, sort_keys=True))},
                indent=None,
            )
            frames[split], events[split] = len(bank.features), len(bank.truth.half)
    return Extraction(frames, events, tuple(warnings))


def _open_features(path: Path) -> Features:
    """(T, D) memory-mapped features of a half."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(
            f"{path}: the half has no features; download them, or take the game off its split list"
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: truncated or not a .npy array ({error}); get the file again") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or 0 in array.shape or array.dtype.kind != "f":
        raise UserError(f"{path}: is no matrix of frames × features")
    return array


def _halves(
    paths: list[tuple[str, int, Path]],
    arrays: list[Features],
) -> Iterator[BankHalf]:
    first_frame = 0
    for (game, half, _), array in zip(paths, arrays, strict=True):
        yield BankHalf(game, half, first_frame, len(array))
        first_frame += len(array)


def _stack(
    arrays: list[Features],
    path: Path,
) -> str:
    """Write the arrays one after the other into one float32 .npy file; the hash of its rows."""
    digest = hashlib.blake2b(digest_size=16)
    shape = (sum(len(array) for array in arrays), arrays[0].shape[1])
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": np.lib.format.dtype_to_descr(np.dtype("<f4")), "fortran_order": False, "shape": shape}
        )
        for array in arrays:
            for start in range(0, len(array), ROWS_AT_ONCE):
                rows = np.ascontiguousarray(array[start : start + ROWS_AT_ONCE], "<f4")
                digest.update(rows.data)
                file.write(rows.data)
    return digest.hexdigest()


def _late_events(bank: FrameBank, split: str) -> Iterator[str]:
    frame = bank.frame_of(bank.truth.position_ms)
    for number, half_number in enumerate(bank.truth.half):
        half = bank.halves[half_number]
        if frame[number] >= half.frames:
            seconds = bank.truth.position_ms[number] / 1000
            end = half.frames / bank.frame_rate
            name = bank.classes[bank.truth.label[number]]
            where = f"{split}: {half.game}, half {half.half}"
            yield f"{where}: {name} at {seconds:.1f} s is past the end of the features ({end:.1f} s)"
