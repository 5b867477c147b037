"""A1: weak Fiat-Shamir. Where a part of the statement is missing from the challenge, a prover chooses that part last,
to suit the challenge. Each forgery here is shown to work against a verifier that leaves the part out, with all of the
product's equations, and to fail against the product."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
from proof_cases import WHERE, Case, altered_statements, chunks, decoded, every_case, points, scalars, shuffled

from vemre.checks import Check
from vemre.crypto.transcript import Transcript
from vemre.errors import CheckFailed
from vemre.group import load
from vemre.params import GROUP_ORDER
from vemre.proofs import ballot_pok, decryption, possession, shuffle
from vemre.proofs.prove import shuffle as prove_shuffle

GROUP = load()
CONTEXT = bytes(32)
ALTERED = [
    pytest.param(case, name, statement, id=f"{kind}: {name}")
    for kind, case in every_case()
    for name, statement in altered_statements(case).items()
]


@pytest.mark.parametrize(("case", "name", "statement"), ALTERED)
def test_another_statement_is_refused(case: Case, name: str, statement: Any) -> None:
    with pytest.raises(CheckFailed) as caught:
        case.verify(statement)
    assert (caught.value.check, caught.value.where, caught.value.party) == (case.check, WHERE, case.party)


@pytest.mark.parametrize(("case", "name", "statement"), ALTERED)
def test_another_statement_has_another_challenge(case: Case, name: str, statement: Any) -> None:
    before, after = case.challenges(case.statement), case.challenges(statement)
    if name.endswith((".contest", ".index")):  # of one block: an item of that block's own challenge
        assert len(set(before) - set(after)) == 1
    else:
        assert not set(before) & set(after)


# --- forgeries: the left-out part is chosen after the challenge ----------------------------------------------


def solve_for_key(nonce: int, response: int, challenge: int) -> int:
    """x with response = nonce + challenge * x."""
    return (response - nonce) * pow(challenge, -1, GROUP_ORDER) % GROUP_ORDER


def test_a_key_made_to_suit_the_challenge_is_refused() -> None:
    """A key whose logarithm nobody knows, with a proof that somebody does."""

    class Weak(possession.Statement):
        def challenge(self, commitment: bytes) -> int:
            transcript = Transcript("dkg-pop", self.context)
            transcript.append_number("trustee", self.trustee)
            transcript.append("T", commitment)
            return transcript.challenge("c")

    commitment, others, response = points(GROUP, 1), points(GROUP, 2), scalars(GROUP, 1)
    c = Weak(CONTEXT, 2, others).challenge(commitment.encode())
    key = GROUP.mul_by_one(GROUP.base_mul(response) - commitment, pow(c, -1, GROUP_ORDER))
    proof = possession.Proof(commitment.encode(), response.encode())
    possession.verify(GROUP, Weak(CONTEXT, 2, key.concat(others)), proof)
    with pytest.raises(CheckFailed) as caught:
        possession.verify(GROUP, possession.Statement(CONTEXT, 2, key.concat(others)), proof, party="trustee/2")
    assert (caught.value.check, caught.value.party) == (Check.DKG_POP, "trustee/2")


def test_a_ciphertext_made_to_suit_the_challenge_is_refused() -> None:
    """A ballot whose voter does not know what is in it: made from another's, it copies that vote."""

    class Weak(ballot_pok.Statement):
        def challenge(self, block: ballot_pok.Block, commitment: bytes) -> int:
            transcript = Transcript("ballot-pok", self.context)
            transcript.append("T", commitment)
            return transcript.challenge("c")

    commitment, b, key, response = points(GROUP, 1), points(GROUP, 1), points(GROUP, 1), scalars(GROUP, 1)
    blank = ballot_pok.Block("contest-1", 0, b"", b"")
    c = Weak(CONTEXT, "urna-1", bytes(32), key.encode(), [blank]).challenge(blank, commitment.encode())
    a = GROUP.mul_by_one(GROUP.base_mul(response) - commitment, pow(c, -1, GROUP_ORDER))
    blocks = [replace(blank, a=a.encode(), b=b.encode())]
    proofs = [ballot_pok.Proof(commitment.encode(), response.encode())]
    parts = (CONTEXT, "urna-1", bytes(32), key.encode(), blocks)
    ballot_pok.verify(GROUP, os.urandom, [ballot_pok.Claim(Weak(*parts), proofs)])
    claim = ballot_pok.Claim(ballot_pok.Statement(*parts), proofs, "ballot/7", "ballot-box")
    with pytest.raises(CheckFailed) as caught:
        ballot_pok.verify(GROUP, os.urandom, [claim])
    assert (caught.value.check, caught.value.where) == (Check.BALLOT_POK, "ballot/7")


