"""Checkpoints that stand inside records [NOTE] [CHECKPOINT]. Source: protocol, section 12 and appendix E, item 4."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from vemre.checks import Check
from vemre.election.rules.view import LogView, View
from vemre.errors import CheckFailed
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of, open_checkpoint
from vemre.records.record import Record
from vemre.types import LOG_NAMES, LogName

FIELDS: dict[str, tuple[tuple[str, LogName], ...]] = {
    "setup": (("registry", "registry"),),
    "open": (("tally", "tally"),),
    "marks": (("ballot", "ballot"),),
    "tally-input": (("ballot", "ballot"), ("registry", "registry")),
    "shuffle": (("gate", "tally"),),
    "decryption": (("gate", "tally"),),
    "result": (("gate", "tally"),),
    "opinion": (("registry", "registry"), ("ballot", "ballot"), ("tally", "tally")),
    "certification": (("gate", "tally"),),
}
"""For each record type, the fields that hold a checkpoint and the log that it is of."""


@dataclass(frozen=True)
class Citation:
    """One checkpoint inside one record."""

    log: LogView
    index: int
    record: Record
    field: str
    cited: LogName
    checkpoint: OpenedCheckpoint

    @property
    def where(self) -> str:
        return self.log.where(self.index)


def opened(view: View, record: Record, field: str, cited: LogName) -> OpenedCheckpoint:
    """The checkpoint in one field of a record. Raises CheckFailed(NOTE)."""
    text: str = getattr(record.body, field)
    anchors = view.anchors
    witnesses = [vkey for vkeys in anchors.witnesses.values() for vkey in vkeys]
    try:
        note = text.encode()
    except UnicodeEncodeError:  # pragma: no cover - canonical JSON has no lone surrogates
        raise CheckFailed(Check.NOTE, "not UTF-8") from None
    return view.memo.once(("note", cited, text), lambda: open_checkpoint(note, anchors.logs[cited], witnesses))


def auditors(view: View, checkpoint: OpenedCheckpoint) -> set[str]:
    """The distinct auditors that cosigned a checkpoint."""
    return auditors_of(checkpoint, view.anchors.witnesses)


def citations(view: View) -> Iterator[Citation]:
    """Every checkpoint inside a record that is not settled. Raises CheckFailed(NOTE), naming the record's signer."""
    for name in LOG_NAMES:
        log = view.logs[name]
        for index, record in view.new(log, *FIELDS):
            for field, cited in () if view.trusts(log, index) else FIELDS[record.type]:
                try:
                    checkpoint = opened(view, record, field, cited)
                except CheckFailed as failure:
                    raise failure.located(where=log.where(index), party=record.signer) from None
                yield Citation(log, index, record, field, cited, checkpoint)


def check_notes(view: View) -> bool:
    """[NOTE] for the notes inside records: well-formed, signed by the log, no wrong line of a known key."""
    for _ in citations(view):
        pass
    return any_cites(view)


def any_cites(view: View) -> bool:
    """Whether some record holds a checkpoint."""
    return any(log.has(*FIELDS) for log in view.logs.values())


def check_checkpoints(view: View) -> bool:
    """[CHECKPOINT]: each cited root is recomputed from the cited log, and no record cites its own future.

    The cited note bears the signature of its log, so a root that is not that of the log convicts the log's writer.
    """
    for citation in citations(view):
        cited = view.logs[citation.cited]
        size = citation.checkpoint.size
        if size > len(cited):
            problem = f"cites size {size} of the {cited.name} log, which has {len(cited)} entries"
        elif cited is citation.log and size > citation.index:
            problem = f"cites size {size} of its own log, which is after itself"
        elif cited.root(size) != citation.checkpoint.root:
            problem = f"the root that it cites for size {size} is not that of the {cited.name} log"
        else:
            continue
        raise CheckFailed(Check.CHECKPOINT, problem, where=citation.where, party=cited.writer)
    return any_cites(view)


def beyond(view: View) -> set[LogName]:
    """The logs of which some record cites a later state than the view holds: these are to be fetched first."""
    return {c.cited for c in citations(view) if c.checkpoint.size > len(view.logs[c.cited])}
