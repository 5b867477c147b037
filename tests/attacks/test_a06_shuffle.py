"""A6: a mixer drops, doubles, replaces or adds ballots, mixes rows of another width, or proves too little. Every one is
refused, and the mixer is named."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from proof_cases import WHERE, chunks, decoded, points, scalars, shuffle_case, shuffled

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.group import Elements, Scalars, load
from vemre.params import GROUP_ORDER
from vemre.proofs import shuffle
from vemre.proofs.batch import Equations
from vemre.proofs.prove import shuffle as prove_shuffle

GROUP = load()
MIXER = "mixer/2"
Matrix = Sequence[Sequence[int]]


def refused(statement: shuffle.Statement, proof: bytes) -> Check:
    """The rule that refuses; the mixer is named."""
    with pytest.raises(CheckFailed) as caught:
        shuffle.verify(GROUP, os.urandom, statement, proof, where=WHERE, party=MIXER)
    assert (caught.value.where, caught.value.party) == (WHERE, MIXER)
    return caught.value.check


def proven(statement: shuffle.Statement, witness: prove_shuffle.Witness) -> bytes:
    return prove_shuffle.prove(GROUP, os.urandom, statement, witness)


def reencrypted(row: Elements, key: Elements) -> Elements:
    """A row of width one."""
    q = scalars(GROUP, 1)
    return row + GROUP.base_mul(q).concat(GROUP.fixed_mul(key, q))


# --- ballots -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [2, 3])
def test_a_dropped_ballot(rows: int) -> None:
    statement, witness = shuffled(GROUP, rows, 1)
    short = replace(statement, outputs=statement.outputs.slice(0, 2 * rows - 2))
    assert refused(short, proven(statement, witness)) is Check.SHUFFLE_LENGTH


def test_a_dropped_ballot_on_both_sides() -> None:
    """The proof is of a smaller batch than the one before."""
    statement, _ = shuffled(GROUP, 3, 1)
    less = replace(statement, inputs=statement.inputs.slice(0, 4))
    outputs, witness = prove_shuffle.shuffle(GROUP, os.urandom, statement.joint_key, less.inputs, 1)
    proof = proven(replace(less, outputs=outputs), witness)
    assert refused(replace(statement, outputs=outputs), proof) is Check.SHUFFLE_LENGTH
    padded = replace(statement, outputs=decoded(GROUP, outputs.concat(points(GROUP, 2))))
    assert refused(padded, proof) is Check.SHUFFLE_LENGTH


def test_a_doubled_ballot() -> None:
    """Output 2 is a second copy of what is in output 1, re-encrypted so that nobody sees it."""
    statement, witness = shuffled(GROUP, 3, 1)
    first = statement.outputs.slice(0, 2)
    copy = reencrypted(first, statement.joint_key)
    doubled = replace(statement, outputs=decoded(GROUP, first.concat(copy, statement.outputs.slice(4, 6))))
    assert refused(doubled, proven(doubled, witness)) is Check.SHUFFLE


def test_a_doubled_ballot_with_a_matching_map() -> None:
    """The mixer's own map sends one input to two outputs, and it proves that map."""
    statement, witness = shuffled(GROUP, 3, 1)
    chosen = [0, 0, 2]
    q = witness.randomness
    rows = GROUP.concat([statement.inputs.slice(2 * i, 2 * i + 2) for i in chosen])
    noise = GROUP.base_mul(q).concat(GROUP.fixed_mul(statement.joint_key, q))
    noise = noise.take([place for i in chosen for place in (i, 3 + i)])
    doubled = replace(statement, outputs=decoded(GROUP, rows + noise))
    assert refused(doubled, proven(doubled, prove_shuffle.Witness(chosen, q))) is Check.SHUFFLE


@pytest.mark.parametrize("row", range(3))
def test_a_replaced_ballot(row: int) -> None:
    statement, witness = shuffled(GROUP, 3, 1)
    outputs = statement.outputs
    own = points(GROUP, 2)
    forged = outputs.slice(0, 2 * row).concat(own, outputs.slice(2 * row + 2, 6))
    replaced = replace(statement, outputs=decoded(GROUP, forged))
    assert refused(replaced, proven(replaced, witness)) is Check.SHUFFLE


def test_an_added_ballot() -> None:
    statement, witness = shuffled(GROUP, 3, 1)
    more = replace(statement, outputs=statement.outputs.concat(points(GROUP, 2)))
    assert refused(more, proven(statement, witness)) is Check.SHUFFLE_LENGTH


def test_an_added_ballot_on_both_sides() -> None:
    """The proof is of a larger batch than the one before."""
    statement, _ = shuffled(GROUP, 3, 1)
    stuffed, witness = shuffled(GROUP, 4, 1)
    stuffed = replace(stuffed, inputs=statement.inputs.concat(points(GROUP, 2)), joint_key=statement.joint_key)
    proof = proven(stuffed, witness)
    assert refused(replace(statement, outputs=stuffed.outputs), proof) is Check.SHUFFLE_LENGTH


