"""Traces, where the environment asks for them."""

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rmsnet.errors import UserError
from rmsnet.serving.following import ModelInService
from rmsnet.serving.limits import Limits
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.server import make_server
from rmsnet.serving.traces import ASKED_BY, TracesTo, no_traces, traces_of_environment
from tests.serving.conftest import HALF, ask, npy, running

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch):
    for name in ASKED_BY:
        monkeypatch.delenv(name, raising=False)


def test_a_request_is_a_span_in_the_trace_of_its_client(loaded_model):
    spans, metrics = InMemorySpanExporter(), Metrics()
    traces = TracesTo(spans)
    service = ModelInService(loaded_model.description["uri"], loaded_model, metrics)
    with running(make_server(service, metrics, Limits(), traces=traces)) as (url, _):
        ask(f"{url}/spot", npy(HALF), traceparent=f"00-{TRACE}-b7ad6b7169203331-01", X_Request_ID="mine")
    traces.flush()
    (span,) = spans.get_finished_spans()
    assert span.name == "POST /spot"
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes["rmsnet.request_id"] == "mine"
    assert span.attributes["rmsnet.frames"] == len(HALF)


def test_without_the_variables_there_are_no_traces(monkeypatch):
    assert traces_of_environment() is no_traces
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert traces_of_environment() is no_traces


def test_an_exporter_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "carrier-pigeon")
    with pytest.raises(UserError, match="there are otlp, console and none"):
        traces_of_environment()
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(UserError, match="pip install opentelemetry-exporter-otlp-proto-http"):
        traces_of_environment()
