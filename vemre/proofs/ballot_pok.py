"""Proofs of knowledge of the randomness of a ballot's ciphertexts: "ballot-pok". Source: protocol, section 7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vemre.checks import Check
from vemre.crypto.transcript import Transcript
from vemre.group import Elements
from vemre.proofs.batch import Equations


@dataclass(frozen=True)
class Block:
    """One ciphertext of a ballot: its contest, its block index, and the encodings of a and b."""

    contest: str
    index: int
    a: bytes
    b: bytes


@dataclass(frozen=True)
class Statement:
    """A whole ballot. `context` of the setup; `joint_key` Y; `blocks` in ballot order."""

    context: bytes
    urn: str
    credential: bytes
    joint_key: bytes
    blocks: Sequence[Block]

    @cached_property
    def _prefix(self) -> Transcript:
        transcript = Transcript("ballot-pok", self.context)
        transcript.append_text("urn", self.urn)
        transcript.append("credential", self.credential)
        transcript.append("Y", self.joint_key)
        transcript.append_vector("ciphertexts", b"".join(block.a + block.b for block in self.blocks))
        return transcript

    def challenge(self, block: Block, commitment: bytes) -> int:
        """c of one block, over urn, credential, Y, list ciphertexts, contest, block, T."""
        transcript = self._prefix.copy()
        transcript.append_text("contest", block.contest)
        transcript.append_number("block", block.index)
        transcript.append("T", commitment)
        return transcript.challenge("c")


@dataclass(frozen=True)
class Proof:
    """Commitment T and response of one block, 32 bytes each."""

    commitment: bytes
    response: bytes


def add_ballot(
    equations: Equations,
    statement: Statement,
    proofs: Sequence[Proof],
    generator: Elements,
    *,
    where: str | None = None,
    party: str | None = None,
) -> None:
    """Adds response G = T + c a for every block, one proof per block in order. `generator` is G, one and the same
    object for a whole batch, so that its coefficients are summed.

    Every point of the ballot is decoded here, b included: CheckFailed(ELEMENT, IDENTITY or SCALAR).
    """
    group = equations.group
    count = len(statement.blocks)
    points = group.decode(b"".join(block.a + block.b for block in statement.blocks))
    commitments = group.decode(b"".join(proof.commitment for proof in proofs))
    responses = group.decode_scalars(b"".join(proof.response for proof in proofs))
    bases = points.take(range(0, 2 * count, 2))
    minus_one = group.scalars([-1])
    for i, (block, proof) in enumerate(zip(statement.blocks, proofs, strict=True)):
        c = statement.challenge(block, proof.commitment)
        equations.add(
            Check.BALLOT_POK,
            f"the proof of contest {block.contest}, block {block.index} does not verify",
            (
                (responses.slice(i, i + 1), generator),
                (minus_one, commitments.slice(i, i + 1)),
                (group.scalars([-c]), bases.slice(i, i + 1)),
            ),
            where=where,
            party=party,
        )
