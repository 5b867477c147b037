"""What an honest prover makes is accepted; one bit of it changed is not."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proof_cases import ballot_case, decryption_case, points, possession_case, scalars, shuffle_case, shuffled

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Group
from vemre.proofs import shuffle, threshold
from vemre.proofs.prove import shuffle as prove_shuffle

REFUSALS = {Check.ELEMENT, Check.IDENTITY, Check.SCALAR}


@settings(max_examples=12, deadline=None)
@given(rows=st.integers(2, 6), width=st.integers(1, 4))
def test_shuffles(group: Group, rows: int, width: int) -> None:
    statement, witness = shuffled(group, rows, width)
    shuffle.verify(group, os.urandom, statement, prove_shuffle.prove(group, os.urandom, statement, witness))


@settings(max_examples=10, deadline=None)
@given(blocks=st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_ballots(group: Group, blocks: list[int]) -> None:
    ballot_case(group, tuple(blocks), "urna-2").verify()


@settings(max_examples=6, deadline=None)
@given(count=st.integers(1, 9))
def test_possessions_and_decryptions(group: Group, count: int) -> None:
    possession_case(group, count).verify()
    decryption_case(group, count).verify()


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_shuffle_with_one_bit_changed(group: Group, data: Any) -> None:
    case = shuffle_case(group, 3, 2)
    blob = bytearray(case.proof)
    bit = data.draw(st.integers(0, 8 * len(blob) - 1))
    blob[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(CheckFailed) as caught:
        case.verify(proof=bytes(blob))
    assert caught.value.check in REFUSALS | {Check.SHUFFLE}
    assert caught.value.party == "mixer/2"


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=2048))
def test_a_shuffle_proof_of_any_bytes(group: Group, data: bytes) -> None:
    with pytest.raises(CheckFailed) as caught:
        shuffle_case(group, 2, 1).verify(proof=data)
    assert caught.value.check in REFUSALS | {Check.SHUFFLE, Check.SHUFFLE_LENGTH}


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_quorum_gives_the_same(group: Group, data: Any) -> None:
    indices = data.draw(st.lists(st.integers(1, 2**32), min_size=1, max_size=6, unique=True))
    coefficients = data.draw(st.lists(st.integers(0, 2**252), min_size=1, max_size=len(indices)))
    values = [sum(c * k**m for m, c in enumerate(coefficients)) for k in indices]
    at_zero = group.scalars(threshold.lagrange_at_zero(indices)).dot(group.scalars(values))
    assert at_zero == group.scalars(coefficients)[0]


@settings(max_examples=8, deadline=None)
@given(trustees=st.integers(2, 5), data=st.data())
def test_shares_in_the_exponent_combine(group: Group, trustees: int, data: Any) -> None:
    needed = data.draw(st.integers(1, trustees))
    quorum = data.draw(st.permutations(range(1, trustees + 1)))[:needed]
    polynomial, messages, r = scalars(group, needed), points(group, 2), scalars(group, 2)
    commitments = group.base_mul(polynomial)
    a = group.base_mul(r)
    b = messages + group.fixed_mul(commitments.slice(0, 1), r)
    shares = {k: group.mul_by_one(a, sum(c * k**m for m, c in enumerate(polynomial))) for k in quorum}
    assert threshold.combine_shares(group, b, shares).encode() == messages.encode()
