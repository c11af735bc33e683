"""Pictures drawn by two processes: Matplotlib holds the interpreter, so threads would take turns."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection

from rmsnet.style.plot import Drawing

Draws = Callable[[], Drawing]


def draw_all(pictures: Mapping[str, Draws]) -> dict[str, Drawing]:
    """The pictures by their names; where a process starts at once, the first half by another one."""
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401  # by both processes, so before they part

    names = list(pictures)
    half = len(names) // 2
    if not sys.platform.startswith("linux") or (os.cpu_count() or 1) == 1 or not half:
        return {name: pictures[name]() for name in names}
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    other = context.Process(target=_draw, args=([pictures[name] for name in names[:half]], sender), daemon=True)
    other.start()
    sender.close()
    mine = [pictures[name]() for name in names[half:]]
    theirs: list[Drawing] = []
    with receiver, suppress(EOFError, OSError):
        theirs = receiver.recv()
    other.join()
    # A process that came to nothing, for want of memory or by a fault, leaves its pictures, and the fault, to this one.
    theirs += [pictures[name]() for name in names[len(theirs) : half]]
    return dict(zip(names, theirs + mine, strict=True))


def _draw(pictures: list[Draws], sender: Connection) -> None:
    with suppress(Exception, KeyboardInterrupt):
        sender.send([draw() for draw in pictures])
