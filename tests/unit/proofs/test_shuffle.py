"""Shuffles and their proofs: what comes out, the blob, the permutation."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations, product

import pytest
from proof_cases import CONTEXT, chunks, decoded, points, scalars, shuffle_case, shuffled

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.group.reference import ReferenceGroup
from vemre.proofs import shuffle
from vemre.proofs.prove import shuffle as prove_shuffle
from vemre.types import Random

SIZES = [(2, 1), (3, 1), (5, 1), (2, 2), (3, 2), (5, 2), (2, 3), (3, 3), (5, 3)]


@pytest.mark.parametrize(("rows", "width"), SIZES)
def test_what_is_proven_verifies(group: Group, rows: int, width: int) -> None:
    case = shuffle_case(group, rows, width)
    assert len(case.proof) == shuffle.proof_length(rows, width) == 32 * (5 * rows + 3 * width + 6)
    case.verify()


@pytest.mark.parametrize(("rows", "width"), [(3, 1), (4, 2)])
def test_outputs_hold_the_rows_in_the_order_of_the_permutation(group: Group, rows: int, width: int) -> None:
    secret = scalars(group, 1)
    key, messages = group.base_mul(secret), points(group, rows * width)
    r = scalars(group, rows * width)
    a, b = group.base_mul(r), messages + group.fixed_mul(key, r)
    inputs = a.concat(b).take([place for i in range(len(a)) for place in (i, len(a) + i)])
    outputs, witness = prove_shuffle.shuffle(group, os.urandom, key, inputs, width)

    even, odd = range(0, len(outputs), 2), range(1, len(outputs), 2)
    opened = outputs.take(odd) - group.mul_by_one(outputs.take(even), secret[0])
    before = chunks(messages.encode())
    expected = [before[source * width + k] for source in witness.permutation for k in range(width)]
    assert chunks(opened.encode()) == expected
    assert sorted(witness.permutation) == list(range(rows))
    assert not set(chunks(inputs.encode())) & set(chunks(outputs.encode()))


def test_parts_of_the_blob_stand_in_the_order_of_the_protocol(group: Group) -> None:
    rows, width = 3, 2
    blob = shuffle_case(group, rows, width).proof
    proof = shuffle.Proof.parse(group, blob, rows, width)
    parts = (proof.c, proof.d, proof.t, proof.t4, proof.e, proof.s, proof.s4, proof.sy, proof.sz)
    assert [len(part) for part in parts] == [3, 3, 3, 4, 3, 3, 2, 3, 3]
    assert b"".join(part.encode() for part in parts) == blob


def test_a_column_is_one_part_of_one_block(group: Group) -> None:
    elements = points(group, 8)
    encodings = chunks(elements.encode())
    assert chunks(shuffle.column(elements, 2, 1, 0).encode()) == [encodings[2], encodings[6]]
    assert chunks(shuffle.column(elements, 2, 0, 1).encode()) == [encodings[1], encodings[5]]


@pytest.mark.parametrize("more", ["inputs", "outputs"])
def test_half_a_row_too_many(group: Group, more: str) -> None:
    case = shuffle_case(group, 3, 2)
    longer = getattr(case.statement, more).concat(points(group, 2))
    with pytest.raises(CheckFailed) as caught:
        case.verify(replace(case.statement, **{more: longer}))
    assert (caught.value.check, caught.value.party) == (Check.SHUFFLE_LENGTH, case.party)


def test_two_proofs_of_one_shuffle_differ(group: Group) -> None:
    statement, witness = shuffled(group, 2, 1)
    one, two = (prove_shuffle.prove(group, os.urandom, statement, witness) for _ in range(2))
    assert not set(chunks(one)) & set(chunks(two))


def test_a_witness_never_shows_itself(group: Group) -> None:
    _, witness = shuffled(group, 2, 1)
    assert "permutation" not in repr(witness)
    assert str(list(witness.permutation)) not in repr(witness)


def test_secrets_stay_out_of_variable_time_where_it_is_kept() -> None:
    """A back end that is constant-time gets no `vartime_` call from a prover."""

    class Constant(ReferenceGroup):
        constant_time = True

        def vartime_msm(self, *_: object) -> Elements:  # type: ignore[override]
            raise AssertionError("variable time with a secret")

        vartime_msm_terms = vartime_mul_by_one = vartime_msm  # type: ignore[assignment]

    group = Constant()
    statement, witness = shuffled(group, 3, 2)
    proof = prove_shuffle.prove(group, os.urandom, statement, witness)
    shuffle.verify(ReferenceGroup(), os.urandom, statement, proof)


# --- the permutation -----------------------------------------------------------------------------------------


def stream(values: tuple[int, ...]) -> Random:
    """These bytes one by one, and a failure where more are asked for."""
    left: Iterator[int] = iter(values)
    return lambda count: bytes(next(left) for _ in range(count))


def test_every_permutation_of_three_is_as_likely() -> None:
    """Over all streams of bytes that draw it: 255 is refused for three places, since 256 is no multiple of three."""
    counts = Counter(
        tuple(prove_shuffle.draw_permutation(3, stream((first, second))))
        for first, second in product(range(255), range(256))
    )
    assert counts == dict.fromkeys(permutations(range(3)), 255 * 256 // 6)


def test_every_permutation_of_four_is_as_likely() -> None:
    counts = Counter(
        tuple(prove_shuffle.draw_permutation(4, stream(values))) for values in product(range(12), repeat=3)
    )
    assert counts == dict.fromkeys(permutations(range(4)), 12**3 // 24)


def test_bytes_that_would_favour_some_are_drawn_again() -> None:
    expected = prove_shuffle.draw_permutation(3, stream((7, 1)))
    assert prove_shuffle.draw_permutation(3, stream((255, 255, 7, 1))) == expected
    with pytest.raises((RuntimeError, StopIteration)):
        prove_shuffle.draw_permutation(3, stream((255, 1)))


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 257, 1000])
def test_a_permutation_has_everything_once(count: int) -> None:
    assert sorted(prove_shuffle.draw_permutation(count, os.urandom)) == list(range(count))


def test_every_output_may_come_from_every_input() -> None:
    """Also where indices take two bytes."""
    drawn = [prove_shuffle.draw_permutation(300, os.urandom) for _ in range(40)]
    highest = max(max(permutation[:10]) for permutation in drawn)
    assert highest > 256
    assert len({permutation[0] for permutation in drawn}) > 20


def test_the_statement_counts_its_rows(group: Group) -> None:
    statement, _ = shuffled(group, 3, 2)
    assert (statement.rows, statement.context) == (3, CONTEXT)
    assert decoded(group, statement.outputs).encode() == statement.outputs.encode()
