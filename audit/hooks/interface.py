"""The plug-in interface of a witness: what a hook is, and what it is given.

A hook is a subclass of `AuditHook` that a distribution names in the entry point group ``vemre.audit_hooks``::

    [project.entry-points."vemre.audit_hooks"]
    pager = "my_package.pager:Pager"

It runs in a process of its own (docs/adr/0009), hears one event at a time, and can change nothing: a hook that fails,
hangs or ends its process costs the witness neither time nor a cosignature. docs/audit-hooks.md is the guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client import CollectorRegistry

from audit.hooks.events import CheckpointEvent, EntryEvent, Event, FindingEvent, GateEvent, IncidentEvent

GROUP: Final = "vemre.audit_hooks"
"""The entry point group in which hooks are found."""


class HookError(Exception):
    """A hook's settings do not serve, or an event could not be delivered. The operator reads the text, and so does
    whoever reads the log: it must not hold a secret. Of any other exception only the type is told."""


@dataclass(frozen=True)
class HookContext:
    """Where a hook runs. `name` is that of its table in the hooks file, `witness` that of the witness.

    What a hook registers in `metrics` shows on the witness's ``/metrics`` with ``vemre_hook_<name>_`` before its name.
    """

    name: str
    witness: str
    metrics: CollectorRegistry


class AuditHook:
    """A hook that hears nothing. Override what you want to hear; only that is sent to you.

    All methods are called in one thread of the hook's own process, one after the other. An event counts as delivered
    when the method returns. A method that takes longer than the hook's `timeout` ends with its process.
    """

    def __init__(self, settings: Mapping[str, Any], context: HookContext) -> None:
        """`settings` is the hook's own part of its table. Raise HookError where they do not serve: the witness then
        does not start."""
        del settings
        self.context = context

    def on_entry(self, event: EntryEvent) -> None:
        """An entry of a followed log was verified."""

    def on_checkpoint(self, event: CheckpointEvent) -> None:
        """A checkpoint was seen or cosigned."""

    def on_gate(self, event: GateEvent) -> None:
        """An act that rests on cosigned checkpoints stands in a log."""

    def on_finding(self, event: FindingEvent) -> None:
        """A rule does not hold."""

    def on_incident(self, event: IncidentEvent) -> None:
        """An incident was recorded."""

    def close(self) -> None:
        """The witness ends in good order: the last thing that is called."""


class EveryEvent(AuditHook):
    """A hook that does the same with events of all kinds: override `on_event`."""

    def on_event(self, event: Event) -> None:
        """Something happened."""
        raise NotImplementedError

    def on_entry(self, event: EntryEvent) -> None:
        """See `AuditHook`; so below."""
        self.on_event(event)

    def on_checkpoint(self, event: CheckpointEvent) -> None:
        self.on_event(event)

    def on_gate(self, event: GateEvent) -> None:
        self.on_event(event)

    def on_finding(self, event: FindingEvent) -> None:
        self.on_event(event)

    def on_incident(self, event: IncidentEvent) -> None:
        self.on_event(event)


def hears(hook: type[AuditHook]) -> list[str]:
    """The kinds of events (`audit.hooks.document.KINDS`) whose method a hook overrides."""
    return [
        name.removeprefix("on_")
        for name in vars(AuditHook)
        if name.startswith("on_") and getattr(hook, name) is not getattr(AuditHook, name)
    ]
