"""The page of a match that is played: a small server for this machine alone.

GET  /            the page, which fills by itself
GET  /events      the journal as server-sent events, from its start or behind Last-Event-ID
GET  /status      where the match is
GET  /clips/NAME  a clip
POST /period      {"do": "kick-off" | "end" | "finish", "seconds_ago": 5}
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.live.clips import CLIPS
from rmsnet.live.clock import TICKS
from rmsnet.live.journal import Journal
from rmsnet.live.recorder import MEMORY_TICKS

FOLLOWERS = 20
"""Pages that are open at once."""

REQUEST_BYTES = 1000

PATIENCE_SECONDS = 30.0
"""A client that takes nothing for so long is left."""

ACTIONS = ("kick-off", "end", "finish")

Act = Callable[[str, float], str]
"""Does one of ACTIONS so many seconds ago, and says what came of it."""


def start_server(
    port: int, page: str, folder: Path, journal: Journal, status: Callable[[], Mapping[str, Any]], act: Act
) -> str:
    """Serve the page until this process ends; its address.

    Args:
        port: 0: a free one.
        page: HTML.
        folder: of the match.
        journal: what is told.
        status: where the match is.
        act: what may be asked for.

    Raises:
        UserError: the port is taken.
    """
    followers = threading.BoundedSemaphore(FOLLOWERS)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = PATIENCE_SECONDS

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            clip = re.fullmatch(rf"/{CLIPS}/([\w-]+\.mp4)", path)
            if not self._asked_here():
                self._answer(403, "text/plain", b"this server is for its own machine\n")
            elif path == "/":
                self._answer(200, "text/html; charset=utf-8", page.encode())
            elif path == "/status":
                self._answer(200, "application/json", json.dumps(status()).encode())
            elif path == "/events":
                self._follow()
            elif clip and (folder / CLIPS / clip[1]).is_file():
                self._answer(200, "video/mp4", (folder / CLIPS / clip[1]).read_bytes())
            else:
                self._answer(404, "text/plain", b"not found\n")

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not self._asked_here() or self.headers.get_content_type() != "application/json":
                # A page of somebody else cannot send this type without asking first.
                self._answer(403, "text/plain", b"send JSON, from this machine\n", close=True)
                return
            if self.path != "/period" or not length.isdecimal() or int(length) > REQUEST_BYTES:
                self._answer(404, "text/plain", b'POST /period {"do": "kick-off"}\n', close=True)
                return
            try:
                asked = read_document(self.rfile.read(int(length)), dict[str, Any], "/period")
                done = act(*_action(asked))
                self._answer(200, "application/json", json.dumps({"done": done}).encode())
            except UserError as error:
                self._answer(400, "application/json", json.dumps({"error": str(error)}).encode())

        def _asked_here(self) -> bool:
            """Whether the address that was asked for is this machine's: no name of somebody else that leads here."""
            host = self.headers.get("Host", "").rpartition(":")[0]
            return host in ("127.0.0.1", "localhost")

        def _answer(self, status: int, kind: str, body: bytes, close: bool = False) -> None:
            self.send_response(HTTPStatus(status))
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if close:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def _follow(self) -> None:
            if not followers.acquire(blocking=False):
                self._answer(503, "text/plain", b"too many pages are open\n")
                return
            try:
                last = self.headers.get("Last-Event-ID", "0")
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Cache-Control", "no-store")
                self.send_header("Connection", "close")
                self.end_headers()
                for line in journal.follow(int(last) if last.isdecimal() else 0):
                    text = ": nothing new\n\n"
                    if line is not None:
                        text = f"id: {line['line']}\ndata: {json.dumps(line, ensure_ascii=False)}\n\n"
                    self.wfile.write(text.encode())
                    self.wfile.flush()
            except OSError:  # the page was closed
                self.close_connection = True
            finally:
                followers.release()

        def log_message(self, *_: object) -> None:
            pass

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except (OSError, OverflowError) as error:
        raise UserError(f"--port {port}: cannot be listened to ({getattr(error, 'strerror', error)})") from None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="page", daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def _action(asked: Mapping[str, Any]) -> tuple[str, float]:
    do, ago = asked.get("do"), asked.get("seconds_ago", 0)
    if do not in ACTIONS:
        raise UserError(f"/period: do: {do!r} is none of {', '.join(ACTIONS)}")
    if isinstance(ago, bool) or not isinstance(ago, int | float) or not 0 <= ago <= MEMORY_TICKS / TICKS:
        raise UserError(f"/period: seconds_ago: must lie between 0 and {MEMORY_TICKS // TICKS}")
    return str(do), float(ago)
