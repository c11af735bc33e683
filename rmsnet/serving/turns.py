"""Computing outside the event loop, a few halves at a time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rmsnet.serving.refusals import busy

T = TypeVar("T")


class Turns:
    """At most so many computations at once; the others wait for their turn, first come, first served."""

    def __init__(self, at_once: int) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._threads = ThreadPoolExecutor(at_once, "half")
        self.waiting = 0

    async def take(self, compute: Callable[[], T], wait_seconds: float) -> T:
        """The result of `compute`.

        Raises:
            Refused: 503, the turn did not come for so long.
        """
        self.waiting += 1
        try:
            async with asyncio.timeout(wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            raise busy(f"others were answered for {wait_seconds:g} s; send it again later") from None
        finally:
            self.waiting -= 1
        # The thread goes on when the one who waits for it is cancelled: its turn ends when it does.
        running = asyncio.get_running_loop().run_in_executor(self._threads, compute)
        running.add_done_callback(lambda _: self._free.release())
        return await asyncio.shield(running)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
