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
from vemre.log.checkpoint import auditors_of, open_checkpoint
from vemre.log.merkle import leaf_hash
from vemre.log.proof import Receipt
from vemre.log.reader import LogReader
from vemre.records import dispute as disputes
from vemre.records.dispute import BALLOT_BOX, Dispute
from vemre.service.sources import LogSource

_CHECKPOINT: Final = "ballot/checkpoint"


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


class Contradicted(CheckFailed):
    """The log's own signatures contradict each other; `dispute` proves it to anyone."""

    dispute: Dispute

    @classmethod
    def by(cls, dispute: Dispute) -> Contradicted:
        """The failure that a dispute proves."""
        detail = "the log does not continue the one that it gave the receipt for"
        found = cls(Check.CHECKPOINT, detail, where=_CHECKPOINT, party=BALLOT_BOX)
        found.dispute = dispute
        return found


def check_log(checked: CheckedReceipt, anchors: Anchors, source: LogSource) -> int:
    """That the log, as it is served now, continues the one that the receipt was given for, and so has the ballot; gives
    its size. Raises as `check_record`, and CheckFailed(CHECKPOINT) for a log that went back: one that is served does
    not."""
    try:
        return check_record(checked, anchors, source)
    except Refused as older:
        detail = f"the log went back from {checked.size} to {older.params['later']} entries"
        raise CheckFailed(Check.CHECKPOINT, detail, where=_CHECKPOINT, party=BALLOT_BOX) from None


def check_record(checked: CheckedReceipt, anchors: Anchors, source: LogSource) -> int:
    """As `check_log` for a copy of the log, which may be an old one.

    Raises Contradicted, which anyone can be shown; CheckFailed(NOTE or LOG) for a log that is not whole;
    Refused("dispute-older") for a copy of less than the receipt covers.
    """
    try:
        note = source.checkpoint()
    except FileNotFoundError:
        raise CheckFailed(Check.NOTE, "no checkpoint is served", where=_CHECKPOINT, party=BALLOT_BOX) from None
    _check_continued(checked, note, anchors, source)
    return open_checkpoint(note, anchors.logs["ballot"]).size


def upgraded(checked: CheckedReceipt, later: bytes, anchors: Anchors, source: LogSource) -> CheckedReceipt:
    """The other receipt of the same ballot where it has more auditors behind it, else the one at hand.

    `source` serves the log. Raises CheckFailed(NOTE or LOG) for a receipt that is none of this ballot, Contradicted
    where the two checkpoints contradict each other, Refused("receipt-moved") where the ballot stands in two places.
    """
    found = check_receipt(_parse(later), checked.leaf, anchors)
    older, newer = sorted((checked, found), key=lambda receipt: receipt.size)
    _check_continued(older, newer.receipt.checkpoint, anchors, source)
    if found.receipt.index != checked.receipt.index:
        raise Refused("receipt-moved", index=checked.receipt.index, found=found.receipt.index)
    return found if len(found.auditors) > len(checked.auditors) else checked


def receipt_of_record(checked: CheckedReceipt, anchors: Anchors, source: LogSource) -> bytes:
    """The receipt of the same place that a copy of the log gives, with the cosignatures of its checkpoint.

    For a copy that `check_record` has passed. Raises CheckFailed(LOG).
    """
    note = source.checkpoint()
    opened = open_checkpoint(note, anchors.logs["ballot"])
    reader = LogReader(source.tile, opened.checkpoint, name="ballot", party=BALLOT_BOX, allow_full=True)
    index = checked.receipt.index
    return Receipt(index, tuple(reader.inclusion_proof(index)), note).encode()


def _check_continued(checked: CheckedReceipt, later: bytes, anchors: Anchors, source: LogSource) -> None:
    """Only the log's own signature counts: no spoilt line of anybody else's can hide a contradiction."""
    try:
        dispute = disputes.find(checked.file(), checked.leaf, later, anchors.logs["ballot"], source.tile)
    except CheckFailed as failure:
        where = _CHECKPOINT if failure.where == disputes.LATER else failure.where
        raise CheckFailed(failure.check, failure.detail, where=where, party=BALLOT_BOX) from None
    if dispute is not None:
        raise Contradicted.by(dispute)


def _parse(data: bytes) -> Receipt:
    try:
        return Receipt.parse(data)
    except CheckFailed as failure:
        raise failure.located(where="receipt", party=BALLOT_BOX) from None