def test_another_batch() -> None:
    """A proof that is right, of other ciphertexts."""
    case = shuffle_case(GROUP)
    other, _ = shuffled(GROUP, case.statement.rows, case.statement.width)
    assert refused(other, case.proof) is Check.SHUFFLE


# --- width ---------------------------------------------------------------------------------------------------


def test_blocks_mixed_as_if_they_were_rows() -> None:
    """Two rows of two blocks, mixed as four rows of one: the halves of choices change places."""
    statement, witness = shuffled(GROUP, 4, 1)
    proof = proven(statement, witness)
    shuffle.verify(GROUP, os.urandom, statement, proof)
    assert refused(replace(statement, width=2), proof) is Check.SHUFFLE_LENGTH


def test_rows_mixed_as_if_they_were_blocks() -> None:
    statement, witness = shuffled(GROUP, 2, 2)
    assert refused(replace(statement, width=1), proven(statement, witness)) is Check.SHUFFLE_LENGTH


def test_blocks_of_a_row_under_different_permutations() -> None:
    """Each block for itself is shuffled honestly."""
    statement, witness = shuffled(GROUP, 2, 2)
    swapped = statement.outputs.take([0, 1, 6, 7, 4, 5, 2, 3])
    crossed = replace(statement, outputs=swapped)
    assert refused(crossed, proven(crossed, witness)) is Check.SHUFFLE


def test_a_column_left_out_of_the_proof() -> None:
    """b replaced while every a is shuffled honestly."""
    statement, witness = shuffled(GROUP, 2, 1)
    a, b = shuffle.column(statement.outputs, 1, 0, 0), points(GROUP, 2)
    forged = replace(statement, outputs=decoded(GROUP, a.concat(b).take([0, 2, 1, 3])))
    assert refused(forged, proven(forged, witness)) is Check.SHUFFLE


# --- length --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cut",
    [
        lambda proof: b"",
        lambda proof: proof[:-1],
        lambda proof: proof[:-32],
        lambda proof: proof[32:],
        lambda proof: proof + b"\0",
        lambda proof: proof + bytes(32),
        lambda proof: proof * 2,
    ],
)
def test_a_proof_of_another_length(cut: Callable[[bytes], bytes]) -> None:
    case = shuffle_case(GROUP)
    assert refused(case.statement, cut(case.proof)) is Check.SHUFFLE_LENGTH


def test_fewer_than_two_rows_have_no_proof() -> None:
    statement, _ = shuffled(GROUP, 2, 1)
    one = replace(statement, inputs=statement.inputs.slice(0, 2), outputs=statement.outputs.slice(0, 2))
    assert refused(one, bytes(shuffle.proof_length(1, 1))) is Check.SHUFFLE_LENGTH
    none = replace(statement, inputs=GROUP.identity(0), outputs=GROUP.identity(0))
    assert refused(none, bytes(shuffle.proof_length(0, 1))) is Check.SHUFFLE_LENGTH


# --- commitments that are no permutation ---------------------------------------------------------------------
# Each forgery satisfies all families of equations but one, so each family is shown to be needed.


def outputs_of(statement: shuffle.Statement, matrix: Matrix, q: Scalars) -> Elements:
    """Output i is the sum of matrix[i][j] times input j, re-encrypted with q_i."""
    found = []
    for i, row in enumerate(matrix):
        for part, base in ((0, GROUP.generator()), (1, statement.joint_key)):
            combined = GROUP.vartime_msm(GROUP.scalars(row), shuffle.column(statement.inputs, 1, 0, part))
            found.append(combined + GROUP.mul_by_one(base, q[i]))
    return decoded(GROUP, GROUP.concat(found))


def transposed(matrix: Matrix) -> list[list[int]]:
    return [list(column) for column in zip(*matrix, strict=True)]


def forge(committed: Matrix, mixed: Matrix, *, false_end: bool = False) -> tuple[shuffle.Statement, bytes]:
    """A shuffle by any orthogonal matrix, and a proof that does all that can be done: u' = `mixed` u. `committed` is
    in the permutation commitment. With `false_end`, the chain jumps at its end to the product that is asked for."""
    rows = len(mixed)
    statement, _ = shuffled(GROUP, rows, 1)
    q = scalars(GROUP, rows)
    statement = replace(statement, outputs=outputs_of(statement, mixed, q))
    hs, h = GROUP.generators(rows), GROUP.generator_h()
    r, x, o, o4, y, z = (scalars(GROUP, count) for count in (rows, rows, 3, 1, rows, rows))
    sums = [GROUP.vartime_msm(GROUP.scalars(column), hs) for column in transposed(committed)]
    c = GROUP.base_mul(r) + GROUP.concat(sums)
    transcript = statement.transcript(c.encode())
    u = GROUP.hash_scalars(transcript.challenge_bytes("u"), rows)
    used = GROUP.scalars(GROUP.scalars(row).dot(u) for row in mixed)

    d = GROUP.chain(h, x, used)
    end = x.dot(used.suffix_products())
    if false_end:
        end = x[rows - 1]
        jump = GROUP.base_mul(x.slice(rows - 1, rows)) + GROUP.mul_by_one(h, u.product())
        d = d.slice(0, rows - 1).concat(jump)
    t = GROUP.base_mul(o) + GROUP.identity(2).concat(GROUP.vartime_msm(z, hs))
    columns = [GROUP.vartime_msm(z, shuffle.column(statement.outputs, 1, 0, part)) for part in (0, 1)]
    t4 = columns[0].concat(columns[1]) - GROUP.base_mul(o4).concat(GROUP.fixed_mul(statement.joint_key, o4))
    e = GROUP.base_mul(y) + GROUP.mul(h.concat(d.slice(0, rows - 1)), z)
    challenge = shuffle.absorb_commitments(transcript, d.encode(), t.encode(), t4.encode(), e.encode())

    s = o + GROUP.scalars([r.sum(), end, r.dot(u)]).scale(challenge)
    s4 = o4 + GROUP.scalars([used.dot(q)]).scale(challenge)
    responses = (s, s4, y + x.scale(challenge), z + used.scale(challenge))
    return statement, b"".join(part.encode() for part in (c, d, t, t4, e, *responses))


