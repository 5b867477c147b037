"""What a witness tells whoever listens: one frozen value per happening, with public facts alone.

Nothing here is secret, and nothing here can be acted upon: a listener hears what was decided already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vemre.types import LogName


@dataclass(frozen=True)
class EntryEvent:
    """An entry of a followed log was verified, with everything before it. `leaf_hash` is hex."""

    log: LogName
    index: int
    type: str
    signer: str
    leaf_hash: str


@dataclass(frozen=True)
class CheckpointEvent:
    """A checkpoint was seen, or (with `cosigned`) cosigned by this witness. `root` is hex, `time` POSIX seconds, and
    `note` the signed checkpoint as it was seen."""

    origin: str
    size: int
    root: str
    time: int
    cosigned: bool
    note: str


@dataclass(frozen=True)
class GateEvent:
    """An act that needs cosigned checkpoints stands in a log: which act, and who cosigned what it cites.

    `cited` maps each cited log to the size of its checkpoint; `auditors` are the auditors that cosigned all of them.
    """

    log: LogName
    index: int
    act: str
    cited: tuple[tuple[LogName, int], ...]
    auditors: tuple[str, ...]


@dataclass(frozen=True)
class FindingEvent:
    """A rule does not hold, or a log contradicts itself.

    `provable` says that the evidence convicts by signatures alone; `evidence` is the name of the evidence file.
    `check`, `where` and `party` are as in reports (docs/spec/checks.md); `time` is POSIX seconds.
    """

    number: int
    check: str
    where: str | None
    party: str | None
    detail: str
    provable: bool
    evidence: str
    time: int


@dataclass(frozen=True)
class IncidentEvent:
    """An `incident` record stands in a log. `time` is as the record says it (RFC 3339)."""

    log: LogName
    index: int
    signer: str
    kind: str
    text: str
    time: str


Event = EntryEvent | CheckpointEvent | GateEvent | FindingEvent | IncidentEvent

Listener = Callable[[Event], None]
"""Called in the witness's own thread: it must return at once, and what it raises is its own affair."""


def nobody_listens(_event: Event) -> None:
    """A listener for whoever has none."""
