"""Arrays in NumPy's .npy format, looked at before they are touched. Nothing is ever unpickled.

features = map_array(path)          # ValueError: what is wrong with the file
require_finite(features, path)      # UserError: "….npy: row 17 holds NaN, …"
"""

import math
import os
import tokenize
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError

Array = npt.NDArray[Any]

ROWS_AT_ONCE = 8192

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_HEADER_ERRORS = (
    *(ValueError, TypeError, LookupError, AttributeError, SyntaxError, OverflowError, EOFError),
    *(RecursionError, MemoryError, tokenize.TokenError),
)
"""What NumPy raises for a header, which is Python text, that is none."""


def map_array(path: Path, mode: Literal["r", "c"] = "r") -> Array:
    """Memory-map a .npy file.

    Args:
        path: the file.
        mode: "r": read-only; "c": what is written stays in memory.

    Raises:
        ValueError: no such array, in words that follow the file's name.
        OSError: the file cannot be opened.
    """
    if path.is_dir():
        raise ValueError("a folder")
    if path.exists() and not path.is_file():
        raise ValueError("no regular file")
    with path.open("rb") as file:
        dtype, shape, order = _header(file, os.fstat(file.fileno()).st_size)
        offset = file.tell()
    return np.memmap(path, dtype, mode, offset, shape, order)


def array_of(content: bytes | bytearray) -> Array:
    """The array that the bytes of a .npy file hold; it shares their memory.

    Raises:
        ValueError: as of `map_array`.
    """
    file = BytesIO(content)
    dtype, shape, order = _header(file, len(content))
    return np.ndarray(shape, dtype, content, file.tell(), order=order)


def _header(file: BinaryIO, size: int) -> tuple[np.dtype[Any], tuple[int, ...], Literal["C", "F"]]:
    """Type, shape and order of the array; the file stands at its first byte."""
    start = file.read(6)
    if not start:
        raise ValueError("empty")
    if start[:4] == b"PK\x03\x04":
        raise ValueError("an archive of arrays (.npz), not one array")
    if start != np.lib.format.MAGIC_PREFIX:
        raise ValueError("no .npy file")
    version = tuple(file.read(2))
    if version not in _READERS:
        raise ValueError(f"a .npy file of an unknown version {'.'.join(map(str, version))}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shape, fortran_order, dtype = _READERS[version](file)
    except _HEADER_ERRORS as error:
        raise ValueError(f"cannot be read ({' '.join(str(error).split())[:200]})") from None
    if dtype.hasobject:
        raise ValueError("holds pickled objects; not read")
    if any(length < 0 for length in shape):
        raise ValueError(f"cannot be read (its shape is {shape})")
    if math.prod(shape) * dtype.itemsize > size - file.tell():
        raise ValueError("truncated: shorter than its header says")
    if max(shape, default=0) > np.iinfo(np.intp).max or len(shape) > 32:
        raise ValueError(f"cannot be read (its shape is {str(shape)[:80]})")
    return dtype, tuple(map(int, shape)), "F" if fortran_order else "C"


def broken_row(features: Array) -> int | None:
    """The first row of (T, D) features that holds NaN, infinity or what is beyond float32; None: there is none."""
    for start in range(0, len(features), ROWS_AT_ONCE):
        finite = _finite(features[start : start + ROWS_AT_ONCE])
        if not finite.all():
            return start + int(finite.argmin())
    return None


def _finite(rows: Array) -> npt.NDArray[np.bool_]:
    with np.errstate(over="ignore"):  # of what lies beyond float32: that is what is asked
        return np.asarray(np.isfinite(np.asarray(rows, np.float32)).all(axis=1))


def require_finite(features: Array, where: object, advice: str = "get the file again") -> None:
    """Refuse features that no network can read.

    Raises:
        UserError: it names the first such row.
    """
    row = broken_row(features)
    if row is not None:
        raise UserError(f"{where}: row {row} holds NaN, infinity or a number beyond float32; {advice}")
