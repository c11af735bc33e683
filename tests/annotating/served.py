"""A server of `rmsnet annotate` in a thread, and what may be asked of it."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

from rmsnet.annotating.desk import Desk, Desks
from rmsnet.annotating.games import Asked, find_games
from rmsnet.annotating.server import make_server
from rmsnet.annotating.suggesting import open_suggester
from rmsnet.serving.listening import address_of, listen

TOKEN = "a-token-of-tests"


@dataclass
class Served:
    """A running server.

    Attributes:
        address: with the token, ends in "/".
        desks: its matches.
    """

    address: str
    desks: Desks
    keys: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def desk(self) -> Desk:
        return self.desks.desk(1)

    def ask(self, path: str, body: Any = None, method: str = "", **headers: str) -> tuple[int, Any]:
        """Status and JSON (else bytes) of an answer; the path lies below the first match unless it begins with "/"."""
        place = urlsplit(self.address)
        connection = HTTPConnection(str(place.hostname), place.port or 80, timeout=30)
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        below = path if path.startswith("/") else f"{place.path}match/1/{quote(path, safe='/?=&')}"
        connection.request(method or ("GET" if body is None else "POST"), below, content, headers)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer.status, json.loads(read) if "json" in answer.headers.get("content-type", "") else read

    def edit(self, *changes: dict[str, Any], what: str = "edit", **more: Any) -> tuple[int, Any]:
        self.keys += 1
        return self.ask("edit", {"key": f"k{self.keys}", "what": what, "changes": changes, **more})

    def add(self, id: str, label: str, position_ms: int, half: int = 1) -> tuple[int, Any]:
        return self.edit({"id": id, "before": None, "after": mark(label, position_ms, half)}, what="add")

    def turn(self, kind: str) -> tuple[int, Any]:
        self.keys += 1
        return self.ask(kind, {"key": f"k{self.keys}", "version": self.ask("state")[1]["version"]})


def mark(label: str, position_ms: int, half: int = 1, **extra: str) -> dict[str, Any]:
    known = {"half": half, "position_ms": position_ms, "label": label, "team": "", "visible": True}
    return {**known, "end_ms": None, "confidence": None, "head": "", "extra": extra}


@contextmanager
def served(
    sources: Sequence[Path], model: Path | None = None, annotator: str = "anna", **said: Any
) -> Iterator[Served]:
    """A server of these sources; `said` is what `Asked` takes."""
    suggester = None if model is None else open_suggester(str(model), "cpu")
    asked = Asked(**said, model_classes=() if suggester is None else suggester.spotter.classes)
    games = find_games(sources, "" if suggester is None else suggester.features)
    desks = Desks(games, asked, suggester)
    server = make_server(desks, TOKEN, annotator)
    (listener,) = listen("127.0.0.1", 0)
    thread = Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield Served(f"{address_of(listener)}/{TOKEN}/", desks)
    finally:
        server.should_exit = True
        thread.join()
        desks.close()
