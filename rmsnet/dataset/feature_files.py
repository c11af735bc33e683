"""Feature files, {1,2}_<features>.npy: memory-mapped, or what is wrong with them. Never unpickled."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError

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
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        return ArrayHeader(_reason(path, error))
    if not isinstance(array, np.ndarray):
        return ArrayHeader("an archive of arrays (.npz), not one array")
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


def _reason(path: Path, error: Exception) -> str:
    text = " ".join(str(error).split())
    if path.is_dir():
        return "a folder"
    if path.is_file() and path.stat().st_size == 0:
        return "empty"
    if "pickle" in text or "Python objects" in text:
        return "holds pickled objects, or is no .npy file at all; not read"
    if "mmap length" in text or "EOF" in text:
        return "truncated: shorter than its header says"
    return f"cannot be read ({text})"
