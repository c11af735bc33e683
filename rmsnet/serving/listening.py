"""Sockets to listen on, and connections that are closed when their client only holds them."""

import asyncio
import socket

from uvicorn.protocols.http.h11_impl import H11Protocol

from rmsnet.errors import UserError
from rmsnet.serving.limits import Limits


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets: one for each address that the host name means; "::" takes IPv4 as well.

    Args:
        host: a name or an address of either kind.
        port: 0: any free one, the same for all.

    Raises:
        UserError: no such address here, or the port is taken.
    """
    found: list[socket.socket] = []
    try:
        if not 0 <= port < 65536:
            raise OSError(0, "a port lies between 0 and 65535")
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(addresses):
            place = (address[0], found[0].getsockname()[1] if found else port, *address[2:])
            dual = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
            found.append(socket.create_server(place, family=family, dualstack_ipv6=dual))
    except OSError as error:
        for listener in found:
            listener.close()
        raise UserError(f"--host {host} --port {port}: cannot be listened to ({error.strerror})") from None
    return found


def address_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


READ_BYTES = 64 * 1024
"""Of a connection at a time: asyncio's 256 KiB of everybody make /health wait when hundreds send."""

PROGRESS_BYTES = 4096
"""A client that sends so much at a time is busy with a body that was refused, and reads the refusal when it is done."""


def patient_protocol(limits: Limits) -> type[H11Protocol]:
    """uvicorn's HTTP, with an end to waiting for the client.

    uvicorn waits for ever for the head of a request, for the rest of a body that nobody reads any more, and for an
    answer to be taken. Here a connection that is not in the application's hands for `stall_seconds` is cut.
    """

    class PatientProtocol(H11Protocol):
        _patience: asyncio.TimerHandle | None = None
        _answered = 0.0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # asyncio's, of its socket transports
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            late = self.loop.time() > self._answered + limits.upload_seconds
            if self._patience and self._answered and len(data) >= PROGRESS_BYTES and not late:
                self._watch()

        def handle_events(self) -> None:
            super().handle_events()
            if self._answering() and not self.flow.write_paused:
                self._trust()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._answered = self.loop.time()
            if not self._answering():  # nor the next request, sent along with this one
                self._watch()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch()

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._answering():
                self._trust()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._trust()

        def _answering(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _watch(self) -> None:
            self._trust()
            self._patience = self.loop.call_later(limits.stall_seconds, self.transport.abort)

        def _trust(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

    return PatientProtocol
