"""Proof of possession of a trustee's polynomial: "dkg-pop". Source: protocol, section 5.1b and appendix C."""

from __future__ import annotations

from dataclasses import dataclass

from vemre.checks import Check
from vemre.crypto.transcript import Transcript
from vemre.errors import CheckFailed
from vemre.group import Elements, Group


@dataclass(frozen=True)
class Statement:
    """Trustee j knows log A_j0. `context` is that of the key generation; `commitments` A_j0..A_j(t-1)."""

    context: bytes
    trustee: int
    commitments: Elements

    def challenge(self, commitment: bytes) -> int:
        """c, over trustee, list commitments, T."""
        transcript = Transcript("dkg-pop", self.context)
        transcript.append_number("trustee", self.trustee)
        transcript.append_vector("commitments", self.commitments.encode())
        transcript.append("T", commitment)
        return transcript.challenge("c")


@dataclass(frozen=True)
class Proof:
    """Commitment T and response, 32 bytes each."""

    commitment: bytes
    response: bytes


def verify(group: Group, statement: Statement, proof: Proof) -> None:
    """response G = T + c A_j0. Raises CheckFailed(ELEMENT, IDENTITY, SCALAR or DKG-POP)."""
    commitment = group.decode(proof.commitment)
    response = group.decode_scalars(proof.response)
    c = statement.challenge(proof.commitment)
    points = group.concat([group.generator(), commitment, statement.commitments.slice(0, 1)])
    total = group.vartime_msm(group.scalars([response[0], -1, -c]), points)
    if total.vartime_identity_at() is None:
        raise CheckFailed(Check.DKG_POP, "the proof of possession does not verify")
