"""Proofs of possession and of decryption shares: edges of their parsing."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from proof_cases import WHERE, decoded, decryption_case, every_case, points, possession_case, scalars

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.proofs import decryption, possession
from vemre.proofs.prove import decryption as prove_decryption


@pytest.mark.parametrize("threshold", [1, 2, 5])
def test_a_possession_verifies(group: Group, threshold: int) -> None:
    possession_case(group, threshold).verify()


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_decryption_verifies(group: Group, count: int) -> None:
    decryption_case(group, count).verify()


def test_shares_are_the_key_applied(group: Group) -> None:
    x, r = scalars(group, 1), scalars(group, 3)
    shares = prove_decryption.decrypt(group, group.base_mul(r), x[0])
    assert shares.encode() == group.base_mul(r.scale(x[0])).encode()


@pytest.mark.parametrize(("taken", "given"), [(0, 0), (3, 2), (2, 3), (0, 1)])
def test_not_one_share_per_ciphertext(group: Group, taken: int, given: int) -> None:
    case = decryption_case(group)
    bases, shares = case.statement.bases.slice(0, taken), case.statement.shares.slice(0, given)
    with pytest.raises(CheckFailed) as caught:
        case.verify(replace(case.statement, bases=bases, shares=shares))
    assert (caught.value.check, caught.value.party) == (Check.DECRYPT_PROOF, "trustee/2")


def test_one_wrong_share_among_right_ones(group: Group) -> None:
    """The prover does all it can: its proof is over the statement with the wrong share in it."""
    x = scalars(group, 1)
    key, bases = decoded(group, group.base_mul(x)), points(group, 4)
    right = prove_decryption.decrypt(group, bases, x[0])
    wrong = decoded(group, right.slice(0, 3).concat(points(group, 1)))
    statement = decryption.Statement(bytes(32), "urna-1", "contest-1", 1, key, bases, wrong)
    proof = prove_decryption.prove(group, os.urandom, statement, x[0])
    with pytest.raises(CheckFailed) as caught:
        decryption.verify(group, os.urandom, statement, proof, party="trustee/1")
    assert (caught.value.check, caught.value.party) == (Check.DECRYPT_PROOF, "trustee/1")


def test_two_wrong_shares_whose_errors_cancel(group: Group) -> None:
    x = scalars(group, 1)
    key, bases, error = decoded(group, group.base_mul(x)), points(group, 2), points(group, 1)
    right = prove_decryption.decrypt(group, bases, x[0])
    wrong = decoded(group, right + error.concat(-error))
    statement = decryption.Statement(bytes(32), "urna-1", "contest-1", 1, key, bases, wrong)
    proof = prove_decryption.prove(group, os.urandom, statement, x[0])
    with pytest.raises(CheckFailed) as caught:
        decryption.verify(group, os.urandom, statement, proof)
    assert caught.value.check is Check.DECRYPT_PROOF


def test_the_proof_of_another_trustee_with_its_own_key(group: Group) -> None:
    """Right shares of a key that is not the one of the statement."""
    case, x = decryption_case(group), scalars(group, 1)
    shares = decoded(group, prove_decryption.decrypt(group, case.statement.bases, x[0]))
    statement = replace(case.statement, shares=shares)
    proof = prove_decryption.prove(group, os.urandom, statement, x[0])
    with pytest.raises(CheckFailed) as caught:
        case.verify(statement, proof)
    assert caught.value.check is Check.DECRYPT_PROOF


@pytest.mark.parametrize("size", [0, 31, 33, 64])
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=kind) for kind, case in every_case() if kind in ("possession", "decryption")]
)
@pytest.mark.parametrize("field", ["commitment", "t1", "t2", "response"])
def test_fields_have_exactly_their_length(case: object, field: str, size: int) -> None:
    proof = case.proof  # type: ignore[attr-defined]
    if not hasattr(proof, field):
        field = "response"
    with pytest.raises(CheckFailed) as caught:
        case.verify(proof=replace(proof, **{field: bytes(size)}))  # type: ignore[attr-defined]
    assert caught.value.check is (Check.SCALAR if field == "response" else Check.ELEMENT)
    assert (caught.value.where, caught.value.party) == (WHERE, case.party)  # type: ignore[attr-defined]


def test_the_proof_of_one_degree_is_not_that_of_another(group: Group) -> None:
    case = possession_case(group, 3)
    for commitments in (case.statement.commitments.slice(0, 2), case.statement.commitments.concat(points(group, 1))):
        with pytest.raises(CheckFailed) as caught:
            possession.verify(group, replace(case.statement, commitments=commitments), case.proof)
        assert caught.value.check is Check.DKG_POP
