"""A3: a mixer that knows logarithms between the generators can open its permutation commitment to anything. The proof
here is a real forgery for such generators; verifiers derive theirs, so it is refused."""

from __future__ import annotations

import os

import pytest
from proof_cases import CONTEXT, decoded, points, scalars, shuffle_case

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Group, Scalars, load
from vemre.params import GROUP_ORDER
from vemre.proofs import shuffle

GROUP = load()
ROWS = 3


class TrapdooredGroup(type(GROUP)):  # type: ignore[misc]
    """H_i = h_i G, the h_i being known."""

    def __init__(self, trapdoors: Scalars) -> None:
        super().__init__()
        self.trapdoors = trapdoors

    def generators(self, count: int) -> Elements:
        return self.base_mul(self.trapdoors.slice(0, count))


def square_root(value: int) -> int | None:
    """Modulo l, which is 5 modulo 8."""
    root = pow(value, (GROUP_ORDER + 3) // 8, GROUP_ORDER)
    for candidate in (root, root * pow(2, (GROUP_ORDER - 1) // 4, GROUP_ORDER) % GROUP_ORDER):
        if candidate * candidate % GROUP_ORDER == value % GROUP_ORDER:
            return candidate
    return None


def forge(group: TrapdooredGroup) -> tuple[shuffle.Statement, bytes] | None:
    """Row 1 is an honest voter's, rows 2 and 3 are the mixer's own accomplices', with one choice M. Output 1 is row 1
    and row 2 added together: the honest vote becomes nonsense.

    The weighted sums of inputs and outputs agree for u' = (u_1, y, z) with y + z = u_2 + u_3 - u_1, and the product
    argument holds where y z = u_2 u_3. Half of all u allow it; None for the others.
    """
    key, honest, message = points(group, 1), points(group, 2), points(group, 1)
    known = scalars(group, 2)
    own = [encrypted(group, message, key, known.slice(i, i + 1)) for i in range(2)]
    inputs = decoded(group, honest.concat(*own))
    q = scalars(group, ROWS)
    noise = [encrypted(group, group.identity(), key, q.slice(i, i + 1)) for i in range(ROWS)]
    outputs = decoded(group, (honest + own[0] + noise[0]).concat(own[0] + noise[1], own[1] + noise[2]))
    statement = shuffle.Statement(CONTEXT, "urna-1", "contest-1", 2, 1, key, inputs, outputs)

    e = scalars(group, ROWS)
    c = group.base_mul(e)
    transcript = statement.transcript(c.encode())
    u = group.hash_scalars(transcript.challenge_bytes("u"), ROWS)
    total, product = u[1] + u[2] - u[0], u[1] * u[2]
    root = square_root(total * total - 4 * product)
    if root is None:
        return None
    half = pow(2, -1, GROUP_ORDER)
    free = group.scalars([u[0], (total + root) * half, (total - root) * half])

    x, o, o4, y, z = (scalars(group, count) for count in (ROWS, 3, 1, ROWS, ROWS))
    d = group.chain(group.generator_h(), x, free)
    hs = group.generators(ROWS)
    t = group.base_mul(o) + group.identity(2).concat(group.vartime_msm(z, hs))
    columns = [group.vartime_msm(z, shuffle.column(outputs, 1, 0, part)) for part in (0, 1)]
    t4 = columns[0].concat(columns[1]) - group.base_mul(o4).concat(group.fixed_mul(key, o4))
    before = group.generator_h().concat(d.slice(0, ROWS - 1))
    big_e = group.base_mul(y) + group.mul(before, z)
    challenge = shuffle.absorb_commitments(transcript, d.encode(), t.encode(), t4.encode(), big_e.encode())

    h = group.trapdoors
    randomness = (free[0] + free[1] - u[1]) * known[0] + (free[2] - u[2]) * known[1] + free.dot(q)
    opened = [e.sum() - h.sum(), x.dot(free.suffix_products()), u.dot(e) - free.dot(h)]
    s = o + group.scalars(opened).scale(challenge)
    s4 = o4 + group.scalars([randomness]).scale(challenge)
    responses = (s, s4, y + x.scale(challenge), z + free.scale(challenge))
    blob = b"".join([part.encode() for part in (c, d, t, t4, big_e)] + [part.encode() for part in responses])
    return statement, blob


def encrypted(group: Group, message: Elements, key: Elements, r: Scalars) -> Elements:
    return group.base_mul(r).concat(message + group.fixed_mul(key, r))


def test_a_forgery_by_trapdoored_generators_is_refused() -> None:
    group = TrapdooredGroup(scalars(GROUP, ROWS))
    statement, proof = next(found for found in iter(lambda: forge(group), 0) if found)
    shuffle.verify(group, os.urandom, statement, proof)
    with pytest.raises(CheckFailed) as caught:
        shuffle.verify(GROUP, os.urandom, statement, proof, where="tally/20", party="mixer/2")
    assert (caught.value.check, caught.value.where, caught.value.party) == (Check.SHUFFLE, "tally/20", "mixer/2")


@pytest.mark.parametrize("front", [True, False])
def test_supplied_generators_have_no_place_in_the_proof(front: bool) -> None:
    case = shuffle_case(GROUP)
    supplied = points(GROUP, case.statement.rows).encode()
    with pytest.raises(CheckFailed) as caught:
        case.verify(proof=supplied + case.proof if front else case.proof + supplied)
    assert (caught.value.check, caught.value.party) == (Check.SHUFFLE_LENGTH, "mixer/2")


def test_generators_are_derived_from_their_number_alone() -> None:
    """However many are asked for, and whoever asked before."""
    few, many = load().generators(2), load().generators(5)
    assert many.slice(0, 2).encode() == few.encode()
    assert type(GROUP)().generators(5).encode() == many.encode()
