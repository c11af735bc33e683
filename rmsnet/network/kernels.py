"""The compiled products of `kernels.c`: faster than PyTorch's on a CPU that has bfloat16 instructions (AVX-512).

They are compiled when the package is installed, where there is a C compiler, and used where they are there and the
processor can; everywhere else `rmsnet.network.spectral` computes the same with PyTorch. The library has no OpenMP
runtime of its own, it finds PyTorch's: two of them would fight for the cores.
"""

import ctypes
import os
from collections.abc import Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

PANEL, WIDE = 64, 256
"""Columns and inputs that are computed together."""

TAPS = 9

LONGEST = 300
"""Frames of a clip: what a thread keeps of them must fit its stack."""


@cache
def library() -> ctypes.CDLL | None:
    """The compiled products, if this machine has them."""
    for folder in _places():
        for suffix in EXTENSION_SUFFIXES:
            try:
                found = ctypes.CDLL(str(folder / f"_kernels{suffix}"))
                return found if found.supported() else None
            except (OSError, AttributeError):  # not compiled, or not for this kind of processor
                continue
    return None


def _places() -> Iterator[Path]:
    """Where they may lie: here; of a DVC experiment, which is a copy of the sources, in the project that it is of."""
    here = Path(__file__).parent
    yield here
    project = Path(os.environ.get("DVC_ROOT", here.parents[1])) / "rmsnet" / "network"
    sources = [folder / "kernels.c" for folder in (here, project)]
    if project != here and all(map(Path.exists, sources)) and len({file.read_bytes() for file in sources}) == 1:
        yield project


def fits(x: Tensor, taps: Tensor) -> bool:
    """Whether a convolution of (T, B, Cin) by (K, Cin, Cout) can be computed here."""
    return (
        x.dtype == torch.bfloat16
        and x.device.type == "cpu"
        and taps.dtype == torch.float32
        and len(taps) == TAPS
        and taps.shape[1] % WIDE == taps.shape[2] % PANEL == 0
        and len(x) <= LONGEST
        and library() is not None
    )


def transform(matrix: Tensor, x: Tensor, bias: Tensor | None = None) -> Tensor:
    """matrix @ x, (rows, inner) @ (inner, B, C); with a bias (C,) float32: ReLU(matrix @ x + bias)."""
    out = x.new_empty(len(matrix), *x.shape[1:])
    _call("transform", _paired(matrix), x, bias, out, len(matrix), len(x), x[0].numel(), x.shape[2])
    return out


def pair_taps(taps: Tensor) -> Tensor:
    """(9, Cin, Cout) float32 as pairs of bfloat16, (5, Cin, Cout)."""
    out = torch.empty(-(-TAPS // 2), *taps.shape[1:], dtype=torch.int32)
    _call("pair_taps", taps, out, taps[0].numel())
    return out


def multiply(of_taps: Tensor, taps: Tensor, x: Tensor) -> Tensor:
    """(P, B, Cin) by the responses of taps, of_taps @ taps: (P, 9) @ (9, Cin, Cout), taps as of `pair_taps`."""
    out = x.new_empty(*x.shape[:2], taps.shape[2])
    _call("multiply", _paired(of_taps), taps, x, out, *x.shape, taps.shape[2])
    return out


def taps_gradient(of_taps: Tensor, x: Tensor, gradient: Tensor) -> Tensor:
    """Of taps (9, Cin, Cout) in `multiply(of_taps, taps, x)`, from that of its result (P, B, Cout)."""
    taps = torch.empty(TAPS, x.shape[2], gradient.shape[2])
    _call("taps_gradient", _paired(of_taps.T), _pair_batch(x), _pair_batch(gradient), taps, *x.shape, gradient.shape[2])
    return taps


def peak(y: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
    """The maximum over time of y (T, B, C) >= 0 after dropout (B, C), and the first frame that has it, int16 (B, C)."""
    maximum, frame = y.new_empty(y.shape[1:]), torch.empty(y.shape[1:], dtype=torch.int16)
    seed = int(torch.randint(-(2**63), 2**63 - 1, ())) if dropout else 0
    _call("peak", y, maximum, frame, *y.shape, round(dropout * 2**16), seed)
    return maximum, frame


def sparse_gradients(gradient: Tensor, frame: Tensor, x: Tensor, taps: Tensor) -> tuple[Tensor, Tensor]:
    """Of x (T, B, Cin) and of the taps in (9, Cin, Cout), where only one frame of a clip and channel has a gradient.

    Args:
        gradient: (B, Cout) float32.
        frame: (B, Cout) int16, its place.
        x: what was convolved.
        taps: as of `pair_taps`.
    """
    of_x, of_taps = x.new_empty(x.shape), torch.empty(TAPS, *taps.shape[1:])
    _call("sparse_x_gradient", gradient, frame, taps.transpose(1, 2), of_x, *x.shape, taps.shape[2])
    _call("sparse_taps_gradient", gradient, frame, x, of_taps, *x.shape, taps.shape[2])
    return of_x, of_taps


def _pair_batch(x: Tensor) -> Tensor:
    out = torch.empty(len(x), -(-x.shape[1] // 2) * x.shape[2], dtype=torch.int32)
    _call("pair_batch", x, out, *x.shape)
    return out


def _paired(matrix: Tensor) -> Tensor:
    """Rows of an even length."""
    return F.pad(matrix, (0, matrix.shape[1] % 2))


def _call(name: str, *arguments: Tensor | int | None) -> None:
    held = [argument.contiguous() if isinstance(argument, Tensor) else argument for argument in arguments]
    getattr(library(), name)(*map(_as_c, held))


def _as_c(argument: Tensor | int | None) -> ctypes.c_void_p | ctypes.c_long:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    return ctypes.c_void_p(None if argument is None else argument.data_ptr())
