"""What anybody can check of an enrolment: that the registry's log commits to the change that a person was shown, and
how many changes of each kind there are.

Source: docs/spec/enrolment.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from audit.verify.folder import RecordSource
from audit.verify.verifier import open_log, parse_entries, read_entries
from vemre.checks import Check
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of
from vemre.log.proof import Receipt
from vemre.records.enrolment import KINDS, Opening
from vemre.records.setup_bodies import Enrolment

FILE = "opening"


@dataclass(frozen=True)
class EnrolmentReport:
    """An opening that is valid. `auditors` cosigned its checkpoint, `missing` are the policy's others."""

    change: dict[str, Any]
    index: int
    opened: OpenedCheckpoint
    auditors: tuple[str, ...]
    missing: tuple[str, ...]
    quorum: int

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "verdict": "valid",
            "reason": None,
            "change": self.change,
            "log": self.opened.origin,
            "index": self.index,
            "size": self.opened.size,
            "quorum": "reached" if len(self.auditors) >= self.quorum else "pending",
            "auditors": list(self.auditors),
            "missing": list(self.missing),
        }


def check_enrolment(data: bytes, anchors: Anchors) -> EnrolmentReport:
    """Check the file of an opening, off line.

    Raises CheckFailed: CANONICAL for a file that is none, RECORD-ROLE for an entry of another type or log, LOG where it
    does not commit to the change or is not in the log, NOTE for a receipt without the log's signature.
    """
    try:
        opening = Opening.parse(data)
        record = opening.record()
        log = anchors.logs["registry"]
        if record.log != log.name:
            raise CheckFailed(Check.RECORD_ROLE, "the record was made for another log")
        receipt = Receipt.parse(opening.receipt)
        witnesses = [key for keys in anchors.witnesses.values() for key in keys]
        opened = receipt.verify(record.leaf_hash, log, witnesses)
    except CheckFailed as failure:
        raise failure.located(where=FILE, party="registry") from None
    auditors = auditors_of(opened, anchors.witnesses)
    missing = sorted(set(anchors.witnesses) - auditors)
    return EnrolmentReport(
        opening.change, receipt.index, opened, tuple(sorted(auditors)), tuple(missing), anchors.quorum
    )


def totals(source: RecordSource, anchors: Anchors) -> dict[str, int]:
    """How many changes of each kind the registry log of a record commits to; unknown kinds come last.

    The log is authenticated: its checkpoint with a quorum, every tile and bundle, every entry a record. No other rule
    is checked. Raises CheckFailed, OSError.
    """
    opened = open_log(source, anchors, "registry")
    log = parse_entries("registry", read_entries(source, "registry", opened))
    found = Counter(body.kind for _, _, body in log.of(Enrolment))
    return {kind: found[kind] for kind in (*KINDS, *sorted(set(found) - set(KINDS)))}
