"""Decryption shares and plaintexts. Source: protocol, section 10, and appendix E, item 10."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from functools import partial

from vemre.checks import Check
from vemre.election.blocks import open_blocks
from vemre.election.rules.decryption_pieces import (
    PORTION,
    DecryptionPiece,
    PlaintextPiece,
    decryption_of_piece,
    plaintext_pieces,
    plaintexts_of_piece,
)
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.mixing import last_outputs, width
from vemre.election.rules.setup import equality
from vemre.election.rules.view import Batch, View, role_number
from vemre.errors import CheckFailed
from vemre.group import Elements
from vemre.params import ELEMENT_BYTES
from vemre.proofs import decryption
from vemre.proofs.batch import Equations
from vemre.records import vote_bodies as v
from vemre.records.record import Record

DECRYPT = "decrypt"
"""The only decision on a small batch."""


def rows_of(view: View) -> dict[Batch, int]:
    """Rows of every batch of the list to mix."""

    def add(rows: dict[Batch, int], _index: int, record: Record) -> None:
        assert isinstance(record.body, v.TallyInput)
        rows.update({(batch.urn, batch.contest): batch.rows for batch in record.body.batches})

    return view.tables.follow("rows", view.tally, ("tally-input",), dict[Batch, int], add)


def is_small(view: View, batch: Batch) -> bool:
    """Whether a batch has at least one row and fewer than `min_batch`: then it needs the authority's decision."""
    return 0 < rows_of(view).get(batch, 0) < view.manifest.policy.min_batch


def small_batches(view: View) -> list[Batch]:
    """All batches that are small."""
    return [batch for batch in rows_of(view) if is_small(view, batch)]


def decisions(view: View) -> dict[Batch, int]:
    """The position of the decision on each small batch. Raises CheckFailed(MIN-BATCH) for another decision."""

    def add(found: dict[Batch, int], index: int, record: Record) -> None:
        body = record.body
        assert isinstance(body, v.SmallBatchDecision)
        if body.decision != DECRYPT:
            problem = "the only decision on a small batch is to decrypt it"
            raise CheckFailed(Check.MIN_BATCH, problem, where=view.tally.where(index), party="authority")
        found.setdefault((body.urn, body.contest), index)

    return view.tables.follow("decisions", view.tally, ("small-batch-decision",), dict[Batch, int], add)


def check_minimum(view: View) -> bool:
    """[MIN-BATCH]: a small batch is decrypted only upon the authority's logged decision."""
    decided = decisions(view)
    for index, record, body in view.new_of(view.tally, v.Decryption):
        batch = (body.urn, body.contest)
        if is_small(view, batch) and batch not in decided:
            problem = f"{body.urn} {body.contest} has {body.rows} rows and no decision of the authority"
            raise CheckFailed(Check.MIN_BATCH, problem, where=view.tally.where(index), party=record.signer)
    return bool(decided) or view.tally.has("decryption")


def check_once(view: View) -> bool:
    """[DECRYPT-ONCE]: a trustee decrypts one list per batch."""
    for index, record, body in view.new_of(view.tally, v.Decryption):
        before = decryptions(view)[body.urn, body.contest]
        if any(other.signer == record.signer for place, other in before if place < index):
            problem = "the trustee has decrypted this batch before"
            raise CheckFailed(Check.DECRYPT_ONCE, problem, where=view.tally.where(index), party=record.signer)
    return view.tally.has("decryption")


def output_elements(view: View, batch: Batch) -> tuple[Elements, Elements]:
    """All a and all b of what is to be decrypted, row by row, block by block."""
    both = view.elements(last_outputs(view)[batch], "tally")
    return both.strided(0, 1, 2), both.strided(1, 1, 2)


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

    return view.decoded.get(body.shares, decode)


