"""How far long work is: a bar on a terminal, elsewhere a plain line now and then."""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rmsnet.logs import log

SECONDS_BETWEEN_LINES = 30


class Advance(Protocol):
    """Told that so many more units are done."""

    def __call__(self, units: int, /) -> object: ...


@contextmanager
def progress(name: str, unit: str, total: int | None, shown: bool = True) -> Iterator[Advance]:
    """Show on standard error how much of `total` units is done, how fast, and the time left.

    Args:
        name: of the work.
        unit: what is counted, in the singular.
        total: how many; None: unknown.
        shown: False shows nothing.
    """
    if not (shown and log.isEnabledFor(logging.INFO)):
        yield lambda units: None
    elif sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(desc=name, unit=unit, total=total) as bar:
            yield bar.update
    else:
        yield _Lines(name, unit, total).advance


class _Lines:
    def __init__(self, name: str, unit: str, total: int | None) -> None:
        self.name, self.unit, self.total = name, unit, total
        self.done = 0
        self.started = self.last_line = time.monotonic()

    def advance(self, units: int) -> None:
        self.done += units
        now = time.monotonic()
        if now - self.last_line >= SECONDS_BETWEEN_LINES or self.done == self.total:
            self.last_line = now
            rate = self.done / max(now - self.started, 1e-9)
            log.info(line(self.name, self.unit, self.done, self.total, rate))


def line(name: str, unit: str, done: int, total: int | None, per_second: float) -> str:
    """E.g. "extract: 1,200 of 5,400 frames, 40.0 frames/s, 2 min left"."""
    of_total = "" if total is None else f" of {total:,}"
    left = "" if total is None or per_second == 0 else f", {duration((total - done) / per_second)} left"
    return f"{name}: {done:,}{of_total} {unit}s, {per_second:.1f} {unit}s/s{left}"


def duration(seconds: float) -> str:
    """A time in words, e.g. "45 s", "12 min", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
