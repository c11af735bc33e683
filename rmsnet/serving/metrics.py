"""What Prometheus may read of a server."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
RATIOS = (0.25, 0.5, 0.75, 1, 1.5, 2, 5)
"""Of the drift to its limit; above 1 is drift."""


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter("rmsnet_requests", "Requests answered.", ["path", "status"], registry=self.registry)
        self.seconds = Histogram(
            "rmsnet_request_seconds", "From head to answer.", ["path"], buckets=SECONDS, registry=self.registry
        )
        self.halves = Counter("rmsnet_halves", "Halves spotted.", ["version"], registry=self.registry)
        self.frames = Counter("rmsnet_frames", "Frames of features spotted.", registry=self.registry)
        self.events = Counter("rmsnet_events", "Events found.", ["label"], registry=self.registry)
        self.drift = Histogram(
            "rmsnet_drift_ratio",
            "Distance of a half from the training profile as a ratio to the limit; above 1 is drift.",
            buckets=RATIOS,
            registry=self.registry,
        )
        self.reloads = Counter(
            "rmsnet_reloads", "Versions that the alias moved to, by outcome.", ["outcome"], registry=self.registry
        )
        self.shadowed = Counter(
            "rmsnet_shadow_halves", "Halves for the challenger, by outcome.", ["outcome"], registry=self.registry
        )
        self.shadow_events = Counter(
            "rmsnet_shadow_events", "Events by who found them.", ["label", "found_by"], registry=self.registry
        )
        self.model = Info("rmsnet_model", "What is served.", registry=self.registry)
        self.version = Gauge("rmsnet_model_version", "Version that is served.", registry=self.registry)
        self.wanted = Gauge("rmsnet_wanted_version", "Version that the alias points at.", registry=self.registry)
        self.trouble = Gauge(
            "rmsnet_follow_trouble", "1: what the alias means is not served, /health says why.", registry=self.registry
        )
        for outcome in ("loaded", "failed"):  # a rate needs the nought before the one
            self.reloads.labels(outcome)
        for outcome in ("compared", "skipped", "failed"):
            self.shadowed.labels(outcome)

    def watch(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def count_half(
        self, version: str, frames: int, events: Sequence[Mapping[str, Any]], drift: Mapping[str, Any] | None
    ) -> None:
        """A half that was answered."""
        self.halves.labels(version).inc()
        self.frames.inc(frames)
        for event in events:
            self.events.labels(event["label"]).inc()
        if drift is not None:
            self.drift.observe(drift["distance"] / drift["limit"])

    def text(self) -> bytes:
        """All of them in Prometheus' format."""
        return generate_latest(self.registry)
