"""Random numbers that are the same on every machine: integers made of raw PCG64 bits, and nothing else.

NumPy's exp, log, sin and its float reductions differ in the last bit between CPU generations, and its
distributions are built on them. PCG64's raw output and SeedSequence are fixed for good (NEP 19), and integer
arithmetic has no last bit. So everything here, and all that is computed from it, is integers.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")

NORMAL_UNIT = 148
"""The standard deviation of `Draws.normals`: the sum of four random bytes has variance 4 · (256² - 1) / 12 = 147.8²."""


class Draws:
    """An independent stream of integers.

    Args:
        key: the seed and where in the simulation the stream is used, e.g. (seed, game, half). Streams of different
            keys are independent, so halves can be made in any order.
    """

    def __init__(self, *key: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(key[0], spawn_key=key[1:]))

    def integer(self, low: int, high: int) -> int:
        """A uniform integer, low <= x <= high."""
        return low + ((int(self._bits.random_raw()) >> 32) * (high - low + 1) >> 32)

    def chance(self, percent: int) -> bool:
        """True in so many of a hundred cases."""
        return self.integer(1, 100) <= percent

    def one_of(self, items: Sequence[T]) -> T:
        """One item, all equally likely."""
        return items[self.integer(0, len(items) - 1)]

    def weighted(self, weights: Sequence[int]) -> int:
        """The index of one weight, as likely as it is large."""
        rest = self.integer(0, sum(weights) - 1)
        for index, weight in enumerate(weights):
            rest -= weight
            if rest < 0:
                return index
        raise AssertionError("the rest is smaller than the sum of the weights")

    def count(self, thousandths: int) -> int:
        """A count with a mean of so many thousandths, nearly Poisson: that many of 100 or more equal trials."""
        trials = max(100, thousandths // 100)
        raw = np.asarray(self._bits.random_raw(trials)) >> np.uint64(32)
        return int(np.count_nonzero(raw * np.uint64(1000 * trials) >> np.uint64(32) < np.uint64(thousandths)))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in random order (Fisher and Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.integer(0, last)
            result[last], result[other] = result[other], result[last]
        return result

    def normals(self, rows: int, columns: int) -> npt.NDArray[np.int16]:
        """(rows, columns) nearly normal integers with mean 0 and standard deviation `NORMAL_UNIT`, within ±510."""
        raw: npt.NDArray[np.uint64] = np.asarray(self._bits.random_raw((rows * columns + 1) // 2)).astype("<u8")
        # Two values out of 64 bits: bytes side by side in 16-bit lanes, added twice.
        low_bytes = np.uint64(0x00FF00FF00FF00FF)
        pairs = (raw & low_bytes) + ((raw >> np.uint64(8)) & low_bytes)
        sums = (pairs + (pairs >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
        values: npt.NDArray[np.int16] = sums.view("<u4").astype(np.int16) - np.int16(510)
        return values[: rows * columns].reshape(rows, columns)


# What a stream of draws is for: the second number of its key.
WORLD, TIMELINE, LOOKS, HALF, VIDEO = range(5)
