"""The vectors of docs/spec/receipts.md: a receipt, and one proven dispute of each kind."""

import json
from pathlib import Path

import pytest

from vemre.crypto import canonical, tracker
from vemre.errors import Refused
from vemre.log.note import Vkey
from vemre.log.proof import Receipt
from vemre.records.dispute import Dispute, TwoRoots

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "receipts.json").read_text(encoding="utf-8"))
LOG = Vkey.parse(VECTORS["log"])


def test_receipt() -> None:
    receipt = Receipt.parse(VECTORS["receipt"].encode())
    assert receipt.extra == bytes.fromhex(VECTORS["leaf_hash"])
    assert (receipt.index, receipt.verify(receipt.extra, LOG).size) == (2, 4)
    assert tracker.shown(receipt.extra) == VECTORS["tracker"]


@pytest.mark.parametrize("kind", ["another-entry", "another-beginning", "two-roots"])
def test_dispute_is_proven(kind: str) -> None:
    dispute = Dispute.parse(canonical.encode(VECTORS["proven"][kind]))
    fault = dispute.verify(LOG)
    assert (fault.kind, fault.index, fault.given.size) == (kind, 2, 4)


def test_consistent_checkpoint_proves_nothing() -> None:
    """Not even the same checkpoint against itself."""
    note = VECTORS["receipt"].split("\n\n", 1)[1]
    dispute = Dispute(TwoRoots(), "vemre-dispute", note, VECTORS["leaf_hash"], VECTORS["receipt"], 1)
    with pytest.raises(Refused, match="dispute-consistent"):
        dispute.verify(LOG)
