"""NumPy on all cores: most of what it does to large arrays, threads can do side by side."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")

MAX_THREADS = 8
"""Each holds the arrays of the item it is at."""


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """What `function` makes of each item, in their order.

    Meanwhile a product of matrices takes the thread that asks for it: more beside ours would wait for one another.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_THREADS)) as pool:
        yield from pool.map(function, items)
