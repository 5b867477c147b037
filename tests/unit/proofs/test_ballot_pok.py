"""Proofs of ballots: many at once, and what is said where one fails."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from proof_cases import IDENTITY, NOT_A_SCALAR, NOT_AN_ELEMENT, ballot_case

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.proofs import ballot_pok
from vemre.proofs.ballot_pok import Claim
from vemre.proofs.batch import Equations


@pytest.fixture
def claims(group: Group) -> list[Claim]:
    cases = [ballot_case(group, (2, 1), f"urna-{i}") for i in range(5)] + [ballot_case(group, (1,), "urna-5")]
    return [Claim(case.statement, case.proof, f"ballot/{i}", "ballot-box") for i, case in enumerate(cases)]


def failure(group: Group, claims: list[Claim]) -> CheckFailed:
    with pytest.raises(CheckFailed) as caught:
        ballot_pok.verify(group, os.urandom, claims)
    return caught.value


def with_block(claim: Claim, index: int, **changes: bytes) -> Claim:
    blocks = list(claim.statement.blocks)
    blocks[index] = replace(blocks[index], **changes)
    return replace(claim, statement=replace(claim.statement, blocks=blocks))


def with_proof(claim: Claim, index: int, **changes: bytes) -> Claim:
    proofs = list(claim.proofs)
    proofs[index] = replace(proofs[index], **changes)
    return replace(claim, proofs=proofs)


@pytest.mark.parametrize("blocks", [(1,), (3,), (1, 1), (2, 1, 3)])
def test_what_is_proven_verifies(group: Group, blocks: tuple[int, ...]) -> None:
    case = ballot_case(group, blocks)
    assert len(case.proof) == sum(blocks)
    case.verify()


def test_ballots_of_several_shapes_verify_together(group: Group, claims: list[Claim]) -> None:
    ballot_pok.verify(group, os.urandom, claims)
    ballot_pok.verify(group, os.urandom, [])


def test_one_ballot_after_the_other_is_the_same(group: Group, claims: list[Claim]) -> None:
    equations = Equations(group, os.urandom)
    for claim in [*claims[:2], with_proof(claims[2], 1, response=bytes(32)), *claims[3:]]:
        ballot_pok.add_ballots(equations, [claim])
    assert len(equations) == sum(len(claim.proofs) for claim in claims)
    with pytest.raises(CheckFailed) as caught:
        equations.verify()
    assert (caught.value.check, caught.value.where) == (Check.BALLOT_POK, "ballot/2")


@pytest.mark.parametrize("culprit", range(6))
def test_the_ballot_that_fails_is_named(group: Group, claims: list[Claim], culprit: int) -> None:
    claims[culprit] = with_proof(claims[culprit], 0, response=bytes(32))
    caught = failure(group, claims)
    assert (caught.check, caught.where, caught.party) == (Check.BALLOT_POK, f"ballot/{culprit}", "ballot-box")


def test_contest_and_block_are_named(group: Group, claims: list[Claim]) -> None:
    claims[1] = with_proof(claims[1], 1, response=bytes(32))
    assert "contest contest-0, block 1" in failure(group, claims).detail
    claims[1] = with_proof(claims[2], 2, response=bytes(32))
    assert "contest contest-1, block 0" in failure(group, claims).detail


@pytest.mark.parametrize("field", ["a", "b"])
@pytest.mark.parametrize(
    ("encoding", "check"),
    [(NOT_AN_ELEMENT, Check.ELEMENT), (IDENTITY, Check.IDENTITY), (b"", Check.ELEMENT), (bytes(33), Check.ELEMENT)],
)
def test_what_does_not_decode_is_named(
    group: Group, claims: list[Claim], field: str, encoding: bytes, check: Check
) -> None:
    claims[3] = with_block(claims[3], 1, **{field: encoding})
    caught = failure(group, claims)
    assert (caught.check, caught.where, caught.party) == (check, "ballot/3", "ballot-box")


def test_points_of_wrong_lengths_that_add_up_are_refused(group: Group, claims: list[Claim]) -> None:
    a, b = claims[0].statement.blocks[0].a, claims[0].statement.blocks[0].b
    claims[0] = with_block(claims[0], 0, a=a + b[:1], b=b[1:])
    assert failure(group, claims).check is Check.ELEMENT


def test_a_response_that_is_not_reduced_is_named(group: Group, claims: list[Claim]) -> None:
    """r and r + l would be two spellings of one ballot."""
    claims[4] = with_proof(claims[4], 0, response=NOT_A_SCALAR)
    caught = failure(group, claims)
    assert (caught.check, caught.where) == (Check.SCALAR, "ballot/4")


@pytest.mark.parametrize("count", [0, 2, 4])
def test_not_one_proof_per_block(group: Group, claims: list[Claim], count: int) -> None:
    claims[2] = replace(claims[2], proofs=[*claims[2].proofs, claims[2].proofs[0]][:count])
    caught = failure(group, claims)
    assert (caught.check, caught.where) == (Check.BALLOT_POK, "ballot/2")


def test_proofs_of_two_blocks_exchanged(group: Group, claims: list[Claim]) -> None:
    first, second, third = claims[0].proofs
    claims[0] = replace(claims[0], proofs=[second, first, third])
    assert failure(group, claims).check is Check.BALLOT_POK


def test_proofs_of_two_ballots_exchanged(group: Group, claims: list[Claim]) -> None:
    claims[0], claims[1] = (
        replace(claims[0], proofs=claims[1].proofs),
        replace(claims[1], proofs=claims[0].proofs),
    )
    assert failure(group, claims).where == "ballot/0"


def test_a_ballot_under_another_credential(group: Group, claims: list[Claim]) -> None:
    """The exact ciphertexts and proofs of somebody else."""
    claims[1] = replace(claims[1], statement=replace(claims[0].statement, credential=os.urandom(32)))
    claims[1] = replace(claims[1], proofs=claims[0].proofs)
    assert failure(group, claims).where == "ballot/1"


def test_no_nonce_is_used_twice(group: Group) -> None:
    proofs = ballot_case(group, (3,)).proof + ballot_case(group, (2, 1)).proof
    assert len({proof.commitment for proof in proofs}) == len(proofs)
