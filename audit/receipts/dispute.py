"""Judges a dispute: whether a receipt and a later checkpoint convict the ballot box by its own two signatures.

Source: docs/spec/receipts.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from audit.receipts.receipt import leaf_of
from vemre.crypto import tracker
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.proof import Receipt
from vemre.log.reader import Fetch
from vemre.records import dispute as disputes
from vemre.records.dispute import BALLOT_BOX, EVIDENCE, LATER, RECEIPT, Dispute, Fault


class Verdict(StrEnum):
    """What became of an accusation."""

    PROVEN = "proven"
    NOT_PROVEN = "not proven"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class DisputeReport:
    """The verdict, and why: `reason` is a code of the catalogue with its parameters. `fault` where it is proven."""

    verdict: Verdict
    reason: str
    params: Mapping[str, str | int] = field(default_factory=dict)
    fault: Fault | None = None

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints. All that describes the fault is null where none is proven."""
        fault = self.fault
        names = ("party", "log", "kind", "index", "tracker", "leaf_hash", "given", "later", "found")
        found: dict[str, Any] = dict.fromkeys(names)
        if fault is not None:
            found = {
                "party": BALLOT_BOX,
                "log": fault.given.origin,
                "kind": fault.kind,
                "index": fault.index,
                "tracker": tracker.shown(bytes.fromhex(fault.dispute.leaf_hash)),
                "leaf_hash": fault.dispute.leaf_hash,
                "given": {"size": fault.given.size, "root": fault.given.root.hex()},
                "later": {"size": fault.later.size, "root": fault.later.root.hex()},
                "found": fault.found.hex(),
            }
        return {"verdict": self.verdict.value, "reason": self.reason, **found}


_NOT_PROVEN: Final = {
    RECEIPT: "dispute-receipt-invalid",
    LATER: "dispute-later-unsigned",
    EVIDENCE: "dispute-evidence-wrong",
}


def judge(data: bytes, anchors: Anchors) -> DisputeReport:
    """Judge the file of a dispute."""
    try:
        dispute = Dispute.parse(data)
        return _proven(dispute.verify(anchors.logs["ballot"]))
    except CheckFailed as failure:
        reason = _NOT_PROVEN.get(failure.where or "", "dispute-malformed")
        return DisputeReport(Verdict.NOT_PROVEN, reason, {"finding": failure.detail})
    except Refused as refused:
        verdict = Verdict.UNDECIDED if refused.code == "dispute-version" else Verdict.NOT_PROVEN
        return DisputeReport(verdict, refused.code, refused.params)


def compare(receipt: bytes, leaf: bytes | None, later: bytes, fetch: Fetch, anchors: Anchors) -> DisputeReport:
    """Hold a receipt against a later checkpoint, whose log's tiles `fetch` gives.

    `leaf` is the leaf hash of the ballot where the receipt does not name it. What `fetch` raises, but for
    FileNotFoundError and CheckFailed, goes through.
    """
    log = anchors.logs["ballot"]
    try:
        found = leaf_of(Receipt.parse(receipt)) if leaf is None else leaf
    except CheckFailed as failure:
        return DisputeReport(Verdict.NOT_PROVEN, _NOT_PROVEN[RECEIPT], {"finding": failure.detail})
    except Refused as refused:
        return DisputeReport(Verdict.UNDECIDED, refused.code)
    try:
        dispute = disputes.find(receipt, found, later, log, fetch)
    except CheckFailed as failure:
        if failure.where == RECEIPT:
            return DisputeReport(Verdict.NOT_PROVEN, _NOT_PROVEN[RECEIPT], {"finding": failure.detail})
        reason = "dispute-later-unusable" if failure.where == LATER else "dispute-tiles-unusable"
        return DisputeReport(Verdict.UNDECIDED, reason, {"finding": failure.detail})
    except Refused as refused:
        return DisputeReport(Verdict.UNDECIDED, refused.code, refused.params)
    if dispute is None:
        return DisputeReport(Verdict.NOT_PROVEN, "dispute-consistent")
    return _proven(dispute.verify(log))


def _proven(fault: Fault) -> DisputeReport:
    params = {"index": fault.index, "size": fault.given.size, "later": fault.later.size}
    return DisputeReport(Verdict.PROVEN, f"dispute-{fault.kind}", params, fault)
