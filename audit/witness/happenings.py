"""Verified entries as events for listeners."""

from __future__ import annotations

from collections.abc import Iterator

from audit.hooks.events import EntryEvent, Event, GateEvent, IncidentEvent
from vemre.election.rules import cited
from vemre.election.rules.view import View
from vemre.records import vote_bodies as v
from vemre.records.record import Record
from vemre.types import LogName


def events_of(view: View, log: LogName, index: int, record: Record) -> Iterator[Event]:
    """What a verified entry tells: itself, the gate that it kept, the incident that it reports."""
    yield EntryEvent(log, index, record.type, record.signer, record.leaf_hash.hex())
    fields = cited.FIELDS.get(record.type, ())
    if fields:
        opened = [(name, cited.opened(view, record, field, name)) for field, name in fields]
        auditors = set.intersection(*(cited.auditors(view, checkpoint) for _, checkpoint in opened))
        sizes = tuple((name, checkpoint.size) for name, checkpoint in opened)
        yield GateEvent(log, index, record.type, sizes, tuple(sorted(auditors)))
    body = record.body
    if isinstance(body, v.Incident):
        yield IncidentEvent(log, index, record.signer, body.kind, body.text, body.time)
