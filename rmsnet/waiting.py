"""Nobody waits for ever, or without knowing for what: calls to servers, locks and databases are bounded and told of."""

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from rmsnet.logs import log

T = TypeVar("T")

TOLD_AFTER_SECONDS = 3.0

LIMIT_SECONDS = 60.0
"""Of a call that moves no files."""

POLL_SECONDS = 0.05

_abandoned: list[threading.Thread] = []


def bounded(what: str, call: Callable[[], T], limit_seconds: float = LIMIT_SECONDS) -> T:
    """What a call answers, if it does so in time; after three seconds a line says what is waited for, and how long.

    A call that is given up goes on in its thread until its own time limits end it.

    Args:
        what: is waited for, e.g. "MLflow store http://host: log_batch".
        call: what may take long.
        limit_seconds: how long at most.

    Raises:
        TimeoutError: there was no answer in time; whatever the call raises.
    """
    answers: list[T] = []
    failures: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            answers.append(call())
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=copy_context().run, args=(work,), name=what, daemon=True)
    started = time.monotonic()
    thread.start()
    told_after = min(TOLD_AFTER_SECONDS, limit_seconds)
    if not done.wait(told_after):
        _tell(what, limit_seconds)
        if not done.wait(limit_seconds - told_after):
            _abandoned.append(thread)
            raise TimeoutError(f"no answer within {limit_seconds:.3g} seconds")
    log.debug(f"{what}: answered after {time.monotonic() - started:.3f} s")
    if failures:
        raise failures[0]
    return answers[0]


def wait_until(what: str, attempt: Callable[[], bool], limit_seconds: float = LIMIT_SECONDS) -> None:
    """Try something until it works, telling of it as `bounded` does.

    Raises:
        TimeoutError: it did not work in time.
    """
    started = time.monotonic()
    told = False
    while not attempt():
        waited = time.monotonic() - started
        if waited >= limit_seconds:
            raise TimeoutError(f"not to be had within {limit_seconds:.3g} seconds")
        if waited >= TOLD_AFTER_SECONDS and not told:
            told = True
            _tell(what, limit_seconds)
        time.sleep(POLL_SECONDS)


def _tell(what: str, limit_seconds: float) -> None:
    log.info(f"waiting for {what} ({limit_seconds:.3g} seconds at most)")


def abandon(thread: threading.Thread) -> None:
    """Nobody waits for this thread, even when the process ends: it may wait for a network."""
    _abandoned.append(thread)


def abandoned() -> bool:
    """Whether a call that was given up still runs: its library's own threads would keep the process alive."""
    return any(thread.is_alive() for thread in _abandoned)
