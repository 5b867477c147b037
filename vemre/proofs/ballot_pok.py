"""Proofs of knowledge of the randomness of a ballot's ciphertexts: "ballot-pok". Source: protocol, section 7.

Whoever casts a ballot knows what it holds, so nobody can cast another's ballot again, re-encrypted or not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vemre.checks import Check
from vemre.crypto.transcript import Transcript, item, opening
from vemre.errors import CheckFailed
from vemre.group import Elements, Group, Scalars
from vemre.proofs.batch import Equations, Label
from vemre.proofs.parsing import decode_points, decode_responses, located
from vemre.types import Random


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


@dataclass(frozen=True)
class Claim:
    """A ballot and its proofs, one per block in order, with the ballot's place and who answers for it."""

    statement: Statement
    proofs: Sequence[Proof]
    where: str | None = None
    party: str | None = None


def verify(group: Group, random: Random, claims: Sequence[Claim]) -> None:
    """response G = T + c a, for every block of every ballot.

    Raises CheckFailed(ELEMENT, IDENTITY, SCALAR or BALLOT-POK) of the first ballot that fails; what does not decode
    comes before what does not verify.
    """
    equations = Equations(group, random)
    add_ballots(equations, claims)
    equations.verify()


def add_ballots(equations: Equations, claims: Sequence[Claim]) -> None:
    """As `verify`, as part of a batch: whole vectors for all ballots. Raises at once what parsing raises."""
    group = equations.group
    bases, commitments, responses = _decoded(group, claims)
    labels: list[Label] = []
    minus_c: list[int] = []
    for claim in claims:
        for block, proof in zip(claim.statement.blocks, claim.proofs, strict=True):
            problem = f"the proof of contest {block.contest}, block {block.index} does not verify"
            labels.append(Label(Check.BALLOT_POK, problem, claim.where, claim.party))
            minus_c.append(-claim.statement.challenge(block, proof.commitment))
    minus_one = group.scalars([-1] * len(labels))
    equations.add_each(
        labels,
        rows=((minus_one, commitments), (group.scalars(minus_c), bases)),
        shared=((responses, equations.generator),),
    )


@dataclass(frozen=True)
class Sheet:
    """Many ballots of one urn and its contests (id, blocks), as columns: 32 bytes for each credential, each a and b,
    each commitment and each response, ballot by ballot, block by block."""

    urn: str
    contests: Sequence[tuple[str, int]]
    credentials: bytes
    points: bytes
    commitments: bytes
    responses: bytes


def verify_sheets(
    group: Group, random: Random, context: bytes, joint_key: bytes, sheets: Sequence[Sheet]
) -> list[Elements]:
    """As `verify`, for whole columns: one multiplication for all ballots. Gives the points of each sheet.

    Needs the group's compiled steps. Raises CheckFailed without saying where: `verify` names the ballot.
    """
    assert group.kernel is not None
    decoded, terms = [], []
    for sheet in sheets:
        points, commitments = group.decode(sheet.points), group.decode(sheet.commitments)
        responses = group.decode_scalars(sheet.responses)
        head = opening("ballot-pok", context) + item("urn", sheet.urn.encode())
        c = group.kernel.ballot_challenges(
            head, joint_key, sheet.contests, sheet.credentials, sheet.points, sheet.commitments
        )
        if not len(c) == len(commitments) == len(responses):
            raise CheckFailed(Check.BALLOT_POK, "not one proof per block")
        weights = group.random_weights(len(c), random)
        terms += [
            (group.scalars([responses.dot(weights)]), group.generator()),
            (-weights, commitments),
            (-(weights * c), points.strided(0, 1, 2)),
        ]
        decoded.append(points)
    if group.vartime_msm_terms(terms).vartime_identity_at() != 0:
        raise CheckFailed(Check.BALLOT_POK, "a proof does not verify")
    return decoded


def _decoded(group: Group, claims: Sequence[Claim]) -> tuple[Elements, Elements, Scalars]:
    """All a, all T, all responses. Every b is decoded too, although no equation needs it."""
    try:
        return _decoded_at_once(group, claims)
    except CheckFailed:
        for claim in claims:
            with located(claim.where, claim.party):
                _decoded_at_once(group, [claim])
        raise


def _decoded_at_once(group: Group, claims: Sequence[Claim]) -> tuple[Elements, Elements, Scalars]:
    blocks = [block for claim in claims for block in claim.statement.blocks]
    proofs = [proof for claim in claims for proof in claim.proofs]
    if any(len(claim.statement.blocks) != len(claim.proofs) for claim in claims):
        raise CheckFailed(Check.BALLOT_POK, "not one proof per block")
    points = decode_points(group, (point for block in blocks for point in (block.a, block.b)))
    commitments = decode_points(group, (proof.commitment for proof in proofs))
    responses = decode_responses(group, (proof.response for proof in proofs))
    return points.take(range(0, len(points), 2)), commitments, responses
