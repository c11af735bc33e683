"""Feature files, {1,2}_<features>.npy: memory-mapped, or what is wrong with them. Never unpickled.

Several files that are one (`rmsnet.reading.pieces`) are read into memory, one after the other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.reading.arrays import map_array
from rmsnet.reading.pieces import is_there, pieces_of

Features = npt.NDArray[np.floating[Any]]
"""(T, D) of a half, a row a frame."""


@dataclass(frozen=True)
class ArrayHeader:
    """What a .npy file says of itself.

    Attributes:
        problem: why it cannot be used, "" when it can.
        dtype: name of its type.
        shape: its shape; empty when it cannot be read.
    """

    problem: str
    dtype: str = ""
    shape: tuple[int, ...] = ()


def map_features(path: Path) -> Features | ArrayHeader:
    """Memory-map a feature file, or say what is wrong with it."""
    pieces = pieces_of(path)
    if len(pieces) < 2:
        return _map_file(path)
    arrays: list[Features] = []
    for piece in pieces:
        array = _map_file(piece)
        if isinstance(array, ArrayHeader):
            return ArrayHeader(f"{piece.name} {array.problem}", array.dtype, array.shape)
        if arrays and array.shape[1] != arrays[0].shape[1]:
            widths = f"{array.shape[1]} features a frame, the pieces before it {arrays[0].shape[1]}"
            return ArrayHeader(f"{piece.name} has {widths}", str(array.dtype), array.shape)
        if arrays and (twice := _repeated(arrays[-1], array)):
            said = f"{piece.name} begins with the last {twice} rows of the piece before it; cut them off"
            return ArrayHeader(said, str(array.dtype), array.shape)
        arrays.append(array)
    return np.concatenate(arrays)


def _repeated(before: Features, after: Features) -> int:
    """How many rows at the end of one piece are those at the start of the next; a still picture is no repetition."""
    for start in np.flatnonzero((before == after[0]).all(axis=1)):
        tail = before[start:]
        if len(tail) <= len(after) and np.array_equal(tail, after[: len(tail)]) and (tail != tail[0]).any():
            return len(tail)
    return 0


def _map_file(path: Path) -> Features | ArrayHeader:
    try:
        array = map_array(path)
    except OSError as error:
        return ArrayHeader(f"cannot be read ({error.strerror})")
    except ValueError as error:
        return ArrayHeader(str(error))
    if array.dtype.kind != "f":
        return ArrayHeader(f"holds {array.dtype}, not floating point numbers", str(array.dtype), array.shape)
    if array.ndim != 2 or 0 in array.shape:
        return ArrayHeader(f"no matrix of frames × features: its shape is {array.shape}", str(array.dtype), array.shape)
    return array


def open_features(path: Path) -> Features:
    """Memory-map a feature file.

    Raises:
        UserError: there is none, or something is wrong with it.
    """
    if not is_there(path):
        raise UserError(f"{path}: the half has no features; download them, or take the game off its split list")
    found = map_features(path)
    if isinstance(found, ArrayHeader):
        raise UserError(f"{path}: {found.problem}; get the file again")
    return found
