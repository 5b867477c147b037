"""Decryption shares and plaintexts. Source: protocol, section 10, and appendix E, item 10."""

from __future__ import annotations

from functools import partial

from vemre.checks import Check
from vemre.election.blocks import decode_blocks
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.mixing import last_outputs, width
from vemre.election.rules.setup import equality
from vemre.election.rules.view import Batch, View, role_number
from vemre.errors import CheckFailed
from vemre.group import Elements
from vemre.params import ELEMENT_BYTES
from vemre.proofs import decryption, threshold
from vemre.records import vote_bodies as v
from vemre.records.record import Record

DECRYPT = "decrypt"
"""The only decision on a small batch."""


def rows_of(view: View) -> dict[Batch, int]:
    """Rows of every batch of the list to mix."""
    tally_input = view.tally_input
    return {} if tally_input is None else {(b.urn, b.contest): b.rows for b in tally_input.batches}


def small_batches(view: View) -> list[Batch]:
    """Batches with at least one row and fewer than `min_batch`: these need the authority's decision."""
    limit = view.manifest.policy.min_batch
    return [batch for batch, rows in rows_of(view).items() if 0 < rows < limit]


def decisions(view: View) -> dict[Batch, int]:
    """The position of the decision on each small batch. Raises CheckFailed(MIN-BATCH) for another decision."""
    found: dict[Batch, int] = {}
    for index, _, body in view.tally.of(v.SmallBatchDecision):
        if body.decision != DECRYPT:
            problem = "the only decision on a small batch is to decrypt it"
            raise CheckFailed(Check.MIN_BATCH, problem, where=view.tally.where(index), party="authority")
        found.setdefault((body.urn, body.contest), index)
    return found


def check_minimum(view: View) -> bool:
    """[MIN-BATCH]: a small batch is decrypted only upon the authority's logged decision."""
    decided = decisions(view)
    small = set(small_batches(view))
    for index, record, body in view.tally.of(v.Decryption):
        batch = (body.urn, body.contest)
        if batch in small and batch not in decided:
            problem = f"{body.urn} {body.contest} has {body.rows} rows and no decision of the authority"
            raise CheckFailed(Check.MIN_BATCH, problem, where=view.tally.where(index), party=record.signer)
    return bool(small and view.tally.first("decryption") is not None) or bool(decided)


def check_once(view: View) -> bool:
    """[DECRYPT-ONCE]: a trustee decrypts one list per batch."""
    seen: set[tuple[str, str, str]] = set()
    for index, record, body in view.tally.of(v.Decryption):
        key = (record.signer, body.urn, body.contest)
        if key in seen:
            problem = "the trustee has decrypted this batch before"
            raise CheckFailed(Check.DECRYPT_ONCE, problem, where=view.tally.where(index), party=record.signer)
        seen.add(key)
    return bool(seen)


def output_elements(view: View, batch: Batch) -> tuple[Elements, Elements]:
    """All a and all b of what is to be decrypted, row by row, block by block."""
    ref = last_outputs(view)[batch]

    def decode() -> tuple[Elements, Elements]:
        both = view.group.decode(view.blob(ref, "tally"))
        return both.take(range(0, len(both), 2)), both.take(range(1, len(both), 2))

    return view.memo.once(("output", ref.sha256), decode)


def shares_of(view: View, index: int, record: Record) -> Elements:
    """One trustee's shares, decoded. Raises CheckFailed(DECRYPT-PROOF, ELEMENT, IDENTITY or BLOB-DIGEST)."""
    body = record.body
    assert isinstance(body, v.Decryption)
    where, party = view.tally.where(index), record.signer
    if body.shares.size != body.rows * width(view, (body.urn, body.contest)) * ELEMENT_BYTES:
        raise CheckFailed(Check.DECRYPT_PROOF, "not one share per ciphertext", where=where, party=party)

    def decode() -> Elements:
        try:
            return view.group.decode(view.blob(body.shares, party))
        except CheckFailed as failure:
            raise failure.located(where=where, party=party) from None

    return view.memo.once(("shares", body.shares.sha256), decode)


def check_proofs(view: View) -> bool:
    """[DECRYPT-PROOF]: every share is the trustee's key applied to the last output."""
    seen = False
    for index, record, body in view.tally.of(v.Decryption):
        seen = True
        batch = (body.urn, body.contest)
        if (body.proof is None) != (body.rows == 0):
            problem = "a batch with rows needs a proof, one without has none"
            raise CheckFailed(Check.DECRYPT_PROOF, problem, where=view.tally.where(index), party=record.signer)
        key = ("decryption", view.context, record.leaf_hash, last_outputs(view)[batch].sha256)
        view.memo.once(key, partial(_check_proof, view, index, record))
    return seen


def _check_proof(view: View, index: int, record: Record) -> bool:
    body, where = record.body, view.tally.where(index)
    assert isinstance(body, v.Decryption)
    shares = shares_of(view, index, record)
    key, context = joint_key(view), view.context
    assert key is not None
    assert context is not None
    if body.proof is None:
        return True
    trustee = role_number(record.signer)
    bases, _ = output_elements(view, (body.urn, body.contest))
    try:
        statement = decryption.Statement(
            context=context,
            urn=body.urn,
            contest=body.contest,
            trustee=trustee,
            verification_key=key.verification.slice(trustee - 1, trustee),
            bases=bases,
            shares=shares,
        )
        decryption.verify(view.group, view.random, statement, equality(body.proof))
    except CheckFailed as failure:
        raise failure.located(where=where, party=record.signer) from None
    return True


def decryptions(view: View) -> dict[Batch, list[tuple[int, Record]]]:
    """The decryption records of each batch, in log order."""
    found: dict[Batch, list[tuple[int, Record]]] = {batch: [] for batch in rows_of(view)}
    for index, record, body in view.tally.of(v.Decryption):
        found[body.urn, body.contest].append((index, record))
    return found


def check_quorum(view: View) -> bool:
    """[DECRYPT-QUORUM]: t distinct trustees decrypted whatever has a result."""
    found, rows = decryptions(view), rows_of(view)
    needed = view.manifest.trustees.threshold
    seen = False
    for index, _, body in view.tally.of(v.ResultBatch):
        seen = True
        batch = (body.urn, body.contest)
        trustees = {record.signer for _, record in found[batch]}
        if rows[batch] and len(trustees) < needed:
            problem = f"{body.urn} {body.contest}: shares of {len(trustees)} trustees, {needed} are needed"
            raise CheckFailed(Check.DECRYPT_QUORUM, problem, where=view.tally.where(index), party="tally")
    return seen


def plaintexts(view: View, batch: Batch) -> list[list[bytes | None]]:
    """The blocks of every row of a batch, None where a block is no encoding. Needs t valid decryptions."""
    wide = width(view, batch)
    needed = view.manifest.trustees.threshold
    used = decryptions(view)[batch][:needed]
    ref = last_outputs(view)[batch]
    key = ("plaintexts", ref.sha256, tuple(record.leaf_hash for _, record in used))

    def combine() -> list[list[bytes | None]]:
        if not rows_of(view)[batch]:
            return []
        _, payloads = output_elements(view, batch)
        shares = {role_number(record.signer): shares_of(view, index, record) for index, record in used}
        messages = threshold.combine_shares(view.group, payloads, shares)
        blocks = decode_blocks(view.group, messages.encode())
        return [blocks[start : start + wide] for start in range(0, len(blocks), wide)]

    return view.memo.once(key, combine)
