"""Who may ask: the browser that was given the address, and no page of another site.

The server listens on the loopback alone; its address holds a token that nobody can guess. A name in the Host header
that is not this machine's comes from a page that has had its own name point here (DNS rebinding).
"""

import hmac
import secrets
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})

POLICY = (
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    "frame-ancestors 'none'",
    "form-action 'none'",
    "base-uri 'none'",
)

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "; ".join(POLICY),
}
"""Of every answer: the address, which holds the token, goes nowhere."""


def new_token() -> str:
    return secrets.token_urlsafe(24)


class Guarded:
    """An ASGI application below /TOKEN/; everything else is answered 403."""

    def __init__(self, app: Any, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        token, slash, rest = scope["path"].removeprefix("/").partition("/")
        known = slash and hmac.compare_digest(token.encode(), self.token.encode())
        if not known or not _is_here(Headers(scope=scope)):
            refusal = {"error": "open the address that rmsnet annotate has printed, with all that is in it"}
            await JSONResponse(refusal, 403)(scope, receive, send)
            return

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
                ]
            await send(message)

        inside = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}
        await self.app(inside, receive, send_guarded)


def _is_here(headers: Headers) -> bool:
    """Whether the request was sent to a name of this machine, and by no page of another."""
    host = headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    origin = headers.get("origin")
    return name in HOSTS and origin in (None, f"http://{host}")
