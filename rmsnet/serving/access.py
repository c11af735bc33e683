"""Who may ask: those who have a key of the file."""

import hmac
import ipaddress
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from rmsnet.errors import UserError
from rmsnet.serving.watching import PROBES

SHORTEST = 16
"""Characters of a key; shorter ones can be guessed."""


class Keys:
    """The keys in a file, one a line. A change of the file counts at once: keys are exchanged one after the other."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            UserError: it cannot be read, or holds no key, or one that is short or no ASCII.
        """
        self._path = path
        self._changed = -1
        self._keys: list[bytes] = []
        self._read()

    def accept(self, authorization: str) -> bool:
        """Whether a header says "Bearer KEY" with a key of the file."""
        with suppress(UserError):  # gone or half written: those of before count
            self._read()
        scheme, _, key = authorization.partition(" ")
        given = key.strip().encode()
        # All are compared, each in constant time: nothing is to be learned from how long it takes.
        return sum(hmac.compare_digest(given, known) for known in self._keys) > 0 and scheme.lower() == "bearer"

    def _read(self) -> None:
        try:
            changed = self._path.stat().st_mtime_ns
            if changed == self._changed:
                return
            lines = self._path.read_text(encoding="ascii").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"--api-key-file {self._path}: cannot be read ({error})") from None
        keys = [line.strip() for line in lines if line.strip()]
        if not keys or min(map(len, keys)) < SHORTEST:
            raise UserError(
                f"--api-key-file {self._path}: holds no key, or one of fewer than {SHORTEST} characters; "
                "make one: openssl rand -hex 32"
            )
        self._keys, self._changed = [key.encode() for key in keys], changed


class Guarded:
    """An ASGI application that answers those who have a key; what probes ask is open."""

    def __init__(self, app: Any, keys: Keys) -> None:
        self.app = app
        self.keys = keys

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] in PROBES or self._knows(scope):
            await self.app(scope, receive, send)
        else:
            refusal = {"error": "say who you are: Authorization: Bearer KEY, with a key of this server"}
            await JSONResponse(refusal, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)

    def _knows(self, scope: Any) -> bool:
        return self.keys.accept(Headers(scope=scope).get("authorization", ""))


def is_loopback(address: str) -> bool:
    """Whether an IP address is reached from this machine alone."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
