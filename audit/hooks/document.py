"""Events as JSON documents: ``{"event": kind, ...}`` with the fields of the event class, named as there.

This is what leaves a witness: to the processes of hooks, by the shipped hooks, and on the stream of events.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from audit.hooks.events import CheckpointEvent, EntryEvent, Event, FindingEvent, GateEvent, IncidentEvent

KINDS: Final[dict[str, type[Event]]] = {
    "entry": EntryEvent,
    "checkpoint": CheckpointEvent,
    "gate": GateEvent,
    "finding": FindingEvent,
    "incident": IncidentEvent,
}
URGENT: Final = frozenset({"finding", "incident"})
"""What somebody must hear of."""

_NAMES: Final = {found: name for name, found in KINDS.items()}


def kind_of(event: Event) -> str:
    """The name of an event's class among `KINDS`."""
    return _NAMES[type(event)]


def document(event: Event) -> dict[str, Any]:
    """The event as JSON values."""
    return {"event": kind_of(event), **msgspec.to_builtins(event)}


def encode(event: Event) -> bytes:
    """The event as one line of JSON, without the line feed."""
    return msgspec.json.encode(document(event))


def decode(value: dict[str, Any]) -> Event:
    """The event of a document. Raises ValueError (msgspec.ValidationError) for what is none."""
    fields = dict(value)
    found = KINDS.get(fields.pop("event", ""))
    if found is None:
        raise ValueError("an event of no known kind")
    return msgspec.convert(fields, found)
