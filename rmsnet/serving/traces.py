"""OpenTelemetry traces: a span a request, where the usual variables ask for it (OTEL_EXPORTER_OTLP_ENDPOINT, …)."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from rmsnet.errors import UserError

ASKED_BY = ("OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Traces(Protocol):
    """Opens a span around a request; gives None where nobody traces."""

    def __call__(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]: ...


def no_traces(name: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
    return nullcontext()


def traces_of_environment() -> Traces:
    """Traces as the environment asks for them.

    Raises:
        UserError: it names an exporter that is not installed.
    """
    asked = any(os.environ.get(name) for name in ASKED_BY)
    if not asked or os.environ.get("OTEL_SDK_DISABLED") == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return no_traces
    return TracesTo(_exporter(os.environ.get("OTEL_TRACES_EXPORTER", "otlp")))


class TracesTo:
    """Traces that an exporter gets, in the background."""

    def __init__(self, exporter: Any) -> None:
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        named = {} if os.environ.get("OTEL_SERVICE_NAME") else {SERVICE_NAME: "rmsnet"}
        self._provider = TracerProvider(resource=Resource.create(named))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rmsnet.serving")

    def __call__(self, name: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        return self._tracer.start_as_current_span(name, extract(headers), SpanKind.SERVER)

    def flush(self) -> None:
        """Export what has ended."""
        self._provider.force_flush()


def _exporter(name: str) -> Any:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if name != "otlp":
        raise UserError(f"OTEL_TRACES_EXPORTER={name}: there are otlp, console and none")
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ModuleNotFoundError:
        raise UserError(
            "OTEL_EXPORTER_OTLP_ENDPOINT: asks for traces; pip install opentelemetry-exporter-otlp-proto-http"
        ) from None
    return OTLPSpanExporter()
