"""Long work behind a page: one piece after the other, with how far it is and what went wrong."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from rmsnet.errors import one_line

Advance = Callable[[float], object]
"""Told the share that is done, from 0 to 1."""


@dataclass(frozen=True)
class Job:
    """A piece of work.

    Attributes:
        name: in words, for people.
        done: share that is done.
        ended: whether it is over.
        problem: why it failed; "" it did not.
    """

    name: str
    done: float = 0.0
    ended: bool = False
    problem: str = ""


class Jobs:
    """Pieces of work by key; each is done once, unless it failed."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "annotate")
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(self, key: str, name: str, work: Callable[[Advance], object]) -> None:
        """Do something when its turn comes; what is under way or done is not done again."""
        with self._lock:
            known = self._jobs.get(key)
            if known is not None and not known.problem:
                return
            self._jobs[key] = Job(name)
        self._pool.submit(self._run, key, work)

    def of(self, prefix: str) -> dict[str, Job]:
        """The jobs whose keys begin so, by the rest of the key."""
        with self._lock:
            return {key.removeprefix(prefix): job for key, job in self._jobs.items() if key.startswith(prefix)}

    def close(self) -> None:
        """Begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, key: str, work: Callable[[Advance], object]) -> None:
        try:
            work(lambda share: self._set(key, done=min(1.0, share)))
            self._set(key, done=1.0, ended=True)
        except Exception as error:  # said on the page; the next job goes on
            self._set(key, ended=True, problem=one_line(error))

    def _set(self, key: str, **changed: object) -> None:
        with self._lock:
            self._jobs[key] = replace(self._jobs[key], **changed)  # type: ignore[arg-type]  # fields by name
