"""What anybody can check of a voter's receipt: that the log signed it, that the ballot is in, and who stands behind it.

Offline, by the policy alone. Source: docs/spec/receipts.md; protocol, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vemre.crypto import tracker
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of
from vemre.log.proof import Receipt
from vemre.records.dispute import BALLOT_BOX, RECEIPT

LEAF_BYTES = 32


@dataclass(frozen=True)
class ReceiptReport:
    """A receipt that is valid. `auditors` cosigned its checkpoint, `missing` are the policy's others."""

    leaf: bytes
    index: int
    opened: OpenedCheckpoint
    auditors: tuple[str, ...]
    missing: tuple[str, ...]
    quorum: int

    @property
    def tracker(self) -> str:
        """The short form of the leaf hash, for the voter to compare."""
        return tracker.shown(self.leaf)

    @property
    def reached(self) -> bool:
        """Whether a quorum of auditors stands behind it."""
        return len(self.auditors) >= self.quorum

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "verdict": "valid",
            "reason": None,
            "tracker": self.tracker,
            "leaf_hash": self.leaf.hex(),
            "log": self.opened.origin,
            "index": self.index,
            "size": self.opened.size,
            "root": self.opened.root.hex(),
            "quorum": "reached" if self.reached else "pending",
            "auditors": list(self.auditors),
            "missing": list(self.missing),
        }


def check_receipt(
    data: bytes, anchors: Anchors, *, leaf: bytes | None = None, shown: bytes | None = None
) -> ReceiptReport:
    """Check the file of a receipt.

    `leaf` is the leaf hash that the ballot's own bytes give; without it the file's `extra` says it. `shown` are the 20
    bytes of the tracker that the voter noted down. Raises CheckFailed(NOTE or LOG) where the receipt does not hold,
    Refused("receipt-other-tracker") where it is of another ballot, Refused("receipt-without-ballot").
    """
    try:
        receipt = Receipt.parse(data)
        found = leaf_of(receipt) if leaf is None else leaf
        opened = receipt.verify(
            found, anchors.logs["ballot"], [key for keys in anchors.witnesses.values() for key in keys]
        )
    except CheckFailed as failure:
        raise failure.located(where=RECEIPT, party=BALLOT_BOX) from None
    if shown is not None and found[: len(shown)] != shown:
        raise Refused("receipt-other-tracker", tracker=tracker.shown(found))
    auditors = auditors_of(opened, anchors.witnesses)
    missing = [auditor for auditor in anchors.witnesses if auditor not in auditors]
    return ReceiptReport(found, receipt.index, opened, tuple(sorted(auditors)), tuple(sorted(missing)), anchors.quorum)


def leaf_of(receipt: Receipt) -> bytes:
    """The leaf hash that the receipt itself names; nobody signed that. Raises Refused("receipt-without-ballot")."""
    if receipt.extra is None or len(receipt.extra) != LEAF_BYTES:
        raise Refused("receipt-without-ballot")
    return receipt.extra