def check_proofs(view: View) -> bool:
    """[DECRYPT-PROOF]: every share is the trustee's key applied to the last output."""
    due: list[_Due] = []
    for index, record, body in view.new_of(view.tally, v.Decryption):
        if not view.trusts(view.tally, index):
            output = last_outputs(view)[body.urn, body.contest]
            due.append((("decryption", view.context, record.leaf_hash, output.sha256), index, record))
    unknown: dict[Batch, list[_Due]] = {}
    for fact, index, record in due:
        body = _body(record)
        if body.proof is not None and body.rows and not view.memo.knows(fact):
            unknown.setdefault(_batch(record), []).append((fact, index, record))
    for batch, fact in _held(view, unknown):
        view.memo.once(fact, lambda: True)
        if all(view.memo.knows(other) for other, _, record in due if _batch(record) == batch):
            _open_now(view, batch)
    # Whatever is left fails by itself, in the order of the log.
    for fact, index, record in due:
        if (_body(record).proof is None) != (_body(record).rows == 0):
            problem = "a batch with rows needs a proof, one without has none"
            raise CheckFailed(Check.DECRYPT_PROOF, problem, where=view.tally.where(index), party=record.signer)
        view.memo.once(fact, partial(_check_proof, view, index, record))
    return view.tally.has("decryption")


def _open_now(view: View, batch: Batch) -> None:
    """Read a batch as soon as its last decryption is known to be good, while its lists are decoded."""
    if view.workers.here and len(_used(view, batch)) == view.manifest.trustees.threshold:
        plaintexts(view, batch)
        view.decoded.forget(last_outputs(view)[batch].sha256)
        for _, record in decryptions(view)[batch]:
            view.decoded.forget(_body(record).shares.sha256)


_Due = tuple[Hashable, int, Record]
"""What would be established, and the record with its place."""


def _held(view: View, unknown: dict[Batch, list[_Due]]) -> Iterator[tuple[Batch, Hashable]]:
    """What is established of these decryptions, together or by an executor."""
    if not view.workers.here:
        for (batch, fact), holds in view.workers.each(decryption_of_piece, _pieces(view, unknown)):
            if holds is True:
                yield batch, fact
        return
    for batch, together in unknown.items():
        if _hold(view, [(index, record) for _, index, record in together]):
            yield from ((batch, fact) for fact, _, _ in together)


def _pieces(view: View, unknown: dict[Batch, list[_Due]]) -> Iterator[tuple[tuple[Batch, Hashable], DecryptionPiece]]:
    """Of each of these decryptions whose blobs are whole."""
    key, context = joint_key(view), view.context
    assert key is not None
    assert context is not None
    for batch, found in unknown.items():
        for fact, _, record in found:
            body, trustee = _body(record), role_number(record.signer)
            assert body.proof is not None
            try:
                ciphertexts = view.blob(last_outputs(view)[batch], "tally")
                shares = view.blob(body.shares, record.signer)
            except CheckFailed:
                continue
            piece = DecryptionPiece(
                backend=view.group.name,
                random=view.random,
                context=context,
                urn=body.urn,
                contest=body.contest,
                trustee=trustee,
                verification_key=key.verification.slice(trustee - 1, trustee).encode(),
                ciphertexts=ciphertexts,
                shares=shares,
                proof=equality(body.proof),
            )
            yield (batch, fact), piece


def _batch(record: Record) -> Batch:
    body = _body(record)
    return body.urn, body.contest


def _body(record: Record) -> v.Decryption:
    assert isinstance(record.body, v.Decryption)
    return record.body


def _hold(view: View, together: list[tuple[int, Record]]) -> bool:
    """Whether all of these proofs of one batch hold; if not, whatever is wrong with one of them."""
    equations = Equations(view.group, view.random)
    body = _body(together[0][1])
    try:
        # One vector for all of them, so that each of its elements is multiplied once.
        bases, _ = output_elements(view, (body.urn, body.contest))
        for index, record in together:
            proof = _body(record).proof
            assert proof is not None
            decryption.add_to(equations, _statement(view, index, record, bases), equality(proof))
        equations.verify()
    except CheckFailed:
        return False
    return True


def _check_proof(view: View, index: int, record: Record) -> bool:
    proof = _body(record).proof
    shares_of(view, index, record)
    if proof is None:
        return True
    bases, _ = output_elements(view, (_body(record).urn, _body(record).contest))
    statement = _statement(view, index, record, bases)
    try:
        decryption.verify(view.group, view.random, statement, equality(proof))
    except CheckFailed as failure:
        raise failure.located(where=view.tally.where(index), party=record.signer) from None
    return True


def _statement(view: View, index: int, record: Record, bases: Elements) -> decryption.Statement:
    """What a trustee claims of the batch whose a are `bases`."""
    body, trustee = _body(record), role_number(record.signer)
    shares = shares_of(view, index, record)
    key, context = joint_key(view), view.context
    assert key is not None
    assert context is not None
    return decryption.Statement(
        context=context,
        urn=body.urn,
        contest=body.contest,
        trustee=trustee,
        verification_key=key.verification.slice(trustee - 1, trustee),
        bases=bases,
        shares=shares,
    )


