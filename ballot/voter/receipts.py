"""What a client checks of the answer to its ballot, and what anyone checks of a receipt later.

The file of a receipt is a tlog-proof whose `extra` is the leaf hash of the ballot, so that the file alone is enough.
Source: protocol, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from vemre.checks import Check
from vemre.crypto import tracker
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.checkpoint import auditors_of
from vemre.log.merkle import leaf_hash
from vemre.log.proof import Receipt
from vemre.service.follower import Follower
from vemre.service.sources import LogSource

BALLOT_BOX: Final = "ballot-box"


@dataclass(frozen=True)
class CheckedReceipt:
    """A receipt that verifies: the leaf hash of the ballot, its place, and the auditors that cosigned."""

    receipt: Receipt
    leaf: bytes
    size: int
    auditors: frozenset[str]

    @property
    def tracker(self) -> str:
        """The short form of the leaf hash."""
        return tracker.shown(self.leaf)

    def file(self) -> bytes:
        """The file that the voter keeps."""
        return replace(self.receipt, extra=self.leaf).encode()


def check_answer(answer: object, entry: bytes, anchors: Anchors) -> CheckedReceipt:
    """The receipt in the ballot box's answer to `entry`.

    Whatever it says is compared with what follows from the ballot's own bytes: a box that shows two voters one ballot
    (a clash) is found here. Raises Refused("receipt-of-another-ballot"), CheckFailed(NOTE or LOG): alarms.
    """
    leaf = leaf_hash(entry)
    match answer:
        case {"index": int(index), "leaf_hash": str(said), "tracker": str(shown), "receipt": str(text)}:
            pass
        case _:
            raise CheckFailed(Check.NOTE, "the answer to the ballot is no receipt", party=BALLOT_BOX)
    if said != leaf.hex() or shown != tracker.shown(leaf):
        raise Refused("receipt-of-another-ballot", tracker=tracker.shown(leaf))
    checked = check_receipt(_parse(text.encode()), leaf, anchors)
    if checked.receipt.index != index:
        raise Refused("receipt-of-another-ballot", tracker=checked.tracker)
    return checked


def check_file(data: bytes, anchors: Anchors) -> CheckedReceipt:
    """The receipt in a file, offline. Raises CheckFailed(NOTE or LOG), Refused("receipt-without-ballot")."""
    receipt = _parse(data)
    if receipt.extra is None or len(receipt.extra) != 32:
        raise Refused("receipt-without-ballot")
    return check_receipt(receipt, receipt.extra, anchors)


def check_receipt(receipt: Receipt, leaf: bytes, anchors: Anchors) -> CheckedReceipt:
    """That the ballot with this leaf hash is in the log, as the log's key and the known witnesses signed it."""
    witnesses = [key for keys in anchors.witnesses.values() for key in keys]
    try:
        opened = receipt.verify(leaf, anchors.logs["ballot"], witnesses)
    except CheckFailed as failure:
        raise failure.located(where="receipt", party=BALLOT_BOX) from None
    return CheckedReceipt(receipt, leaf, opened.size, frozenset(auditors_of(opened, anchors.witnesses)))


def check_log(checked: CheckedReceipt, anchors: Anchors, source: LogSource) -> int:
    """That the log, as it is served now, continues the one that the receipt was given for, and so has the ballot; gives
    its size. Raises CheckFailed(CHECKPOINT or LOG), which the receipt proves to anyone."""
    seen = checked.receipt.checkpoint
    follower = Follower("ballot", anchors.logs["ballot"], source, auditors=anchors.witnesses, seen=seen)
    return follower.refresh().size


def upgraded(checked: CheckedReceipt, later: bytes, anchors: Anchors) -> CheckedReceipt:
    """The later receipt of the same ballot where it has more auditors behind it, else the one at hand."""
    found = check_receipt(_parse(later), checked.leaf, anchors)
    better = found.receipt.index == checked.receipt.index and len(found.auditors) > len(checked.auditors)
    return found if better else checked


def _parse(data: bytes) -> Receipt:
    try:
        return Receipt.parse(data)
    except CheckFailed as failure:
        raise failure.located(where="receipt", party=BALLOT_BOX) from None
