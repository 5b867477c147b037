"""The hook `prometheus`: what a witness sees, as numbers on its ``/metrics``. It has no settings of its own.

In a table ``[hooks.prometheus]`` the names are ``vemre_hook_prometheus_events_total`` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge

from audit.hooks.events import CheckpointEvent, EntryEvent, FindingEvent, GateEvent, IncidentEvent
from audit.hooks.interface import AuditHook, HookContext, HookError


class Prometheus(AuditHook):
    """See the module."""

    def __init__(self, settings: Mapping[str, Any], context: HookContext) -> None:
        super().__init__(settings, context)
        if settings:
            raise HookError(f"unknown settings: {', '.join(settings)}")
        into = context.metrics
        self._events = Counter("events", "Events by kind.", ("event",), registry=into)
        self._entries = Gauge("verified_entries", "Verified entries of a log.", ("log",), registry=into)
        self._size = Gauge("checkpoint_entries", "Entries below a log's last checkpoint.", ("origin", "cosigned"),
                           registry=into)  # fmt: skip
        self._time = Gauge("checkpoint_time_seconds", "POSIX time of it.", ("origin", "cosigned"), registry=into)
        self._gates = Counter("gates", "Acts that rest on cosigned checkpoints.", ("act",), registry=into)
        self._findings = Counter("findings", "Findings by check.", ("check", "provable"), registry=into)
        self._incidents = Counter("incidents", "Recorded incidents by log.", ("log",), registry=into)

    def on_entry(self, event: EntryEvent) -> None:
        """See `AuditHook`."""
        self._events.labels("entry").inc()
        self._entries.labels(event.log).set(event.index + 1)

    def on_checkpoint(self, event: CheckpointEvent) -> None:
        """See `AuditHook`."""
        self._events.labels("checkpoint").inc()
        cosigned = str(event.cosigned).lower()
        self._size.labels(event.origin, cosigned).set(event.size)
        self._time.labels(event.origin, cosigned).set(event.time)

    def on_gate(self, event: GateEvent) -> None:
        """See `AuditHook`."""
        self._events.labels("gate").inc()
        self._gates.labels(event.act).inc()

    def on_finding(self, event: FindingEvent) -> None:
        """See `AuditHook`."""
        self._events.labels("finding").inc()
        self._findings.labels(event.check, str(event.provable).lower()).inc()

    def on_incident(self, event: IncidentEvent) -> None:
        """See `AuditHook`."""
        self._events.labels("incident").inc()
        self._incidents.labels(event.log).inc()
