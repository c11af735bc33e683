"""Bodies of requests, received within bounds of memory and time.

Room for a body is set aside before the first byte is read; until there is, the client's bytes stay in its own sockets.
So memory is bounded however many clients come. A client cannot hold its room for long without using it: an upload that
stalls is closed, and sooner while others wait for the room.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import ClientDisconnect

from rmsnet.serving.limits import Limits
from rmsnet.serving.refusals import Refused, busy

PROGRESS_BYTES = 64 * 1024
"""An upload that brings fewer while it is watched is stalled."""

HURRIED_SECONDS = 3.0
"""How long it is watched while others wait for its memory."""

_LOOK_SECONDS = 0.25

Receive = Callable[[], Awaitable[Any]]


class BodyMemory:
    """The memory of all bodies; first come, first served. Belongs to one event loop."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._waiting: deque[tuple[int, float, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> int:
        """Requests that wait for memory."""
        return len(self._waiting)

    @property
    def waited_seconds(self) -> float:
        """How long the first of them has waited."""
        return time.monotonic() - self._waiting[0][1] if self._waiting else 0.0

    @asynccontextmanager
    async def held(self, size: int, wait_seconds: float) -> AsyncIterator[None]:
        """Set memory aside while the block runs.

        Raises:
            Refused: 503, there was none for so long.
        """
        if self._waiting or size > self.free:
            await self._turn(size, wait_seconds)
        else:
            self.free -= size
        try:
            yield
        finally:
            self.free += size
            self._admit()

    async def _turn(self, size: int, wait_seconds: float) -> None:
        turn = asyncio.get_running_loop().create_future()
        place = (size, time.monotonic(), turn)
        self._waiting.append(place)
        try:
            async with asyncio.timeout(wait_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # the turn came and the end of patience with it
                self.free += size
            else:
                self._waiting.remove(place)
            self._admit()
            if isinstance(error, TimeoutError):
                raise busy(f"no memory for the body was free for {wait_seconds:g} s; send it again later") from None
            raise

    def _admit(self) -> None:
        while self._waiting and self._waiting[0][0] <= self.free:
            size, _, turn = self._waiting.popleft()
            if not turn.done():
                self.free -= size
                turn.set_result(None)


def announced_bytes(headers: Mapping[str, str], limits: Limits) -> int:
    """The memory that a body needs: its length, or the most that is taken where none is given.

    Raises:
        Refused: 413, more than is taken.
    """
    length = headers.get("content-length", "")
    if not length.isdecimal():
        return limits.body_bytes
    if int(length) > limits.body_bytes:
        raise too_large(limits)
    return int(length)


def too_large(limits: Limits) -> Refused:
    return Refused(413, f"the body is larger than {limits.body_bytes} bytes; send one half, as .npy")


async def receive_body(receive: Receive, memory: BodyMemory, limits: Limits, stopping: Callable[[], bool]) -> bytearray:
    """The whole body of a request.

    Args:
        receive: ASGI's.
        memory: in which its room was set aside.
        limits: the bounds.
        stopping: whether the server was told to end.

    Raises:
        Refused: 408, stalled or too slow; 413, larger than announced; 503, the server ends.
        ClientDisconnect: the client is gone.
    """
    body = bytearray()
    begun = watched = time.monotonic()
    brought = 0
    while True:
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                message = await receive()
        except TimeoutError:
            message = None
        if message is not None:
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            brought += len(message.get("body", b""))
            if len(body) > limits.body_bytes:
                raise too_large(limits)
            if not message.get("more_body", False):
                return body
        now = time.monotonic()
        if stopping():
            raise busy("the server ends; send the body again")
        if now - begun > limits.upload_seconds:
            raise Refused(408, f"the body was not complete after {limits.upload_seconds:g} s")
        patience = min(limits.stall_seconds, HURRIED_SECONDS) if memory.waiting else limits.stall_seconds
        if brought >= PROGRESS_BYTES:
            watched, brought = now, 0
        elif now - watched > patience:
            raise Refused(408, f"the upload stalled: {brought} bytes in {now - watched:.0f} s; send it again")
