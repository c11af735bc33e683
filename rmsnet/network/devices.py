"""Where and in which precision the network computes."""

import ctypes
import mmap
import os

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rmsnet.errors import UserError
from rmsnet.network import kernels

ROWS_AT_ONCE = 65536

Features = npt.NDArray[np.float32]


def choose_device(name: str) -> torch.device:
    """The device for "auto", "cpu" or "cuda"; "auto" takes the GPU where there is one.

    Raises:
        UserError: "cuda" without a usable GPU.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch sees no GPU here; use --device cpu")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The compute type for "auto", "float32" or "bfloat16"; "auto" takes bfloat16 where the hardware multiplies it.

    On a CPU it takes what the path of RMSNET_KERNELS computes in, where that is set.
    """
    if name == "auto" and device.type == "cpu":
        forced = kernels.forced_precision()
        if forced is not None:
            return forced
    if name == "auto":
        return torch.bfloat16 if multiplies_bfloat16(device) else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the hardware has instructions for it; without them it is several times slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("arm_bf16"))


def prepare_memory() -> None:
    """Make memory quick to use in each step again; on Linux with glibc, elsewhere nothing happens.

    The C library keeps up to 64 MB that were freed, in one place for all threads. By default it gives large pieces back
    to the system, which clears every page again when the next step asks for it: up to a tenth of a step's time. Nearly
    all that it will keep is asked for once, as huge pages: a convolution walks through a hundred pages at a time, more
    than a processor has the addresses of at hand.
    """
    trim_threshold, mmap_threshold, arena_max = -1, -3, -8  # M_TRIM_THRESHOLD and so on of malloc.h
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(mmap_threshold, 32 << 20)
    mallopt(trim_threshold, 64 << 20)
    mallopt(arena_max, 1)
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # PyTorch looks when it allocates for the first time
    _ = [torch.empty(30 << 20, dtype=torch.uint8) for _ in range(2)]


def resident_features(features: Features, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(N, D) memory-mapped features on a device, in the type that the network computes in.

    On a CPU in float32 that is the file's own memory. Elsewhere it is a copy, made piece by piece; the pages that a
    piece was read from are given back at once, so that a file larger than memory can become one half its size. On its
    way to a GPU a piece is converted into memory that the GPU itself reads: half the bytes, copied once.
    """
    if dtype == torch.float32 and device.type == "cpu":
        return torch.from_numpy(features)
    resident = torch.empty(features.shape, dtype=dtype, device=device)
    pinned = None
    if device.type == "cuda":
        pinned = torch.empty(min(ROWS_AT_ONCE, len(features)), features.shape[1], dtype=dtype, pin_memory=True)
    for start in range(0, len(resident), ROWS_AT_ONCE):
        piece = torch.from_numpy(features[start : start + ROWS_AT_ONCE])
        if pinned is not None:
            piece = pinned[: len(piece)].copy_(piece)
        resident[start : start + ROWS_AT_ONCE] = piece
        release_pages(features)
    return resident


def release_pages(features: Features) -> None:
    """Take a memory-mapped file out of this process's memory; what is touched next is read anew, mostly cached."""
    owner: object = features.base
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)
