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

from rmsnet.errors import UserError
from rmsnet.files import read_json
from rmsnet.spots import Truth

INDEX_SCHEMA = 1


@dataclass(frozen=True)
class BankHalf:
    """Where one half of a game lies in the bank.

    Attributes:
        game: league/season/game.
        half: 1 or 2.
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


def read_bank(folder: Path, split: str) -> FrameBank:
    """Open a split's bank; the features stay on disk until they are touched.

    Raises:
        UserError: no bank there, or index and matrix do not belong together.
    """
    index_path, features_path = Path(folder) / f"{split}.json", Path(folder) / f"{split}.npy"
    if not index_path.exists():
        raise UserError(f"{index_path}: no such frame bank; make it with: rmsnet extract DATA --out {folder}")
    index = read_json(index_path)
    if not isinstance(index, dict) or index.pop("schema", None) != INDEX_SCHEMA:
        raise UserError(f"{index_path}: not an index of this version; run rmsnet extract again")
    try:
        # Copy-on-write: PyTorch wraps it without a copy and without complaining that it is read-only.
        features = np.load(features_path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{features_path}: cannot be read ({error}); run rmsnet extract again") from None
    if features.shape != (index.pop("frames"), index.pop("width")) or features.dtype != np.float32:
        raise UserError(f"{features_path}: does not belong to {index_path.name}; run rmsnet extract again")
    events = index.pop("events")
    columns = list(zip(*events, strict=True)) if events else [(), (), (), ()]
    truth = Truth(
        np.asarray(columns[0], np.int64),
        np.asarray(columns[1], np.int64),
        np.asarray(columns[2], np.int64),
        np.asarray(columns[3], bool),
    )
    halves = tuple(BankHalf(*half) for half in index.pop("halves"))
    return FrameBank(
        features,
        halves,
        truth,
        tuple(index.pop("classes")),
        index.pop("frame_rate"),
        index.pop("first_frame_seconds"),
        index,
    )
