"""What extraction has done so far: the features of each half in a file of its own, from which it continues.

A file says which recipe and which video it was made from; one of another recipe, or of a video that has changed since,
is made again.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.files import write_tensors
from rmsnet.video.extractor import Extractor, Progress, video_features
from rmsnet.video.files import part_of

Features = npt.NDArray[np.float32]

Half = tuple[str, int]
"""Game and half (1 or 2)."""

DECODING_RULES = "2"
"""Changes with the rules by which pictures are taken from a file: what was made by others is made again."""


def identity_of(video: Path, recipe_hash: str) -> dict[str, str]:
    """What tells one half's file from another: recipe, rules, and the video's name, part, size and time of change."""
    status = video.stat()
    return {
        "rules": DECODING_RULES,
        "part": str(part_of(video) or "all"),
        "recipe": recipe_hash,
        "video": video.name,
        "bytes": str(status.st_size),
        "changed": str(status.st_mtime_ns),
    }


def write_half(path: Path, video: Path, extractor: Extractor, progress: Progress) -> None:
    """Compute the features of a half and write them, whole or not at all.

    Raises:
        UserError: see `rmsnet.video.extractor.video_features`.
    """
    done = video_features(video, extractor, progress)
    metadata = {**identity_of(video, extractor.recipe.hash), "warnings": json.dumps(done.warnings)}
    write_tensors(path, {"features": done.features}, metadata)


def read_half(path: Path) -> tuple[Features, Mapping[str, str]] | None:
    """The (T, D) memory-mapped features of a half and what its file says of itself; None: no whole file there."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: dict[str, Any] = json.loads(file.read(length))
        entry = header["features"]
        rows = np.memmap(path, np.dtype("<f4"), "r", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))
    except (OSError, ValueError, KeyError):
        return None
    return rows, header.get("__metadata__", {})


def is_done(path: Path, video: Path, recipe_hash: str) -> bool:
    """Whether a half's file is there, of this recipe and of this very video."""
    half = read_half(path)
    return half is not None and identity_of(video, recipe_hash).items() <= half[1].items()
