"""The lines of the journal for another service, one POST each, in order; the journal is the queue, and lies on disk.

A service that is slow or answers with an error is asked again, for ever; nothing waits for it. A line may arrive twice
where the answer to it was lost: its Idempotency-Key says so.
"""

import json
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_json
from rmsnet.live.journal import Journal, Line

PATIENCE_SECONDS = 10.0
"""For an answer."""

LONGEST_PAUSE_SECONDS = 60.0

MOST = 10_000
"""Lines that wait; of more the oldest are left out."""


class Webhook:
    """Sends what is said to an address."""

    def __init__(self, url: str, journal: Journal, cursor: Path, tell: Callable[[str], None]) -> None:
        """Nothing is sent yet.

        Args:
            url: http or https.
            journal: what is sent.
            cursor: file that says how much of it has arrived.
            tell: told of trouble, and of its end.

        Raises:
            UserError: no such URL.
        """
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise UserError(f"--webhook {url}: no http:// or https:// address")
        self._url, self._journal, self._cursor, self._tell = url, journal, cursor, tell
        self.arrived = read_document(cursor, int) if cursor.exists() else 0
        self._trouble = ""
        self._match = content_hash(str(journal.path.resolve()))

    def start(self) -> None:
        threading.Thread(target=self._deliver, name="webhook", daemon=True).start()

    @property
    def waiting(self) -> int:
        return len(self._journal.lines) - self.arrived

    def wait(self, seconds: float) -> int:
        """Wait for what was said to arrive; how many lines have not."""
        end = time.monotonic() + seconds
        while self.waiting and time.monotonic() < end:
            time.sleep(0.05)
        return self.waiting

    def _deliver(self) -> None:
        pause = 1.0
        while True:
            with self._journal.changed:
                self._journal.changed.wait_for(lambda: self.waiting > 0)
                if self.waiting > MOST:
                    self._tell(f"--webhook {self._url}: {self.waiting - MOST} lines are left out; it takes too few")
                    self.arrived = len(self._journal.lines) - MOST
                line = self._journal.lines[self.arrived]
            try:
                self._send(line)
            except (OSError, HTTPException, ValueError) as error:
                trouble = str(error) or type(error).__name__
                if not self._trouble:
                    self._tell(f"--webhook {self._url}: {trouble}; it is tried again, and nothing waits for it")
                self._trouble = trouble
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                continue
            if self._trouble:
                self._tell(f"--webhook {self._url}: takes what it is sent again")
            self._trouble, pause = "", 1.0
            self.arrived = int(line["line"])
            write_json(self._cursor, self.arrived)

    def _send(self, line: Line) -> None:
        request = urllib.request.Request(  # http or https
            self._url,
            json.dumps(line, ensure_ascii=False).encode(),
            {"Content-Type": "application/json", "Idempotency-Key": f"{self._match}-{line['line']}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS):
            pass