def decryptions(view: View) -> dict[Batch, list[tuple[int, Record]]]:
    """The decryption records of each batch, in log order; they grow with the log."""

    def add(found: dict[Batch, list[tuple[int, Record]]], index: int, record: Record) -> None:
        body = record.body
        if isinstance(body, v.TallyInput):
            found.update({(batch.urn, batch.contest): [] for batch in body.batches})
            return
        assert isinstance(body, v.Decryption)
        found[body.urn, body.contest].append((index, record))

    types = ("tally-input", "decryption")
    return view.tables.follow("decryptions", view.tally, types, dict[Batch, list[tuple[int, Record]]], add)


def check_quorum(view: View) -> bool:
    """[DECRYPT-QUORUM]: t distinct trustees decrypted whatever has a result."""
    found, rows = decryptions(view), rows_of(view)
    needed = view.manifest.trustees.threshold
    for index, _, body in view.new_of(view.tally, v.ResultBatch):
        batch = (body.urn, body.contest)
        trustees = {record.signer for _, record in found[batch]}
        if rows[batch] and len(trustees) < needed:
            problem = f"{body.urn} {body.contest}: shares of {len(trustees)} trustees, {needed} are needed"
            raise CheckFailed(Check.DECRYPT_QUORUM, problem, where=view.tally.where(index), party="tally")
    return view.tally.has("result-batch")


def plaintexts(view: View, batch: Batch) -> list[list[bytes | None]]:
    """The blocks of every row of a batch, None where a block is no encoding. Needs t valid decryptions."""
    wide = width(view, batch)

    def combine() -> list[list[bytes | None]]:
        if not rows_of(view)[batch]:
            return []
        blocks: list[bytes | None] = []
        _, payloads = output_elements(view, batch)
        shares = {role_number(record.signer): shares_of(view, index, record) for index, record in _used(view, batch)}
        # By portions: what comes of one is forgotten before the next, but its blocks.
        for start in range(0, len(payloads), PORTION):
            stop = start + PORTION
            parts = {trustee: vector.slice(start, stop) for trustee, vector in shares.items()}
            blocks += open_blocks(view.group, payloads.slice(start, stop), parts)
        return _rows(blocks, wide)

    return view.memo.once(_plaintext_fact(view, batch), combine)


def open_with_executor(view: View, batches: Iterable[Batch]) -> None:
    """Have the executor combine the shares of these batches, where there is one: `plaintexts` finds them made."""
    if view.workers.here:
        return
    found: dict[Batch, list[bytes | None]] = {}
    try:
        for batch, blocks in view.workers.each(plaintexts_of_piece, _plaintext_pieces(view, dict.fromkeys(batches))):
            found.setdefault(batch, []).extend(blocks)
    except CheckFailed:
        # `plaintexts` says whose share it is.
        return
    for batch, blocks in found.items():
        if len(blocks) == rows_of(view)[batch] * width(view, batch):
            view.memo.once(_plaintext_fact(view, batch), partial(_rows, blocks, width(view, batch)))


def _plaintext_pieces(view: View, batches: Iterable[Batch]) -> Iterator[tuple[Batch, PlaintextPiece]]:
    for batch in batches:
        if not rows_of(view)[batch] or view.memo.knows(_plaintext_fact(view, batch)):
            continue
        data = view.blob(last_outputs(view)[batch], "tally")
        shares = [
            (role_number(record.signer), view.blob(_body(record).shares, record.signer))
            for _, record in _used(view, batch)
        ]
        yield from ((batch, piece) for piece in plaintext_pieces(view.group.name, data, shares))


def _used(view: View, batch: Batch) -> list[tuple[int, Record]]:
    """The decryptions that a batch is opened with: the first t."""
    return decryptions(view)[batch][: view.manifest.trustees.threshold]


def _plaintext_fact(view: View, batch: Batch) -> Hashable:
    leaves = tuple(record.leaf_hash for _, record in _used(view, batch))
    return "plaintexts", last_outputs(view)[batch].sha256, leaves


def _rows(blocks: list[bytes | None], wide: int) -> list[list[bytes | None]]:
    return [blocks[start : start + wide] for start in range(0, len(blocks), wide)]
