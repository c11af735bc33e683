"""Time on a device, and work recorded once and replayed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from statistics import median
from typing import Any
from unittest import mock

import torch

ROUNDS = 5


def wait(device: torch.device) -> None:
    """Until the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def since(started: float, device: torch.device) -> float:
    """Seconds from a reading of `time.perf_counter` until the device is done."""
    wait(device)
    return time.perf_counter() - started


def seconds_of(work: Callable[[], object], device: torch.device, budget: float) -> float:
    """Of one call: the median of rounds that take about `budget` seconds together, after two calls to warm up."""
    work()
    wait(device)
    started = time.perf_counter()
    work()
    calls = max(1, int(budget / ROUNDS / since(started, device)))
    rounds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(calls):
            work()
        rounds.append(since(started, device) / calls)
    return median(rounds)


def recorded(work: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """The work as a CUDA graph, so that launching costs next to nothing; on a CPU itself."""
    if device.type != "cuda":
        return work
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return partial(_replay, graph, work)


def _replay(graph: torch.cuda.CUDAGraph, work: Callable[[], object]) -> None:
    """The work is kept as long as its graph: with it would go what it reads, and the kernels that a compiler made."""
    graph.replay()


@contextmanager
def clocked(parts: Mapping[str, tuple[Any, str]], device: torch.device) -> Iterator[dict[str, float]]:
    """Seconds spent in functions, by name, while the block runs; each is (where it is looked up, its name there).

    The device is waited for before and after each call: parts do not overlap as they otherwise may.
    """
    spent = dict.fromkeys(parts, 0.0)

    def around(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            wait(device)
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                spent[name] += since(started, device)

        return call

    with ExitStack() as stack:
        for name, (owner, attribute) in parts.items():
            stack.enter_context(mock.patch.object(owner, attribute, around(name, getattr(owner, attribute))))
        yield spent
