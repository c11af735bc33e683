"""Every request is counted, timed and logged, whatever becomes of it."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import Headers, MutableHeaders

from rmsnet.serving.logs import request_identity, say
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.traces import Traces, no_traces

REQUEST_ID = "X-Request-ID"

PROBES = ("/health", "/ping", "/ready", "/metrics")
"""Asked every few seconds: logged when they fail."""


class Watched:
    """An ASGI application whose requests are watched. Its handlers may add to the log: request.state.told."""

    def __init__(self, app: Any, metrics: Metrics, traces: Traces = no_traces) -> None:
        self.app = app
        self.metrics = metrics
        self.traces = traces

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        identity = request_identity(Headers(scope=scope).get(REQUEST_ID, ""))
        told: dict[str, Any] = {}
        scope.setdefault("state", {}).update(told=told, request_id=identity)
        begun, ended, status = time.perf_counter(), 0.0, 500

        async def answering(message: Any) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = identity
            await send(message)
            if not message.get("more_body", False):
                ended = time.perf_counter()  # what is done afterwards is not the client's

        try:
            with self.traces(scope["method"], Headers(scope=scope)) as span:
                await self.app(scope, receive, answering)
                _describe(span, scope, status, identity, told)
        finally:
            seconds = (ended or time.perf_counter()) - begun
            path = getattr(scope.get("route"), "path", "other")  # no metric for what clients invent
            self.metrics.requests.labels(path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(seconds)
            if path not in PROBES or status >= 400:
                say(
                    "request",
                    logging.ERROR if status == 500 else logging.INFO,
                    request=identity,
                    client=scope["client"][0] if scope.get("client") else None,
                    method=scope["method"],
                    path=scope["path"][:200],
                    status=status,
                    milliseconds=round(1000 * seconds),
                    **told,
                )


def _describe(span: Any, scope: Any, status: int, identity: str, told: Mapping[str, Any]) -> None:
    """What a trace says of a request; what is not a number or a text stays in the log."""
    if span is None:
        return
    path = getattr(scope.get("route"), "path", "other")
    span.update_name(f"{scope['method']} {path}")
    span.set_attributes(
        {
            "http.request.method": scope["method"],
            "http.route": path,
            "http.response.status_code": status,
            "rmsnet.request_id": identity,
            **{f"rmsnet.{key}": value for key, value in told.items() if isinstance(value, str | int | float)},
        }
    )