def broken_families(statement: shuffle.Statement, blob: bytes) -> set[int]:
    """Which of the six families of equations do not hold (with one block the fourth and fifth are one each)."""
    equations = Equations(GROUP, os.urandom)
    parsed = shuffle.Proof.parse(GROUP, blob, statement.rows, 1)
    broken = set()
    none = [0] * 3, [0] * 2, [0] * statement.rows
    families = [([int(i == k) for i in range(3)], *none[1:]) for k in range(3)]
    families += [(none[0], [int(i == k) for i in range(2)], none[2]) for k in range(2)]
    families.append((*none[:2], list(GROUP.random_weights(statement.rows, os.urandom))))
    for family, chosen in enumerate(families, start=1):
        weights = shuffle.Weights(*map(GROUP.scalars, chosen))
        equations.add(Check.SHUFFLE, "", shuffle._terms(equations, statement, parsed, weights))
        try:
            equations.verify()
        except CheckFailed:
            broken.add(family)
    return broken


def permutation(*sources: int) -> list[list[int]]:
    return [[int(j == source) for j in range(len(sources))] for source in sources]


THIRD = pow(3, -1, GROUP_ORDER)
NEGATED = [[-1, 0], [0, -1]]
"""Turns every vote into its negative, which is no encoding of anything. The product of two signs is one."""
REFLECTED = [[2 * THIRD - (i == j) for j in range(3)] for i in range(3)]
"""Rows and columns add up to one, and the matrix is orthogonal: no permutation, and all votes become nonsense."""
FORGERIES = {
    "the sum of the commitments": (1, lambda: forge(NEGATED, NEGATED)),
    "the product": (2, lambda: forge(REFLECTED, REFLECTED)),
    "the commitment opened": (3, lambda: forge(permutation(0, 1, 2), permutation(1, 2, 0))),
    "the chain": (6, lambda: forge(REFLECTED, REFLECTED, false_end=True)),
}


def test_the_forger_is_able_to_prove_what_is_right() -> None:
    statement, proof = forge(permutation(2, 0, 1), permutation(2, 0, 1))
    shuffle.verify(GROUP, os.urandom, statement, proof)


@pytest.mark.parametrize(("family", "make"), FORGERIES.values(), ids=FORGERIES)
def test_no_permutation(family: int, make: Callable[[], tuple[shuffle.Statement, bytes]]) -> None:
    statement, proof = make()
    assert broken_families(statement, proof) == {family}
    assert refused(statement, proof) is Check.SHUFFLE


@pytest.mark.parametrize("part", [0, 1])
def test_one_column_of_the_outputs_moved(part: int) -> None:
    """The statement is honest about what was moved; only the equation of that column can tell."""
    statement, witness = shuffled(GROUP, 2, 1)
    moved = chunks(statement.outputs.encode())
    moved[part] = (GROUP.decode(moved[part]) + GROUP.generator()).encode()
    forged = replace(statement, outputs=GROUP.decode(b"".join(moved)))
    proof = proven(forged, witness)
    assert broken_families(forged, proof) == {4 + part}
    assert refused(forged, proof) is Check.SHUFFLE


def test_errors_along_the_chain_that_cancel_are_refused() -> None:
    """The N equations of the chain are checked by weights that the mixer cannot foresee, not by their plain sum."""
    rows = 3
    statement, witness = shuffled(GROUP, rows, 1)

    class Moved(type(GROUP)):  # type: ignore[misc]
        """Adds G to E_1 and takes it from E_2 as the mixer makes them, after D."""

        calls = 0

        def two_mul(self, base: Elements, xs: Scalars, us: Scalars) -> Elements:
            self.calls += 1
            error = self.generator().concat(-self.generator(), self.identity(rows - 2))
            made = super().two_mul(base, xs, us)
            return made if self.calls == 1 else made + error

    proof = prove_shuffle.prove(Moved(), os.urandom, statement, witness)
    assert broken_families(statement, proof) == {6}
    assert refused(statement, proof) is Check.SHUFFLE
