"""The proof that shares of a whole batch were made with one key: "decrypt". Source: protocol, section 10."""

from __future__ import annotations

from dataclasses import dataclass

from vemre.checks import Check
from vemre.crypto.transcript import Transcript
from vemre.errors import CheckFailed
from vemre.group import Elements, Group, Scalars
from vemre.proofs.batch import Equations
from vemre.proofs.parsing import decode_points, decode_responses, located
from vemre.types import Random

_DETAIL = "the proof of the decryption shares does not verify"


@dataclass(frozen=True)
class Statement:
    """S_i = x a_i for all i, with X = x G. `bases` are the a_i, in blob order. For a drill, urn and contest are
    both ``drill`` and the context is the drill's."""

    context: bytes
    urn: str
    contest: str
    trustee: int
    verification_key: Elements
    bases: Elements
    shares: Elements

    def transcript(self) -> Transcript:
        """Everything up to the seed."""
        transcript = Transcript("decrypt", self.context)
        transcript.append_text("urn", self.urn)
        transcript.append_text("contest", self.contest)
        transcript.append_number("trustee", self.trustee)
        transcript.append("X", self.verification_key.encode())
        transcript.append_vector("a", self.bases.encode())
        transcript.append_vector("S", self.shares.encode())
        return transcript


@dataclass(frozen=True)
class Proof:
    """T1, T2 and the response, 32 bytes each."""

    t1: bytes
    t2: bytes
    response: bytes


def combine(group: Group, transcript: Transcript, statement: Statement) -> Scalars:
    """d_i for all i, from the seed."""
    return group.hash_scalars(transcript.challenge_bytes("d"), len(statement.bases))


def challenge(transcript: Transcript, t1: bytes, t2: bytes) -> int:
    """c, over T1, T2."""
    transcript.append("T1", t1)
    transcript.append("T2", t2)
    return transcript.challenge("c")


def verify(
    group: Group,
    random: Random,
    statement: Statement,
    proof: Proof,
    *,
    where: str | None = None,
    party: str | None = None,
) -> None:
    """sG = T1 + c X and sP = T2 + c Q. Raises CheckFailed(ELEMENT, IDENTITY, SCALAR or DECRYPT-PROOF)."""
    equations = Equations(group, random)
    add_to(equations, statement, proof, where=where, party=party)
    equations.verify()


def add_to(
    equations: Equations, statement: Statement, proof: Proof, *, where: str | None = None, party: str | None = None
) -> None:
    """As `verify`, as part of a batch. Raises at once what parsing raises."""
    group = equations.group
    with located(where, party):
        if len(statement.bases) != len(statement.shares):
            raise CheckFailed(Check.DECRYPT_PROOF, "not one share per ciphertext")
        t = decode_points(group, [proof.t1, proof.t2])
        response = decode_responses(group, [proof.response])
    transcript = statement.transcript()
    d = combine(group, transcript, statement)
    c = challenge(transcript, proof.t1, proof.t2)
    # The weights go in before the long vectors are multiplied by anything.
    w1, w2 = weights = equations.draw(2)
    terms = [
        (response.scale(w1), equations.generator),
        (group.scalars([-c * w1]), statement.verification_key),
        (d.scale(response[0] * w2), statement.bases),
        (d.scale(-c * w2), statement.shares),
        (-weights, t),
    ]
    equations.add(Check.DECRYPT_PROOF, _DETAIL, terms, weighted=True, where=where, party=party)
