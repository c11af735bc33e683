"""The halves of a dataset before they are stacked, and the features that lie beside the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rmsnet.dataset.description import FeatureKind
from rmsnet.dataset.feature_files import Features, open_features
from rmsnet.dataset.kick_offs import rows_of
from rmsnet.dataset.soccernet import Dataset
from rmsnet.errors import UserError
from rmsnet.params import ExtractParams

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
    frame_rate: float
    first_frame_seconds: float
    pca_components: int = 0
    files: Mapping[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def precomputed(dataset: Dataset, halves: Mapping[str, Sequence[Half]], params: ExtractParams) -> Source:
    """The features that lie beside the labels.

    Raises:
        UserError: a file is absent or unreadable, two have several widths, or the rate is not that of the parameters.
    """
    kind = feature_kind(dataset, params)
    arrays: dict[str, list[Features]] = {}
    width: int | None = None
    for split, of_split in halves.items():
        arrays[split] = []
        for game, half in of_split:
            path = dataset.features_path(game, half, kind.name)
            dataset.require_inside(path)
            array = open_features(path)
            width = array.shape[1] if width is None else width
            if array.shape[1] != width:
                raise UserError(f"{path}: {array.shape[1]} features a frame, the files before it {width}")
            rows = rows_of(half, dataset.kick_offs(game), len(array), kind, dataset.description, str(path))
            arrays[split].append(array[rows])
    return Source(arrays, {"name": kind.name}, kind.frame_rate, kind.first_frame_seconds)


def feature_kind(dataset: Dataset, params: ExtractParams) -> FeatureKind:
    """The features that the parameters name, with their rate.

    Raises:
        UserError: the parameters' rate is not the one that the dataset, or the name, says.
    """
    kind = dataset.description.kind(params.features)
    if params.frame_rate not in (0, kind.frame_rate):
        if dataset.description.said_kind(kind.name):
            raise UserError(
                f"extract.frame_rate {params.frame_rate:g}: {kind.name} has {kind.frame_rate:g} rows a second; leave "
                "it out, or say another rate in dataset.json"
            )
        return replace(kind, frame_rate=params.frame_rate, first_frame_seconds=1 / params.frame_rate)
    return kind
