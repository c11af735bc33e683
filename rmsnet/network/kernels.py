"""The compiled convolutions of `kernels.c`: faster than PyTorch's on a CPU.

They are compiled when the package is installed, where there is a C compiler, for every kind of processor at once, and
chosen when they are used: the first of `PATHS` that the processor can. Everywhere else `rmsnet.network.spectral`
computes the same with PyTorch. `RMSNET_KERNELS` forces one of them, by its name, or `pytorch`.

The library has no OpenMP runtime of its own, it finds PyTorch's: two of them would fight for the cores.
"""

import ctypes
import os
from collections.abc import Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rmsnet.errors import UserError

PATHS = {
    "amx": torch.bfloat16,
    "avx512bf16": torch.bfloat16,
    "avx512": torch.float32,
    "avx2": torch.float32,
    "neon": torch.float32,
}
"""What there are kernels for, the fastest first, and what they compute in."""

PYTORCH = "pytorch"

TAPS = 9

CHANNELS = 64
"""What the channels must be a multiple of."""

LONGEST, WIDEST = 300, 512
"""Frames and channels of a clip: what a thread keeps of them must fit its stack."""

Table = tuple[Tensor, Tensor]
"""Of cosines and of sines, float32."""


def chosen(dtype: torch.dtype) -> str:
    """The name of what convolves in this type on this CPU: one of `PATHS`, or `PYTORCH`.

    Raises:
        UserError: RMSNET_KERNELS names none, or one that this processor or installation has not.
    """
    forced = _forced()
    names = [forced] if forced else usable()
    return next((name for name in names if PATHS.get(name) == dtype), PYTORCH)


def forced_precision() -> torch.dtype | None:
    """What the path of RMSNET_KERNELS computes in; None: nothing is forced, or PyTorch, which computes in all."""
    return PATHS.get(_forced())


def _forced() -> str:
    forced = os.environ.get("RMSNET_KERNELS", "")
    if forced and forced != PYTORCH and forced not in usable():
        known = ", ".join([*usable(), PYTORCH])
        what = "not for this processor or not compiled" if forced in PATHS else "unknown"
        raise UserError(f"RMSNET_KERNELS={forced}: {what}; here there are {known}; or leave it unset")
    return forced


@cache
def usable() -> list[str]:
    """Of `PATHS`, what was compiled and this processor can."""
    found = library()
    return [name for name in PATHS if found is not None and _supported(found, name)]


def _supported(found: ctypes.CDLL, name: str) -> bool:
    try:
        return bool(getattr(found, f"{name}_supported")())
    except AttributeError:  # of another kind of processor
        return False


@cache
def library() -> ctypes.CDLL | None:
    """What was compiled, if anything was."""
    for folder in _places():
        for suffix in EXTENSION_SUFFIXES:
            try:
                return ctypes.CDLL(str(folder / f"_kernels{suffix}"))
            except OSError:
                continue
    return None


def _places() -> Iterator[Path]:
    """Where it may lie: here; of a DVC experiment, which is a copy of the sources, in the project that it is of."""
    here = Path(__file__).parent
    yield here
    project = Path(os.environ.get("DVC_ROOT", here.parents[1])) / "rmsnet" / "network"
    if project != here and _sources(project) == _sources(here):
        yield project


def _sources(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for pattern in ("kernels*.c", "kernels*.h") for file in folder.glob(pattern)}


def fitting(x: Tensor, taps: Tensor) -> "Kernels | None":
    """What can convolve (T, B, Cin) by (K, Cin, Cout) here; None: PyTorch alone."""
    if (
        x.device.type == "cpu"
        and x.dtype in PATHS.values()
        and taps.dtype == torch.float32
        and len(taps) == TAPS
        and all(channels % CHANNELS == 0 and channels <= WIDEST for channels in taps.shape[1:])
        and len(x) <= LONGEST
    ):
        name = chosen(x.dtype)
        return None if name == PYTORCH else kernels(name)
    return None


@cache
def kernels(name: str) -> "Kernels":
    return Kernels(name)


