"""Feature files, {1,2}_<features>.npy: memory-mapped, or what is wrong with them. Never unpickled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.reading.arrays import map_array

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
    if not path.exists():
        raise UserError(f"{path}: the half has no features; download them, or take the game off its split list")
    found = map_features(path)
    if isinstance(found, ArrayHeader):
        raise UserError(f"{path}: {found.problem}; get the file again")
    return found
