"""Disputes: a receipt and a later checkpoint of the same log that contradict each other, as one file.

The log signed both, so one of its two signatures is a lie, and the file shows it to anyone who has the log's key:
offline, with hashes alone. Cosignatures prove nothing here and are not looked at. Source: docs/spec/receipts.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.errors import CheckFailed, Refused
from vemre.log import merkle
from vemre.log.checkpoint import OpenedCheckpoint, open_checkpoint
from vemre.log.note import Vkey
from vemre.log.proof import Receipt
from vemre.log.reader import Fetch, LogReader
from vemre.records.fields import Body, Hex32
from vemre.records.record import parse_value

FORMAT: Final = "vemre-dispute"
MAX_DISPUTE_BYTES: Final = 1 << 19
BALLOT_BOX: Final = "ballot-box"
"""The role that writes the log, and that a dispute which is proven convicts."""

RECEIPT: Final = "receipt"
LATER: Final = "later"
EVIDENCE: Final = "evidence"
"""The `where` of failures: the part of the dispute that does not hold."""

_Path = Annotated[list[Hex32], msgspec.Meta(max_length=64)]


class TwoRoots(Body, frozen=True, tag_field="kind", tag="two-roots"):
    """Both checkpoints have the same size and different roots: nothing more is needed."""


class AnotherEntry(Body, frozen=True, tag_field="kind", tag="another-entry"):
    """At the ballot's index the later log has another entry: its leaf hash, and its inclusion proof."""

    leaf_hash: Hex32
    path: _Path


class AnotherBeginning(Body, frozen=True, tag_field="kind", tag="another-beginning"):
    """The later log begins otherwise: the proof of which root its first entries have (`merkle.prefix_root`)."""

    path: _Path


class Dispute(Body, frozen=True):
    """An accusation. `receipt` is the text of a tlog-proof, `leaf_hash` that of its ballot, `later` a signed note."""

    evidence: TwoRoots | AnotherEntry | AnotherBeginning
    format: Literal["vemre-dispute"]
    later: str
    leaf_hash: Hex32
    receipt: str
    version: Literal[1]

    @classmethod
    def parse(cls, data: bytes) -> Dispute:
        """Raises CheckFailed(CANONICAL), Refused("dispute-version") for a newer form of the file."""
        value = canonical.decode(data, limit=MAX_DISPUTE_BYTES)
        match value:
            case {"format": "vemre-dispute", "version": int(version)} if version > 1:
                raise Refused("dispute-version", version=version)
        return parse_value(data, cls, limit=MAX_DISPUTE_BYTES)

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canonical.encode(msgspec.to_builtins(self))

    def verify(self, log: Vkey) -> Fault:
        """The fault that it proves, by the key of the log alone.

        Raises CheckFailed, whose `where` is ``receipt``, ``later`` or ``evidence``, for a part that does not hold;
        Refused("dispute-older") where the later checkpoint is the smaller one, and Refused("dispute-consistent") where
        the two agree. Then nothing is proven against anybody.
        """
        receipt, given = _open_receipt(self.receipt.encode(), bytes.fromhex(self.leaf_hash), log)
        later = _open_later(self.later.encode(), log)
        _check_order(given, later)
        try:
            found = self._found(receipt.index, given, later)
        except CheckFailed as failure:
            raise failure.located(where=EVIDENCE) from None
        return Fault(self, receipt.index, given, later, found)

    def _found(self, index: int, given: OpenedCheckpoint, later: OpenedCheckpoint) -> bytes:
        """What the later log has in the place of what the receipt says."""
        match self.evidence:
            case TwoRoots():
                if later.size != given.size:
                    raise CheckFailed(Check.LOG, "two roots of two sizes are no contradiction")
                promised, found = given.root, later.root
            case AnotherEntry(leaf_hash=leaf_hash, path=path):
                promised, found = bytes.fromhex(self.leaf_hash), bytes.fromhex(leaf_hash)
                merkle.verify_inclusion(index, later.size, found, [bytes.fromhex(item) for item in path], later.root)
            case AnotherBeginning(path=path):
                proof = [bytes.fromhex(item) for item in path]
                promised, found = given.root, merkle.prefix_root(given.size, later.size, proof, later.root)
        if found == promised:
            raise Refused("dispute-consistent", size=later.size)
        return found


@dataclass(frozen=True)
class Fault:
    """What is proven: the log signed `given`, with the ballot at `index`, and `later`, which contradicts it.

    `found` is what the later log has instead: the other entry's leaf hash, or the other root of the first
    `given.size` entries (32 bytes).
    """

    dispute: Dispute
    index: int
    given: OpenedCheckpoint
    later: OpenedCheckpoint
    found: bytes

    @property
    def kind(self) -> str:
        """The kind of the evidence."""
        return str(type(self.dispute.evidence).__struct_config__.tag)


def find(receipt: bytes, leaf: bytes, later: bytes, log: Vkey, fetch: Fetch) -> Dispute | None:
    """The dispute between a receipt of the ballot with this leaf hash and a later checkpoint of its log.

    `fetch` gives the tiles of the log as it is served at the later checkpoint. None where that log continues the one
    that the receipt was given for, and so has the ballot. Raises CheckFailed with `where` ``receipt`` or ``later`` for
    what the log did not sign, with the path of a tile where the tiles are not those of the later checkpoint (nothing
    can be said then), Refused("dispute-older"), and what `fetch` raises.
    """
    parsed, given = _open_receipt(receipt, leaf, log)
    newer = _open_later(later, log)
    _check_order(given, newer)
    evidence: TwoRoots | AnotherEntry | AnotherBeginning = TwoRoots()
    if newer.size == given.size:
        if newer.root == given.root:
            return None
    else:
        reader = LogReader(fetch, newer.checkpoint, name="ballot", party=BALLOT_BOX, allow_full=True)
        if reader.root_at(given.size) == given.root:
            return None
        other = reader.leaf_hash(parsed.index)
        if other != leaf:
            evidence = AnotherEntry(other.hex(), _hexes(reader.inclusion_proof(parsed.index)))
        else:
            evidence = AnotherBeginning(_hexes(merkle.prefix_proof(given.size, newer.size, reader.hash_at)))
    return Dispute(evidence, FORMAT, later.decode(), leaf.hex(), receipt.decode(), 1)


def _open_receipt(data: bytes, leaf: bytes, log: Vkey) -> tuple[Receipt, OpenedCheckpoint]:
    try:
        receipt = Receipt.parse(data)
        return receipt, receipt.verify(leaf, log)
    except CheckFailed as failure:
        raise failure.located(where=RECEIPT) from None


def _open_later(data: bytes, log: Vkey) -> OpenedCheckpoint:
    try:
        return open_checkpoint(data, log)
    except CheckFailed as failure:
        raise failure.located(where=LATER) from None


def _check_order(given: OpenedCheckpoint, later: OpenedCheckpoint) -> None:
    if later.size < given.size:
        raise Refused("dispute-older", given=given.size, later=later.size)


def _hexes(hashes: list[bytes]) -> list[str]:
    return [item.hex() for item in hashes]
