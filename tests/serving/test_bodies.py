"""What a client can cost: memory and time of bodies."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from rmsnet.serving.bodies import BodyMemory
from rmsnet.serving.limits import MIB, Limits
from rmsnet.serving.refusals import Refused
from rmsnet.serving.turns import Turns
from tests.serving.conftest import HALF, ask, npy, running, server_of, serving

IMPATIENT = Limits(stall_seconds=0.3, body_bytes=MIB, memory_bytes=2 * MIB)


@contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as call:
        yield call


def begin_upload(call: socket.socket, announced: int, body: bytes = b"", path: str = "/spot") -> None:
    call.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n".encode() + body)


def until_answered(call: socket.socket) -> bytes:
    """A JSON answer."""
    found = b""
    while not found.endswith(b"}"):
        piece = call.recv(65536)
        assert piece, found
        found += piece
    return found


def until_closed(call: socket.socket) -> bytes:
    """What comes until the other side closes; it fails after a minute without."""
    found = b""
    try:
        while piece := call.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


@pytest.fixture(scope="module")
def impatient(loaded_model) -> Iterator[str]:
    with serving(loaded_model, IMPATIENT) as url:
        yield url


def test_an_upload_that_stalls_is_told_so_and_closed(impatient):
    with connection(impatient) as call:
        begin_upload(call, 100_000, bytes(10))
        answer = until_closed(call)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"the upload stalled: 10 bytes" in answer


def test_an_upload_that_trickles_is_closed(impatient):
    with connection(impatient) as call:
        begin_upload(call, 100_000)
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            for _ in range(3000):
                call.sendall(b"x")
                threading.Event().wait(0.02)


def test_an_upload_that_takes_too_long_is_closed(loaded_model):
    with serving(loaded_model, Limits(upload_seconds=0.3)) as url, connection(url) as call:
        begin_upload(call, 100_000, bytes(10))
        assert b"was not complete after 0.3 s" in until_answered(call)


def test_a_body_that_is_too_large_is_refused_before_it_is_read(impatient):
    with connection(impatient) as call:
        begin_upload(call, MIB + 1)
        assert b" 413 " in until_answered(call)


def test_a_body_without_a_length_is_refused_where_it_gets_too_large(impatient):
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    with connection(impatient) as call:
        call.sendall(b"POST /spot HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + 17 * chunk)
        assert b" 413 " in until_answered(call)


def test_a_good_client_is_answered_while_stalled_uploads_want_more_memory_than_there_is(impatient):
    """Six of 1 MiB each, of which two are held at once; without bounds all of it lay in memory, for ever."""
    calls = []
    for _ in range(6):
        calls.append(socket.create_connection(("127.0.0.1", int(impatient.rpartition(":")[2])), timeout=60))
        begin_upload(calls[-1], MIB, bytes(1000))
    assert ask(f"{impatient}/spot", npy(HALF))[0] == 200
    for call in calls:
        assert b" 408 " in until_closed(call)
        call.close()


def test_a_client_that_vanishes_leaves_its_memory(loaded_model):
    limits = replace(IMPATIENT, stall_seconds=1000, memory_bytes=MIB)
    with serving(loaded_model, limits) as url:
        with connection(url) as call:
            begin_upload(call, MIB, bytes(1000))
        assert ask(f"{url}/spot", npy(HALF))[0] == 200


def test_a_server_that_is_told_to_stop_does_not_wait_for_a_body(loaded_model):
    server = server_of(loaded_model)
    with running(server) as (url, thread), connection(url) as call:
        begin_upload(call, 100_000, bytes(10))
        assert ask(f"{url}/health")[0] == 200  # so the upload has begun
        server.should_exit = True
        thread.join(15)  # it was three quarters of a minute
        assert not thread.is_alive()
        assert b" 503 " in until_closed(call)


def test_health_answers_while_every_turn_is_taken(loaded_model):
    release = threading.Event()

    class Slow:
        model = loaded_model.spotter.model

        def events(self, features, thresholded):
            assert release.wait(60)
            return loaded_model.spotter.events(features, thresholded)

        drift = staticmethod(loaded_model.spotter.drift)

    with serving(replace(loaded_model, spotter=Slow()), Limits(at_once=1)) as url:
        statuses = []
        clients = [threading.Thread(target=lambda: statuses.append(ask(f"{url}/spot", npy(HALF))[0])) for _ in range(4)]
        for client in clients:
            client.start()
        assert ask(f"{url}/health")[0] == 200
        release.set()
        for client in clients:
            client.join()
    assert statuses == [200] * 4


def test_memory_is_given_in_order_and_never_more_than_there_is():
    async def run() -> None:
        memory = BodyMemory(10)
        order: list[int] = []

        async def client(number: int, size: int) -> None:
            async with memory.held(size, 60):
                order.append(number)
                assert memory.free >= 0
                await asyncio.sleep(0)

        await asyncio.gather(*(client(number, size) for number, size in enumerate((6, 7, 1, 10, 3, 3))))
        assert order == list(range(6))
        assert memory.free == 10

    asyncio.run(run())


def test_who_waits_too_long_for_memory_is_told_to_come_back_and_leaves_the_queue():
    async def run() -> None:
        memory = BodyMemory(10)
        async with memory.held(10, 60):
            with pytest.raises(Refused, match="send it again later") as refused:
                async with memory.held(1, 0.01):
                    pass
            assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
            gone = asyncio.create_task(memory.held(1, 60).__aenter__())
            await asyncio.sleep(0)
            assert memory.waiting == 1
            gone.cancel()
            await asyncio.wait([gone])
        assert (memory.waiting, memory.free) == (0, 10)

    asyncio.run(run())


def test_a_turn_ends_with_its_computation_and_not_with_its_client():
    async def run() -> None:
        turns, release = Turns(1), threading.Event()
        first = asyncio.create_task(turns.take(lambda: release.wait(60), 60))
        await asyncio.sleep(0.01)
        first.cancel()
        with pytest.raises(Refused, match="send it again later"):
            await turns.take(lambda: True, 0.01)
        release.set()
        assert await turns.take(lambda: True, 60)
        turns.close()

    asyncio.run(run())
