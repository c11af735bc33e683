"""The frame bank: the features of all halves of a split in one matrix, and the index that says what lies where.

    features/<split>.npy   (frames, width) float32, memory-mapped when read
    features/<split>.json  halves with their first row and length, events, classes, time base, where they came from

A clip is a row of integers into the matrix; nothing is ever sliced or copied but the batch at hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.dataset.labels import LAST_MS
from rmsnet.dataset.periods import HALVES, Period, periods_of
from rmsnet.documents import read_document, structured
from rmsnet.errors import UserError
from rmsnet.network.model_config import FeaturesEntry, require_class_names, require_frame_times
from rmsnet.reading.arrays import broken_row, map_array
from rmsnet.reading.names import fault_of
from rmsnet.spots import Truth

INDEX_SCHEMA = 1

TOLD_ON = ("periods", "looks")
"""Entries of an index that a model's config repeats: what a dataset other than SoccerNet says of its matches."""


@dataclass(frozen=True)
class BankHalf:
    """Where one half of a game lies in the bank.

    Attributes:
        game: league/season/game.
        half: number of the period, 1 or 2 for two halves.
        first_frame: row of its first frame.
        frames: number of its frames.
    """

    game: str
    half: int
    first_frame: int
    frames: int


@dataclass(frozen=True)
class FrameBank:
    """Features and events of a split.

    Attributes:
        features: (N, D) float32; rows of a half are consecutive in time.
        halves: the halves, in row order.
        truth: the events; `truth.half` numbers `halves`.
        classes: class names that `truth.label` numbers.
        frame_rate: frames per second.
        first_frame_seconds: time of a half's first frame from the start of the half.
        info: what else the index says: dataset, simulated, features, data hash.
    """

    features: npt.NDArray[np.float32]
    halves: tuple[BankHalf, ...]
    truth: Truth
    classes: tuple[str, ...]
    frame_rate: float
    first_frame_seconds: float
    info: Mapping[str, Any]

    @property
    def width(self) -> int:
        """D, the number of features of a frame."""
        return int(self.features.shape[1])

    @property
    def simulated(self) -> bool:
        return bool(self.info["simulated"])

    @property
    def periods(self) -> tuple[Period, ...]:
        """Of a match, half 1 first."""
        return periods_of(self.info)

    @property
    def looks(self) -> Mapping[str, Mapping[str, Any]]:
        """What the dataset says of how its classes are shown, see `rmsnet.style.palette.Said`."""
        return dict(self.info.get("looks", {}))

    def said(self, half: int, position_ms: int) -> str:
        """A time as people say it; the half numbers `halves`."""
        return self.periods[self.halves[half].half - 1].said(position_ms)

    def frame_of(self, position_ms: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(N,) the frame, counted within its half, that shows each time: the first one not before it."""
        frames = np.ceil((position_ms / 1000 - self.first_frame_seconds) * self.frame_rate - 1e-9)
        return np.maximum(frames, 0).astype(np.int64)

    def seconds_of(self, frame: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(N,) the time in seconds of frames (fractional ones too) counted within their half."""
        return frame / self.frame_rate + self.first_frame_seconds


def bank_index(bank: FrameBank) -> dict[str, Any]:
    """The JSON index of a bank; `read_bank` is its inverse."""
    return {
        "schema": INDEX_SCHEMA,
        "frames": int(bank.features.shape[0]),
        "width": bank.width,
        "frame_rate": bank.frame_rate,
        "first_frame_seconds": bank.first_frame_seconds,
        "classes": list(bank.classes),
        **bank.info,
        "halves": [[half.game, half.half, half.first_frame, half.frames] for half in bank.halves],
        "events": [
            [int(half), int(position_ms), int(label), bool(visible)]
            for half, position_ms, label, visible in zip(
                bank.truth.half, bank.truth.position_ms, bank.truth.label, bank.truth.visible, strict=True
            )
        ],
    }


@dataclass(frozen=True)
class ShardEntry:
    """What the banks of one of several workers say of their part.

    Attributes:
        number: 1, 2, … of.
        of: how many parts there are.
        pca: components that a PCA of the whole is to leave; 0: no PCA.
        games: of each split, of all parts.
    """

    number: int
    of: int
    pca: int
    games: dict[str, list[str]]


@dataclass(frozen=True)
class _Index:
    """The entries of an index that somebody reads, as `bank_index` writes them."""

    frames: int
    width: int
    frame_rate: float
    first_frame_seconds: float
    classes: tuple[str, ...]
    halves: tuple[tuple[str, int, int, int], ...]
    events: tuple[tuple[int, int, int, bool], ...]
    features: FeaturesEntry
    dataset: str
    simulated: bool
    data_hash: str
    dvc_md5: str | None = None
    frames_hash: str | None = None
    shard: ShardEntry | None = None
    periods: tuple[Period, ...] = HALVES

    def __post_init__(self) -> None:
        require_class_names(self.classes)
        require_frame_times(self.frame_rate, self.first_frame_seconds)
        end = 0
        for game, half, first_frame, frames in self.halves:
            fault = fault_of(game)
            if fault or not 1 <= half <= len(self.periods) or first_frame != end or frames < 1:
                raise ValueError(f"halves: {game!r}, half {half}: {fault or 'its rows do not follow those before it'}")
            end += frames
        if end != self.frames or not end:
            raise ValueError(f"halves: have {end} frames, the matrix {self.frames}")
        for half, position_ms, label, _ in self.events:
            if not (0 <= half < len(self.halves) and 0 <= position_ms < LAST_MS and 0 <= label < len(self.classes)):
                raise ValueError(f"events: [{half}, {position_ms}, {label}] is none of these halves and classes")


def read_bank(folder: Path, split: str) -> FrameBank:
    """Open a split's bank; the features stay on disk until they are touched.

    Raises:
        UserError: no bank there, a damaged one, or index and matrix do not belong together.
    """
    index_path, features_path = Path(folder) / f"{split}.json", Path(folder) / f"{split}.npy"
    if not index_path.exists():
        raise UserError(f"{index_path}: no such frame bank; make it with: rmsnet extract DATA --out {folder}")
    info = read_document(index_path, dict[str, Any], advice=_AGAIN)
    if info.pop("schema", None) != INDEX_SCHEMA:
        raise UserError(f"{index_path}: not an index of this version; {_AGAIN}")
    index = structured(info, _Index, str(index_path), _AGAIN)
    try:
        # Copy-on-write: PyTorch wraps it without a copy and without complaining that it is read-only.
        features = map_array(features_path, "c")
    except (OSError, ValueError) as error:
        raise UserError(f"{features_path}: cannot be read ({error}); {_AGAIN}") from None
    if features.shape != (index.frames, index.width) or features.dtype != np.float32:
        raise UserError(f"{features_path}: does not belong to {index_path.name}; {_AGAIN}")
    half, position_ms, label, visible = zip(*index.events, strict=True) if index.events else ((), (), (), ())
    truth = Truth(
        np.asarray(half, np.int64),
        np.asarray(position_ms, np.int64),
        np.asarray(label, np.int64),
        np.asarray(visible, bool),
    )
    own = ("frames", "width", "frame_rate", "first_frame_seconds", "classes", "halves", "events")
    return FrameBank(
        features,
        tuple(BankHalf(*of_half) for of_half in index.halves),
        truth,
        index.classes,
        index.frame_rate,
        index.first_frame_seconds,
        {key: value for key, value in info.items() if key not in own},
    )


_AGAIN = "run rmsnet extract again"


def require_finite(bank: FrameBank) -> None:
    """Refuse a bank whose features no network can read.

    Raises:
        UserError: it names file, half and the first such row of it.
    """
    for half in bank.halves:
        rows = bank.features[half.first_frame : half.first_frame + half.frames]
        row = broken_row(rows)
        if row is not None:
            where = getattr(bank.features, "filename", None) or "frame bank"
            raise UserError(
                f"{where}: {half.game}, half {half.half}: row {row} holds NaN or infinity; get its features again and "
                f"{_AGAIN}"
            )
