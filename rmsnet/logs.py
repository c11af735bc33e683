"""What is said beside the answer: one logger, a line each on standard error, as much as was asked for.

    log.info      how far the work is, what it waits for
    log.warning   what somebody should know; "warning: " stands before it
    log.debug     what is read, written and asked, and how long it takes; shown by `rmsnet --verbose`

An error that ends a command is the command's answer (`rmsnet.cli`), its result goes to standard output.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("rmsnet")

QUIET = logging.ERROR
VERBOSE = logging.DEBUG

_TALKATIVE = ("matplotlib", "PIL", "asyncio", "fontTools")
"""Libraries whose debug lines are of no use to whom they are shown."""


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        ours = record.name.partition(".")[0] == log.name
        kind = "" if ours and record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        return f"{kind}{'' if ours else f'{record.name}: '}{text}"


class _StandardError(logging.Handler):
    """Standard error as it is at that moment: tests and notebooks put another in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)


if log.level == logging.NOTSET:  # else a model that carries its code is loaded, and this is said already
    _handler = _StandardError()
    _handler.setFormatter(_Line())
    log.addHandler(_handler)
    log.setLevel(logging.INFO)


@contextmanager
def as_loud_as(level: int) -> Iterator[None]:
    """Say what is of this level and above: `QUIET` errors alone, `VERBOSE` also what libraries log for debugging."""
    root, handlers = logging.root, list(log.handlers)
    loggers = [log, root, *map(logging.getLogger, _TALKATIVE)]
    before = [logger.level for logger in loggers]
    log.setLevel(level)
    if level >= QUIET:
        logging.captureWarnings(True)
        root.setLevel(level)
    elif level <= VERBOSE:
        root.setLevel(level)
        for handler in handlers:  # of root's, so that what is ours is said once
            log.removeHandler(handler)
            root.addHandler(handler)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        if level <= VERBOSE:
            for handler in handlers:
                root.removeHandler(handler)
                log.addHandler(handler)
        for logger, was in zip(loggers, before, strict=True):
            logger.setLevel(was)
