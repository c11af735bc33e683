"""Cameras and encoders of this machine: MPEG-TS over UDP, and a server that speaks RTSP."""

import itertools
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PACKET = 188
"""Bytes of a packet of MPEG-TS; seven of them fit in a datagram."""

PAUSE_SECONDS = 0.002
"""Between two datagrams: what comes faster than it is taken is lost, as on a network."""


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


class Encoder:
    """Sends segments to a UDP port, again and again, while it is on."""

    def __init__(self, port: int, segments: Sequence[Path]) -> None:
        self.address = f"udp://127.0.0.1:{port}"
        self._place, self._datagrams = ("127.0.0.1", port), datagrams(segments)
        self._on, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._on.set()

    def pause(self) -> None:
        self._on.clear()

    def resume(self) -> None:
        self._on.set()

    def __enter__(self) -> "Encoder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._on.set()
        self._thread.join()

    def _send(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for datagram in itertools.cycle(self._datagrams):
                self._on.wait()
                if self._ended.wait(PAUSE_SECONDS):
                    return
                out.sendto(datagram, self._place)


def datagrams(segments: Sequence[Path]) -> list[bytes]:
    content = b"".join(path.read_bytes() for path in segments)
    return [content[start : start + 7 * PACKET] for start in range(0, len(content), 7 * PACKET)]


@contextmanager
def rtsp_camera(segments: Sequence[Path]) -> Iterator[tuple[str, list[str]]]:
    """The address of a camera that shows segments as MPEG-TS in RTP within the connection; and what it was asked."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"rtsp://127.0.0.1:{listener.getsockname()[1]}/match"

    def answer(connection: socket.socket) -> None:
        sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=match\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:pictures\r\n"
        with suppress(ConnectionError), connection, connection.makefile("rb") as requests:
            while line := requests.readline().decode():
                method = line.split()[0]
                headers = dict(row.decode().strip().split(": ", 1) for row in iter(requests.readline, b"\r\n"))
                asked.append(method)
                told, body = {
                    "OPTIONS": ("Public: DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
                    "DESCRIBE": (f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n", sdp),
                    "SETUP": (f"Transport: {headers.get('Transport', '')}\r\n", ""),
                }.get(method, ("", ""))
                head = f"RTSP/1.0 200 OK\r\nCSeq: {headers['CSeq']}\r\nSession: 1\r\n"
                connection.sendall(f"{head}{told}\r\n{body}".encode())
                if method == "PLAY":
                    threading.Thread(target=show, args=(connection,), daemon=True).start()

    def show(connection: socket.socket) -> None:
        try:
            for number, payload in enumerate(datagrams(segments)):
                packet = struct.pack(">BBHII", 0x80, 33, number & 0xFFFF, 900 * number, 1) + payload
                connection.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                time.sleep(PAUSE_SECONDS)
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # who watched is gone

    def listen() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield address, asked
    finally:
        listener.close()