def test_shares_made_to_suit_the_challenge_are_refused() -> None:
    """Decryption shares of another key, which turn every vote into nonsense, with a proof that they are right."""

    class Weak(decryption.Statement):
        def transcript(self) -> Transcript:
            transcript = Transcript("decrypt", self.context)
            transcript.append("X", self.verification_key.encode())
            transcript.append_vector("a", self.bases.encode())
            return transcript

    bases, x, m1, m2 = points(GROUP, 3), scalars(GROUP, 1), scalars(GROUP, 1), scalars(GROUP, 1)
    key = decoded(GROUP, GROUP.base_mul(x))
    before = Weak(CONTEXT, "urna-1", "contest-1", 2, key, bases, bases)
    transcript = before.transcript()
    p = GROUP.vartime_msm(decryption.combine(GROUP, transcript, before), bases)
    t1, t2 = GROUP.base_mul(m1).encode(), GROUP.mul(p, m2).encode()
    c = decryption.challenge(transcript, t1, t2)
    response = m1 + x.scale(c)
    shares = decoded(GROUP, GROUP.mul_by_one(bases, solve_for_key(m2[0], response[0], c)))
    assert shares.encode() != GROUP.mul_by_one(bases, x[0]).encode()
    proof = decryption.Proof(t1, t2, response.encode())
    decryption.verify(GROUP, os.urandom, replace(before, shares=shares), proof)
    statement = decryption.Statement(CONTEXT, "urna-1", "contest-1", 2, key, bases, shares)
    with pytest.raises(CheckFailed) as caught:
        decryption.verify(GROUP, os.urandom, statement, proof, party="trustee/2")
    assert (caught.value.check, caught.value.party) == (Check.DECRYPT_PROOF, "trustee/2")


def test_outputs_made_to_suit_the_challenge_are_refused() -> None:
    """A mixer that proves an honest shuffle first, and then moves two outputs against one another."""

    class Weak(shuffle.Statement):
        def transcript(self, c: bytes) -> Transcript:
            transcript = Transcript("shuffle", self.context)
            transcript.append_vector("in", self.inputs.encode())
            transcript.append_vector("C", c)
            return transcript

    rows = 3
    honest, witness = shuffled(GROUP, rows, 1)
    weak = Weak(*(getattr(honest, name) for name in honest.__dataclass_fields__))
    proof = prove_shuffle.prove(GROUP, os.urandom, weak, witness)
    sz = GROUP.decode_scalars(b"".join(chunks(proof)[-rows:]))
    # sum sz_i a'_i and sum sz_i b'_i stay as they are.
    move = points(GROUP, 1)
    first = honest.outputs.slice(0, 2) + GROUP.repeat(GROUP.mul_by_one(move, sz[1]), 2)
    second = honest.outputs.slice(2, 4) - GROUP.repeat(GROUP.mul_by_one(move, sz[0]), 2)
    outputs = decoded(GROUP, first.concat(second, honest.outputs.slice(4, 6)))
    shuffle.verify(GROUP, os.urandom, replace(weak, outputs=outputs), proof)
    with pytest.raises(CheckFailed) as caught:
        shuffle.verify(GROUP, os.urandom, replace(honest, outputs=outputs), proof, party="mixer/2")
    assert (caught.value.check, caught.value.party) == (Check.SHUFFLE, "mixer/2")