class Kernels:
    """The compiled functions of one of `PATHS`.

    Frames are (T, B, C). Frequencies are rows of real parts, imaginary parts and, where they will be multiplied, sums
    or differences of both, each (C / panel, B or more, panel).
    """

    def __init__(self, name: str) -> None:
        self.name, self.dtype = name, PATHS[name]
        self._library = library()
        self.panel = ctypes.c_long.in_dll(self._library, f"{name}_panel").value  # type: ignore[arg-type]

    def pack(self, taps: Tensor, *, transposed: bool = False, folded: bool = True) -> Tensor:
        """Taps (9, Cin, Cout) in the order in which they are multiplied; transposed: as (9, Cout, Cin).

        Folded: the middle one, sums of two that mirror each other, and their differences, for `multiply`.
        """
        _, inputs, outputs = taps.shape
        out = torch.empty(taps.numel())
        if transposed:
            self._call("pack_taps", taps, out, outputs, inputs, 1, outputs, int(folded))
        else:
            self._call("pack_taps", taps, out, inputs, outputs, outputs, 1, int(folded))
        return out

    def frequencies(self, x: Tensor, sign: int, active: Tensor | None = None) -> Tensor:
        """Of frames; behind real and imaginary parts imaginary + sign · real. With `active`: of x where that is > 0."""
        tables = tables_for(len(x))
        out = self._rows(3 * tables.count - 2, *x.shape[1:])
        self._call("frequencies", x, active, *tables.frequencies, out, *x.shape, tables.count, sign)
        return out

    def multiply(self, x: Tensor, taps: Tensor, shape: torch.Size, outputs: int, sign: int) -> Tensor:
        """Frequencies of (T, B, C) by the responses of packed and folded taps; -1: by their conjugates."""
        frames, batch, inputs = shape
        tables = tables_for(frames)
        out = self._rows(2 * tables.count - 1, batch, outputs)
        self._call("multiply", *tables.taps, taps, x, out, tables.count, batch, inputs, outputs, sign)
        return out

    def frames(self, x: Tensor, shape: tuple[int, int, int], bias: Tensor | None = None) -> Tensor:
        """Frames (T, B, C) of real and imaginary parts; with a bias (C,): ReLU(frames + bias)."""
        tables, out = tables_for(shape[0]), torch.empty(shape, dtype=self.dtype)
        self._call("frames", x, *tables.frames, bias, out, *shape, tables.count)
        return out

    def peak(self, x: Tensor, shape: tuple[int, int, int], bias: Tensor, dropout: float) -> tuple[Tensor, Tensor]:
        """The maximum over time of `frames` after dropout (B, C), and the first frame that has it, int16 (B, C)."""
        tables = tables_for(shape[0])
        maximum, frame = torch.empty(shape[1:], dtype=self.dtype), torch.empty(shape[1:], dtype=torch.int16)
        seed = int(torch.randint(-(2**63), 2**63 - 1, ())) if dropout else 0
        rate = round(dropout * 2**32)
        self._call("peak", x, *tables.frames, bias, maximum, frame, *shape, tables.count, rate, seed)
        return maximum, frame

    def taps_gradient(self, x: Tensor, gradient: Tensor, shape: torch.Size, outputs: int) -> Tensor:
        """Of taps (9, Cin, Cout), from frequencies of what was convolved and of the result's gradient, sign -1."""
        frames, batch, inputs = shape
        tables, taps = tables_for(frames), torch.empty(TAPS, inputs, outputs)
        room = getattr(self._library, f"{self.name}_scratch")
        room.restype = ctypes.c_long
        rooms = [room(*map(ctypes.c_long, (tables.count, batch, channels))) for channels in (inputs, outputs)]
        sizes = (tables.count, batch, inputs, outputs)
        self._call("taps_gradient", *tables.weighted_taps, x, gradient, taps, *sizes, torch.empty(sum(rooms)))
        return taps

    def sparse_gradients(self, gradient: Tensor, frame: Tensor, x: Tensor, taps: Tensor) -> tuple[Tensor, Tensor]:
        """Of x (T, B, Cin) and of taps (9, Cin, Cout), where only one frame of a clip and channel has a gradient.

        Args:
            gradient: (B, Cout) float32.
            frame: (B, Cout) int16, its place.
            x: what was convolved.
            taps: packed and transposed, not folded.
        """
        sizes = (*x.shape, gradient.shape[1])
        of_x, of_taps = torch.empty_like(x), torch.empty(TAPS, x.shape[2], gradient.shape[1])
        self._call("sparse_x_gradient", gradient, frame, taps, of_x, *sizes)
        self._call("sparse_taps_gradient", gradient, frame, x, of_taps, *sizes)
        return of_x, of_taps

    def over_time(self, frequencies: Tensor, batch: int) -> Tensor:
        """The sum over frames and clips, (C,): what frequency 0 is."""
        return frequencies[0, :, :batch].float().sum(dim=1).flatten()

    def _rows(self, rows: int, batch: int, channels: int) -> Tensor:
        places = batch | 1 if self.dtype == torch.float32 else -(-batch // self.panel) * self.panel + 1
        return torch.empty(rows, channels // self.panel, places, self.panel, dtype=self.dtype)

    def _call(self, name: str, *arguments: Tensor | int | None) -> None:
        held = [argument.contiguous() if isinstance(argument, Tensor) else argument for argument in arguments]
        getattr(self._library, f"{self.name}_{name}")(*map(_as_c, held))


def _as_c(argument: Tensor | int | None) -> ctypes.c_void_p | ctypes.c_long:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    return ctypes.c_void_p(None if argument is None else argument.data_ptr())


class Tables:
    """Cosines and sines for clips of T frames and 9 taps, times counted from the middle of either.

    Attributes:
        count: frequencies, 0 … count - 1.
        frequencies: from mirrored frames, (ceil(T / 2), count); the middle frame is mirrored by itself.
        frames: back, (count, ceil(T / 2)).
        taps: from folded taps, (count, 5) and (count, 4).
        weighted_taps: the same, for the gradient.
    """

    def __init__(self, frames: int) -> None:
        length = frames + TAPS // 2
        length += 1 - length % 2
        frequency = np.arange(length // 2 + 1)[:, None]
        time = np.arange((frames + 1) // 2) + (0.5 if frames % 2 == 0 else 0)
        tap = np.arange(TAPS // 2 + 1)
        angle, tap_angle = (2 * np.pi / length * frequency * places for places in (time, tap))
        weight = np.where(frequency == 0, 1, 2) / length
        once = np.where(time == 0, 0.5, 1)
        self.count = len(frequency)
        self.frequencies = _table((np.cos(angle) * once).T, -(np.sin(angle) * once).T)
        self.frames = _table(weight * np.cos(angle), -weight * np.sin(angle))
        self.taps = _table(np.cos(tap_angle), np.sin(tap_angle)[:, 1:])
        self.weighted_taps = _table(weight * np.cos(tap_angle), weight * np.sin(tap_angle)[:, 1:])


@cache
def tables_for(frames: int) -> Tables:
    with torch.inference_mode(False):  # whoever asks first, autograd may ask later
        return Tables(frames)


def _table(cosine: np.ndarray, sine: np.ndarray) -> Table:
    return torch.from_numpy(cosine).float().contiguous(), torch.from_numpy(sine).float().contiguous()
