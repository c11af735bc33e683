"""What clients that stall, trickle, vanish or come in crowds cost a server, and how long everybody else waits.

    python benchmarks/hostile_clients.py

Halves of 45 minutes, 512 features, random weights. Memory is the server's resident set: before, and its peak.
"""

import contextlib
import json
import multiprocessing
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.serving import half_as_npy, served

MIB = 2**20
ANNOUNCED = 64 * MIB
SENT = 60 * MIB
STALLED = 30
CROWD = 50
HALVES_EACH = 3


def main() -> None:
    body = half_as_npy()
    print("| clients | MiB before | at most | health p50 | at most | good clients | wait at most | closed after |")
    print("|---|---|---|---|---|---|---|---|")
    with served() as (url, process):
        ask(url, body)
        report(process, url, f"{CROWD}, {HALVES_EACH} halves each", lambda: crowd(url, body, CROWD, HALVES_EACH))
    with served() as (url, process):
        ask(url, body)
        report(process, url, f"{STALLED} that stall at {SENT // MIB} MiB, one good", lambda: stalled(url, body))
    with served() as (url, process):
        ask(url, body)
        report(process, url, "10 trickle, 10 stall, 180 good", lambda: mixed(url, body))
    with served() as (url, process), open_uploads(url, 1, 1000):
        started = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(120)
        print(f"\nSIGTERM with an unfinished body: ends after {time.perf_counter() - started:.1f} s")


def report(
    process: "subprocess.Popen[bytes]", url: str, name: str, load: Callable[[], tuple[list[float], str]]
) -> None:
    """Print a row: the load, the server's memory under it, and what /health took all the while."""
    before = memory(process, "VmRSS")
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak begins anew
    # A process of its own: what its clients do to this one must not count.
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        ended = Path(tempfile.mkdtemp()) / "ended"
        probing = pool.apply_async(probe, (url, ended))
        waits, closed = load()
        ended.touch()
        healths = sorted(probing.get())
    good = f"{sum(wait < 1e9 for wait in waits)} of {len(waits)} answered"
    slowest = max((wait for wait in waits if wait < 1e9), default=float("nan"))
    print(
        f"| {name} | {before} | {memory(process, 'VmHWM')} | {1000 * healths[len(healths) // 2]:.0f} ms | "
        f"{1000 * healths[-1]:.0f} ms | {good} | {slowest:.1f} s | {closed} |",
        flush=True,
    )


def probe(url: str, ended: Path) -> list[float]:
    """What /health takes, again and again, in seconds."""
    healths = []
    while not ended.exists():
        started = time.perf_counter()
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health", timeout=60) as answer:
            answer.read()
        healths.append(time.perf_counter() - started)
        time.sleep(0.1)
    return healths


def memory(process: "subprocess.Popen[bytes]", key: str) -> int:
    """MiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) // 1024


def ask(url: str, body: bytes) -> float:
    """Seconds until the answer, of a client that comes back when it is told to; infinite: refused."""
    started = time.perf_counter()
    while True:
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{url}/spot", body), timeout=300) as answer:
                json.load(answer)
            return time.perf_counter() - started
        except urllib.error.HTTPError as error:
            if error.code != 503:
                print(error.read())
                return float("inf")
            time.sleep(float(error.headers["Retry-After"]))
        except OSError as error:
            print(error)
            return float("inf")


def crowd(url: str, body: bytes, clients: int, each: int) -> tuple[list[float], str]:
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda _: ask(url, body), range(clients * each))), ""


def stalled(url: str, body: bytes) -> tuple[list[float], str]:
    with open_uploads(url, STALLED, SENT) as calls:
        started = time.perf_counter()
        wait = ask(url, body)
        return [wait], until_closed(calls, started)


def mixed(url: str, body: bytes) -> tuple[list[float], str]:
    with open_uploads(url, 10, SENT) as stalled_calls, open_uploads(url, 10, 1) as trickling:
        started = time.perf_counter()
        ended = threading.Event()

        def trickle() -> None:
            while not ended.wait(1):
                for call in trickling:
                    with contextlib.suppress(OSError):
                        call.send(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        waits, _ = crowd(url, body, 180, 1)
        closed = until_closed([*stalled_calls, *trickling], started)
        ended.set()
        thread.join()
        return waits, closed


@contextmanager
def open_uploads(url: str, count: int, sent: int) -> Iterator[list[socket.socket]]:
    """Uploads that announce a body and stop within it; a server that takes no more for seconds is left at that."""
    host, port = url.removeprefix("http://").split(":")
    head = f"POST /spot HTTP/1.1\r\nHost: {host}\r\nContent-Length: {ANNOUNCED}\r\n\r\n".encode()
    piece = bytes(MIB)

    def begin(_: int) -> socket.socket:
        call = socket.create_connection((host, int(port)))
        with contextlib.suppress(OSError):
            call.settimeout(5)
            call.sendall(head)
            for start in range(0, sent, MIB):
                call.sendall(piece[: min(MIB, sent - start)])
        return call

    with ThreadPoolExecutor(count) as pool:
        calls = list(pool.map(begin, range(count)))
    try:
        yield calls
    finally:
        for call in calls:
            call.close()


def until_closed(calls: list[socket.socket], started: float, patience: float = 120) -> str:
    """When the server had closed all of them."""
    for call in calls:
        while time.perf_counter() - started < patience:
            try:
                call.settimeout(0.5)
                if not call.recv(65536):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            return f"not in {patience:.0f} s"
    return f"{time.perf_counter() - started:.0f} s"


if __name__ == "__main__":
    main()
