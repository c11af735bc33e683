"""What was said of a match, a JSON line each, on disk before anybody hears it: nothing is said twice.

    {"line": 7, "state": "provisional", "id": "1-3", "half": 1, "time": "12:31", "label": "card", "confidence": 0.71, …}

provisional: a clip has seen it. confirmed: nothing that comes can change it. withdrawn: it was none after all. clip: a
video of it is there. period, over: what the match does.
"""

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rmsnet.documents import read_document
from rmsnet.errors import UserError

JOURNAL = "events.jsonl"

SAME_MS = 5000
"""A provisional event may still move by so much."""

EXACT_MS = 20
"""One that is confirmed does not: so much is for the last bits of sums."""

Line = dict[str, Any]


class Journal:
    """The lines of a match."""

    def __init__(self, path: Path) -> None:
        """Go on with the lines that are there; half a line at the end is cut off."""
        self.path = path
        self.lines: list[Line] = []
        self.changed = threading.Condition()
        self._events: dict[str, Line] = {}
        whole = 0
        if path.exists():
            content = path.read_bytes()
            for raw in content.splitlines(keepends=True):
                try:
                    line = read_document(raw, Line)
                except UserError:
                    break
                if not raw.endswith(b"\n"):
                    break
                whole += len(raw)
                self._keep(line)
        self._file = path.open("ab")
        self._file.truncate(whole)

    def say(self, state: str, **what: Any) -> None:
        """Add a line."""
        with self.changed:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = {"line": len(self.lines) + 1, "state": state, "at": now, **what}
            self._file.write(json.dumps(line, ensure_ascii=False, allow_nan=False).encode() + b"\n")
            self._file.flush()
            self._keep(line)
            self.changed.notify_all()

    def follow(self, after: int = 0) -> Iterator[Line | None]:
        """The lines behind a number, as they come; None after 10 s without one."""
        while True:
            with self.changed:
                if len(self.lines) == after:
                    self.changed.wait(10)
                line = self.lines[after] if len(self.lines) > after else None
            after += line is not None
            yield line

    def events(self, half: int) -> list[Line]:
        """What is said of each event of a half now, the withdrawn ones left out."""
        return [line for line in self._events.values() if line["half"] == half and line["state"] != "withdrawn"]

    def update(self, half: int, found: Sequence[Line], settled: Sequence[bool]) -> None:
        """Say what has changed.

        Args:
            half: of the events.
            found: half, position_ms, label, confidence and more of every event that is found now.
            settled: which of them are certain.
        """
        known = self.events(half)
        firm = [line for line in known if line["state"] == "confirmed"]
        loose = [line for line in known if line["state"] == "provisional"]
        for event, sure in zip(found, settled, strict=True):
            if (same := _nearest(event, firm, EXACT_MS)) is not None:
                firm.remove(same)
                continue
            same = _nearest(event, loose, SAME_MS)
            if same is not None:
                loose.remove(same)
            identity = (
                same["id"] if same else f"{half}-{1 + sum(line['half'] == half for line in self._events.values())}"
            )
            if same is None or sure:
                self.say("confirmed" if sure else "provisional", id=identity, **event)
        for gone in (*loose, *firm):
            self.say("withdrawn", **{key: gone[key] for key in gone if key not in ("line", "state", "at")})

    def _keep(self, line: Line) -> None:
        self.lines.append(line)
        if line["state"] in ("provisional", "confirmed", "withdrawn"):
            self._events[line["id"]] = line


def _nearest(event: Line, lines: Sequence[Line], within_ms: int) -> Line | None:
    def distance(line: Line) -> int:
        return abs(int(line["position_ms"]) - int(event["position_ms"]))

    near = [line for line in lines if line["label"] == event["label"] and distance(line) <= within_ms]
    return min(near, key=distance, default=None)
