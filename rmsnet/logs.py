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


_handler = _StandardError()
_handler.setFormatter(_Line())
log.addHandler(_handler)
log.setLevel(logging.INFO)


@contextmanager
def as_loud_as(level: int) -> Iterator[None]:
    """Say what is of this level and above: `QUIET` errors alone, `VERBOSE` also what libraries log for debugging."""
    root = logging.root
    loggers = [log, root, *map(logging.getLogger, _TALKATIVE)]
    before = [logger.level for logger in loggers]
    log.setLevel(level)
    if level >= QUIET:
        logging.captureWarnings(True)
        root.setLevel(level)
    elif level <= VERBOSE:
        log.removeHandler(_handler)  # root has it: what is ours is said once
        root.addHandler(_handler)
        root.setLevel(level)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(_handler)
        log.addHandler(_handler)
        for logger, was in zip(loggers, before, strict=True):
            logger.setLevel(was)
