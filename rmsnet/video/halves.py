"""What extraction has done so far: the features of each half in a file of its own, from which it continues.

A file says which recipe and which video it was made from; one of another recipe, or of a video that has changed since,
is made again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.files import write_tensors
from rmsnet.reading.pieces import marks_of
from rmsnet.reading.tensors import map_matrix
from rmsnet.video.extractor import Extractor, Progress, video_features
from rmsnet.video.files import Footage, file_of, part_of

Features = npt.NDArray[np.float32]

Half = tuple[str, int]
"""Game and half (1 or 2)."""

DECODING_RULES = "2"
"""Changes with the rules by which pictures are taken from a file: what was made by others is made again."""


def identity_of(video: Footage, recipe_hash: str) -> dict[str, str]:
    """What tells one half's file from another: recipe, rules, and the video's name, part, size and time of change."""
    names, sizes, changed = zip(*marks_of(file_of(video)), strict=True)
    return {
        "rules": DECODING_RULES,
        "part": str(part_of(video) or "all"),
        "recipe": recipe_hash,
        "video": " ".join(names),
        "bytes": " ".join(map(str, sizes)),
        "changed": " ".join(map(str, changed)),
    }


def write_half(path: Path, video: Footage, extractor: Extractor, progress: Progress) -> None:
    """Compute the features of a half and write them, whole or not at all.

    Raises:
        UserError: see `rmsnet.video.extractor.video_features`.
    """
    done = video_features(video, extractor, progress)
    write_features(path, done.features, video, extractor.recipe.hash, done.warnings)


def write_features(path: Path, features: Features, video: Footage, recipe_hash: str, warnings: Sequence[str]) -> None:
    """Write the (T, D) features of a half with what they were made of."""
    metadata = {**identity_of(video, recipe_hash), "warnings": json.dumps(list(warnings))}
    write_tensors(path, {"features": features}, metadata)


@dataclass(frozen=True)
class DoneHalf:
    """A half's file.

    Attributes:
        features: (T, D), memory-mapped.
        made_of: see `identity_of`.
        warnings: of its decoding.
    """

    features: Features
    made_of: Mapping[str, str]
    warnings: list[str]


def read_half(path: Path) -> DoneHalf | None:
    """The features of a half and what its file says of itself; None: no whole file there."""
    try:
        features, metadata = map_matrix(path, "features")
        warnings = read_document(metadata.get("warnings", "").encode(), list[str], f"{path}: warnings")
    except UserError:
        return None
    return DoneHalf(features, metadata, warnings)


def is_done(path: Path, video: Footage, recipe_hash: str) -> bool:
    """Whether a half's file is there, of this recipe and of this very video."""
    half = read_half(path)
    return half is not None and identity_of(video, recipe_hash).items() <= half.made_of.items()
