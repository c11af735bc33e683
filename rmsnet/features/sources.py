"""The halves of a dataset before they are stacked, and the features that lie beside the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rmsnet.dataset.feature_files import Features, open_features
from rmsnet.dataset.soccernet import FIRST_FRAME_SECONDS, FRAME_RATE, Dataset
from rmsnet.errors import UserError

Half = tuple[str, int]
"""Game and half (1 or 2)."""


@dataclass(frozen=True)
class Source:
    """The halves of a dataset before they are stacked.

    Attributes:
        arrays: (T, D) of every half of each split, memory-mapped.
        features: the banks' entry "features".
        frame_rate: frames per second.
        first_frame_seconds: time of a half's first frame.
        pca_components: features to be left by a PCA that is still to be fitted on the training split; 0: none.
        files: what lies beside the banks, by its path in their folder.
        warnings: one line for each irregularity.
    """

    arrays: Mapping[str, Sequence[Features]]
    features: Mapping[str, Any]
    frame_rate: float = FRAME_RATE
    first_frame_seconds: float = FIRST_FRAME_SECONDS
    pca_components: int = 0
    files: Mapping[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def precomputed(dataset: Dataset, halves: Mapping[str, Sequence[Half]], features: str) -> Source:
    """The features that lie beside the labels."""
    arrays: dict[str, list[Features]] = {}
    width: int | None = None
    for split, of_split in halves.items():
        arrays[split] = []
        for game, half in of_split:
            path = dataset.features_path(game, half, features)
            dataset.require_inside(path)
            array = open_features(path)
            width = array.shape[1] if width is None else width
            if array.shape[1] != width:
                raise UserError(f"{path}: {array.shape[1]} features a frame, the files before it {width}")
            arrays[split].append(array)
    return Source(arrays, {"name": features})
