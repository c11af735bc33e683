"""Tensors in safetensors files: a header in JSON, then numbers; nothing to unpickle."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from rmsnet.documents import read_document
from rmsnet.errors import UserError

_UNREADABLE = (SafetensorError, OSError, ValueError, TypeError, LookupError, AttributeError, RuntimeError, MemoryError)
"""What the library and its bindings raise for files that are none, and for types that NumPy does not have."""

_LARGEST_HEADER = 100 << 20
"""Bytes; the format's own limit."""


def read_tensors(path: Path, library: Literal["torch", "numpy"]) -> dict[str, Any]:
    """The tensors of a safetensors file, as PyTorch's or NumPy's.

    Raises:
        UserError: absent or damaged, or of types that the library does not have.
    """
    try:
        tensors: dict[str, Any] = import_module(f"safetensors.{library}").load_file(path)
    except _UNREADABLE as error:
        raise UserError(f"{path}: cannot be read ({error})") from None
    return tensors


def read_metadata(path: Path) -> Mapping[str, str]:
    """The texts that a safetensors file holds beside its tensors.

    Raises:
        UserError: absent or damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except _UNREADABLE as error:
        raise UserError(f"{path}: cannot be read ({error})") from None


def map_matrix(path: Path, name: str) -> tuple[npt.NDArray[np.float32], Mapping[str, str]]:
    """A float32 matrix, memory-mapped, and the texts beside it.

    Raises:
        UserError: no such file, or no such matrix in it.
    """
    metadata = read_metadata(path)  # the library has compared the header with the size of the file
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = read_document(file.read(min(length, _LARGEST_HEADER)), dict[str, Any], f"{path}, header")
    entry = header.get(name, {})
    if entry.get("dtype") != "F32" or len(entry["shape"]) != 2:
        raise UserError(f"{path}: holds no float32 matrix {name!r}")
    offset = 8 + length + entry["data_offsets"][0]
    return np.memmap(path, np.dtype("<f4"), "r", offset, tuple(entry["shape"])), metadata
