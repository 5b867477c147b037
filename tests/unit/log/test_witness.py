"""The decision of a witness, status by status and in the order that clients rely on."""

from __future__ import annotations

import pytest

from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.note import Note, SignatureLine
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.log.witness import (
    NOTHING_COSIGNED,
    AddCheckpoint,
    Cosigned,
    Decision,
    add_checkpoint_body,
    decide,
    log_line_only,
)

LOG = LogSigner("vemre.example/tally", SigningKey.from_seed(bytes([1]) * 32))
LOGS = {LOG.origin: LOG.vkey}
LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(12)]
OTHER_LEAVES = [*LEAVES[:3], bytes(32), *LEAVES[4:]]


def root(size: int, leaves: list[bytes] = LEAVES) -> bytes:
    return merkle.root(leaves[:size])


def proof(old: int, new: int) -> list[bytes]:
    return merkle.consistency_proof(old, new, lambda lv, i: merkle.perfect_root(LEAVES[i << lv : (i + 1) << lv]))


def ask(old: int, new: int, last: Cosigned, hashes: list[bytes] | None = None, note: bytes | None = None) -> Decision:
    body = add_checkpoint_body(old, proof(old, new) if hashes is None else hashes, note or LOG.sign(new, root(new)))
    return decide(body, LOGS, lambda origin: last)


def test_first_contact_and_growth() -> None:
    assert ask(0, 5, NOTHING_COSIGNED).checkpoint == Checkpoint(LOG.origin, 5, root(5))
    grown = ask(5, 12, Cosigned(5, root(5)))
    assert (grown.status, grown.checkpoint) == (200, Checkpoint(LOG.origin, 12, root(12)))


def test_the_same_size_again_refreshes_the_time() -> None:
    assert ask(5, 5, Cosigned(5, root(5))).status == 200
    assert ask(0, 0, NOTHING_COSIGNED, note=LOG.sign(0, merkle.EMPTY_ROOT)).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 5\n",
        b"old 05\n\n" + LOG.sign(5, root(5)),
        b"old +5\n\n" + LOG.sign(5, root(5)),
        b"Old 5\n\n" + LOG.sign(5, root(5)),
        b"old 5 \n\n" + LOG.sign(5, root(5)),
        b"old 5\nAAAA\n\n" + LOG.sign(5, root(5)),
        b"old 5\n\n" + LOG.sign(5, root(5)).replace(b"\n5\n", b"\n05\n"),
        b"old 5\n\n" + LOG.sign(5, root(5))[:-1],
        b"old 5\n\n" + b"\xff",
        add_checkpoint_body(5, [bytes(32)] * 64, LOG.sign(5, root(5))),
        add_checkpoint_body(5, [], LOG.sign(5, root(5))) + b"x" * 70_000,
    ],
)
def test_400_malformed(body: bytes) -> None:
    assert decide(body, LOGS, lambda origin: NOTHING_COSIGNED).status == 400


def test_404_unknown_log() -> None:
    other = LogSigner("other.example", SigningKey.from_seed(bytes([1]) * 32))
    assert ask(0, 5, NOTHING_COSIGNED, note=other.sign(5, root(5))).status == 404


def test_403_not_the_logs_signature() -> None:
    impostor = LogSigner(LOG.origin, SigningKey.from_seed(bytes([7]) * 32))
    assert ask(0, 5, NOTHING_COSIGNED, note=impostor.sign(5, root(5))).status == 403
    text = Checkpoint(LOG.origin, 5, root(5)).text()
    forged = Note(text, (SignatureLine(LOG.origin, LOG.vkey.key_id, bytes(64)),)).encode()
    assert ask(0, 5, NOTHING_COSIGNED, note=forged).status == 403


def test_400_old_size_above_the_checkpoints() -> None:
    assert ask(6, 5, Cosigned(6, root(6)), hashes=[]).status == 400


@pytest.mark.parametrize(("old", "last"), [(0, 5), (5, 0), (5, 7), (12, 5)])
def test_409_names_the_size(old: int, last: int) -> None:
    decision = ask(old, 12, Cosigned(last, root(last)))
    assert (decision.status, decision.body) == (409, f"{last}\n".encode())
    assert decision.content_type == "text/x.tlog.size"
    assert not decision.evidence


def test_409_keeps_evidence_of_a_split_view() -> None:
    decision = ask(0, 5, Cosigned(5, root(5)), hashes=[], note=LOG.sign(5, root(5, OTHER_LEAVES)))
    assert (decision.status, decision.evidence) == (409, True)


def test_422_two_roots_of_one_size() -> None:
    decision = ask(5, 5, Cosigned(5, root(5)), note=LOG.sign(5, root(5, OTHER_LEAVES)))
    assert (decision.status, decision.evidence, decision.checkpoint) == (422, True, None)


def test_422_wrong_proofs() -> None:
    last = Cosigned(5, root(5))
    good = proof(5, 12)
    for wrong in ([], good[:-1], [*good, bytes(32)], [bytes(32), *good[1:]]):
        decision = ask(5, 12, last, hashes=wrong)
        assert (decision.status, decision.evidence) == (422, False)
    assert ask(5, 12, last, note=LOG.sign(12, root(12, OTHER_LEAVES))).status == 422
    assert ask(0, 12, NOTHING_COSIGNED, hashes=[bytes(32)]).status == 422
    assert ask(5, 5, last, hashes=[bytes(32)]).status == 422


def test_422_an_empty_log_with_another_root() -> None:
    decision = ask(0, 0, NOTHING_COSIGNED, hashes=[], note=LOG.sign(0, bytes(32)))
    assert (decision.status, decision.evidence) == (422, True)


def test_requests_carry_the_logs_line_alone() -> None:
    witness = Ed25519Cosigner("auditor1.example/w", SigningKey.from_seed(bytes([2]) * 32))
    plain = LOG.sign(5, root(5))
    cosigned = Note.parse(plain).with_lines([witness.cosign(Checkpoint(LOG.origin, 5, root(5)), 1)]).encode()
    assert log_line_only(cosigned, LOG.vkey) == plain
    request = AddCheckpoint(0, (), SignedCheckpoint.parse(plain))
    assert AddCheckpoint.parse(request.encode()) == request
    with pytest.raises(CheckFailed) as caught:
        log_line_only(cosigned, LogSigner("other.example", SigningKey.from_seed(bytes([3]) * 32)).vkey)
    assert caught.value.check == Check.NOTE
