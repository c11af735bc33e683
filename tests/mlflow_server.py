"""A real MLflow server as a process, and a line to it that can be cut."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Its jobs (judging traces, none of ours) are eight further processes, each with an MLflow of its own.
WITHOUT_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def mlflow_server(folder: Path, *options: str, **environment: str) -> Iterator[str]:
    """`mlflow server` in a folder, on its SQLite file unless the options say otherwise; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", *options]
    if "--backend-store-uri" not in options:
        command += ["--backend-store-uri", "sqlite:///server.db"]
    log = (folder / "server.log").open("w")
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, **WITHOUT_JOBS, **environment, "MLFLOW_TRACKING_URI": ""},
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, folder / "server.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        log.close()


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path, seconds: float = 600) -> None:
    """Until a server answers."""
    for _ in range(int(seconds / 0.2)):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise AssertionError(f"no server at {url}: {log.read_text()[-2000:]}")


class Line:
    """A TCP line to a server; `cut` is what a dead server or network looks like to a client."""

    def __init__(self, address: str) -> None:
        self.target = int(address.rpartition(":")[2])
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._open = threading.Event()
        self._calls: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._open.set()
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        self._open.clear()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for call in self._calls:
            with contextlib.suppress(OSError):
                call.shutdown(socket.SHUT_RDWR)
            call.close()
        self._calls.clear()

    def _serve(self, listener: socket.socket) -> None:
        while self._open.is_set():
            try:
                call, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            self._calls += [call, server]
            threading.Thread(target=_forward, args=(call, server), daemon=True).start()


def _forward(one: socket.socket, two: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError), one, two:
        while True:
            for ready in select.select([one, two], [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (two if ready is one else one).sendall(data)


Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


@contextmanager
def proxy(target: str, verdict: Callable[[str, str, int], Answer | None]) -> Iterator[str]:
    """A proxy before a server, as a company has one; yields its address.

    Args:
        target: the server's address; "" where nothing stands behind it.
        verdict: what it answers itself, by method, path and length of the body; None hands the call on.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            own = verdict(self.command, self.path, len(body))
            if own is None:
                request = urllib.request.Request(f"{target}{self.path}", body or None, method=self.command)
                for name in ("Content-Type", "Authorization"):
                    if name in self.headers:
                        request.add_header(name, self.headers[name])
                try:
                    with urllib.request.urlopen(request, timeout=60) as found:
                        own = found.status, {"Content-Type": found.headers.get_content_type()}, found.read()
                except urllib.error.HTTPError as error:
                    own = error.code, {"Content-Type": error.headers.get_content_type()}, error.read()
            status, headers, content = own
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def trickling_server() -> Iterator[str]:
    """A server that answers every call with a byte now and then, and never ends."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip(call: socket.socket) -> None:
        with contextlib.suppress(OSError), call:
            call.recv(65536)
            call.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{")
            while not over.wait(0.05):
                call.sendall(b" ")

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.close()
