"""Prometheus metrics of one application, in a registry of its own so that several can live in one process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Metrics:
    """Requests by route and status, and their duration. Services add their own to `registry`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "vemre_requests", "Answered requests.", ("method", "route", "status"), registry=self.registry
        )
        self.duration = Histogram(
            "vemre_request_seconds", "Time to answer.", ("method", "route"), registry=self.registry
        )
        self.dropped = Counter(
            "vemre_dropped_connections", "Connections given up, by what was waited for.", ("reason",),
            registry=self.registry,
        )  # fmt: skip
        self.log_size = Gauge("vemre_log_entries", "Entries of the log.", registry=self.registry)
        self.log_writer = Gauge(
            "vemre_log_writer", "1 where this instance writes the log, 0 where another one does.",
            registry=self.registry,
        )  # fmt: skip

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is the template of the path, never the path."""
        self.requests.labels(method, route, str(status)).inc()
        self.duration.labels(method, route).observe(seconds)

    def render(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)
