"""Small frame banks for tests of the core."""

from collections.abc import Sequence

import numpy as np

from rmsnet.bank import BankHalf, FrameBank
from rmsnet.soccernet import V1_CLASSES
from rmsnet.spots import Truth


def truth(rows: Sequence[tuple[int, int, int]]) -> Truth:
    """Visible events from (half, position_ms, label)."""
    columns = np.asarray(rows, np.int64).reshape(-1, 3)
    return Truth(columns[:, 0], columns[:, 1], columns[:, 2], np.ones(len(columns), bool))


def bank(
    frames: Sequence[int],
    events: Sequence[tuple[int, int, int]] = (),
    *,
    width: int = 8,
    classes: Sequence[str] = V1_CLASSES,
    seed: int = 0,
) -> FrameBank:
    """Halves of the given lengths (1, 2, 1, 2, …) with random features; events as (half, frame in half, label)."""
    starts = np.concatenate([[0], np.cumsum(frames)])
    halves = tuple(
        BankHalf(f"league/season/game {number // 2}", number % 2 + 1, int(start), length)
        for number, (start, length) in enumerate(zip(starts[:-1], frames, strict=True))
    )
    features = np.random.default_rng(seed).normal(size=(starts[-1], width)).astype(np.float32)
    rows = [(half, 500 * frame + 500, label) for half, frame, label in events]
    info = {"dataset": "test", "simulated": True, "features": {"name": "test"}, "data_hash": f"hash {seed}"}
    return FrameBank(features, halves, truth(rows), tuple(classes), 2.0, 0.5, info)
