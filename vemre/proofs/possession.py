"""Proof of possession of a trustee's polynomial: "dkg-pop". Source: protocol, section 5.1b and appendix C."""

from __future__ import annotations

from dataclasses import dataclass

from vemre.checks import Check
from vemre.crypto.transcript import Transcript
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.proofs.batch import Equations, Term, vartime_combine
from vemre.proofs.parsing import decode_points, decode_responses, located

_DETAIL = "the proof of possession does not verify"


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


def verify(
    group: Group, statement: Statement, proof: Proof, *, where: str | None = None, party: str | None = None
) -> None:
    """response G = T + c A_j0. Raises CheckFailed(ELEMENT, IDENTITY, SCALAR or DKG-POP)."""
    with located(where, party):
        terms = _terms(group, group.generator(), statement, proof)
        if vartime_combine(group, terms).vartime_identity_at() is None:
            raise CheckFailed(Check.DKG_POP, _DETAIL)


def add_to(
    equations: Equations, statement: Statement, proof: Proof, *, where: str | None = None, party: str | None = None
) -> None:
    """As `verify`, as part of a batch. Raises CheckFailed(ELEMENT, IDENTITY or SCALAR) at once."""
    with located(where, party):
        terms = _terms(equations.group, equations.generator, statement, proof)
    equations.add(Check.DKG_POP, _DETAIL, terms, where=where, party=party)


def _terms(group: Group, generator: Elements, statement: Statement, proof: Proof) -> tuple[Term, ...]:
    commitment = decode_points(group, [proof.commitment])
    response = decode_responses(group, [proof.response])
    c = statement.challenge(proof.commitment)
    return (
        (response, generator),
        (group.scalars([-1]), commitment),
        (group.scalars([-c]), statement.commitments.slice(0, 1)),
    )
