"""The proof of a shuffle of rows of w ciphertexts: "shuffle". Source: protocol, section 9.

Terelius-Wikstroem (2010) in the formulation of Haenni, Locher, Koenig, Dubuis (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

from vemre.checks import Check
from vemre.crypto.transcript import Transcript
from vemre.errors import CheckFailed
from vemre.group import Elements, Group, Scalars
from vemre.proofs.batch import Equations, Term
from vemre.proofs.parsing import located
from vemre.types import Random


@dataclass(frozen=True)
class Statement:
    """The rows before and after. Ciphertexts are flat: row by row, block by block, a then b (2wN elements)."""

    context: bytes
    urn: str
    contest: str
    mixer: int
    width: int
    joint_key: Elements
    inputs: Elements
    outputs: Elements

    @property
    def rows(self) -> int:
        """N."""
        return len(self.inputs) // (2 * self.width)

    def transcript(self, c: bytes) -> Transcript:
        """Everything up to the seed, `c` being the encodings of all C_j."""
        transcript = Transcript("shuffle", self.context)
        transcript.append_text("urn", self.urn)
        transcript.append_text("contest", self.contest)
        transcript.append_number("mixer", self.mixer)
        transcript.append_number("N", self.rows)
        transcript.append_number("w", self.width)
        transcript.append("Y", self.joint_key.encode())
        transcript.append_vector("in", self.inputs.encode())
        transcript.append_vector("out", self.outputs.encode())
        transcript.append_vector("C", c)
        return transcript


def proof_length(rows: int, width: int) -> int:
    """Bytes of a proof blob: C, D, T1..T3, T4, E, s1..s3, s4, sy, sz."""
    return 32 * (5 * rows + 3 * width + 6)


def elements_in_proof(rows: int, width: int) -> int:
    """How many elements a proof blob begins with: C, D, T1..T3, T4, E."""
    return 3 * rows + 2 * width + 3


@dataclass(frozen=True)
class Proof:
    """A decoded proof blob, and the encodings that the transcript absorbs."""

    c: Elements
    d: Elements
    t: Elements
    """T1, T2, T3."""
    t4: Elements
    """T4 as a, b per block (2w)."""
    e: Elements
    s: Scalars
    """s1, s2, s3."""
    s4: Scalars
    sy: Scalars
    sz: Scalars

    @classmethod
    def parse(cls, group: Group, data: bytes, rows: int, width: int, elements: Elements | None = None) -> Proof:
        """`elements` are those that the blob begins with, where they are decoded already.

        Raises CheckFailed(SHUFFLE-LENGTH, ELEMENT, IDENTITY or SCALAR).
        """
        if len(data) != proof_length(rows, width):
            raise CheckFailed(Check.SHUFFLE_LENGTH, "the proof has another length than its rows give")
        points = elements_in_proof(rows, width)
        if elements is None:
            elements = group.decode(data[: 32 * points])
        scalars = group.decode_scalars(data[32 * points :])
        c, d = elements.slice(0, rows), elements.slice(rows, 2 * rows)
        at = 2 * rows
        t, t4 = elements.slice(at, at + 3), elements.slice(at + 3, at + 3 + 2 * width)
        e = elements.slice(at + 3 + 2 * width, points)
        s, s4 = scalars.slice(0, 3), scalars.slice(3, 3 + width)
        sy = scalars.slice(3 + width, 3 + width + rows)
        sz = scalars.slice(3 + width + rows, 3 + width + 2 * rows)
        return cls(c, d, t, t4, e, s, s4, sy, sz)


def absorb_commitments(transcript: Transcript, d: bytes, t: bytes, t4: bytes, e: bytes) -> int:
    """The challenge c after list D, T1, T2, T3, list T4, list E (encodings)."""
    transcript.append_vector("D", d)
    for number, start in enumerate((0, 32, 64), start=1):
        transcript.append(f"T{number}", t[start : start + 32])
    transcript.append_vector("T4", t4)
    transcript.append_vector("E", e)
    return transcript.challenge("c")


def column(elements: Elements, width: int, block: int, part: int) -> Elements:
    """All a (part 0) or b (part 1) of one block, row by row."""
    return elements.strided(2 * block + part, 1, 2 * width)


def verify(
    group: Group,
    random: Random,
    statement: Statement,
    proof: bytes,
    *,
    where: str | None = None,
    party: str | None = None,
) -> None:
    """Raises CheckFailed(SHUFFLE-LENGTH, ELEMENT, IDENTITY, SCALAR or SHUFFLE)."""
    equations = Equations(group, random)
    add_to(equations, statement, proof, where=where, party=party)
    equations.verify()


def add_to(
    equations: Equations,
    statement: Statement,
    proof: bytes,
    *,
    elements: Elements | None = None,
    where: str | None = None,
    party: str | None = None,
) -> None:
    """As `verify`, as part of a batch; `elements` of the proof as for `Proof.parse`. Raises at once what parsing
    raises."""
    with located(where, party):
        rows, width = statement.rows, statement.width
        if rows < 2 or len(statement.inputs) != 2 * width * rows or len(statement.outputs) != len(statement.inputs):
            raise CheckFailed(Check.SHUFFLE_LENGTH, "inputs and outputs are not the same number of rows, two or more")
        parsed = Proof.parse(equations.group, proof, rows, width, elements)
    terms = _terms(equations, statement, parsed, Weights.draw(equations, rows, width))
    problem = "the proof of the shuffle does not verify"
    equations.add(Check.SHUFFLE, problem, terms, weighted=True, where=where, party=party)


@dataclass(frozen=True)
class Weights:
    """By what each equation of a proof is multiplied before all are added up."""

    single: Scalars
    """Of the equations of T1, T2 and T3."""
    columns: Scalars
    """Of those of T4, a and b per block (2w)."""
    chain: Scalars
    """Of those of E (N)."""

    @classmethod
    def draw(cls, equations: Equations, rows: int, width: int) -> Weights:
        """Fresh ones."""
        return cls(*map(equations.draw, (3, 2 * width, rows)))


def _terms(equations: Equations, statement: Statement, proof: Proof, weights: Weights) -> list[Term]:
    """The weighted sum of all equations. Every long vector stands in it once."""
    group, rows, width = equations.group, statement.rows, statement.width
    transcript = statement.transcript(proof.c.encode())
    u = group.hash_scalars(transcript.challenge_bytes("u"), rows)
    c = absorb_commitments(transcript, proof.d.encode(), proof.t.encode(), proof.t4.encode(), proof.e.encode())
    w1, w2, w3 = weights.single
    of_a, of_b = (weights.columns.take(range(part, 2 * width, 2)) for part in (0, 1))
    # sy_i G + sz_i D_(i-1) = E_i + c D_i for every i: D_i stands in the equations i and i+1, and D_0 is H. D_N stands
    # in the equation of T2 as well.
    of_before = weights.chain * proof.sz
    on_d = of_before.slice(1, rows).concat(group.scalars([-c * w2])) - weights.chain.scale(c)
    on_g = proof.s.dot(weights.single) - proof.s4.dot(of_a) + weights.chain.dot(proof.sy)
    return [
        # s1 G = T1 + c (sum C - sum H_i)
        # s2 G = T2 + c (D_N - (prod u) H)
        # s3 G + sum sz_i H_i = T3 + c sum u_j C_j
        # sum sz_i a'_i - s4 G = T4 + c sum u_j a_j for every block, and the same with b', Y and b
        (group.scalars([on_g]), equations.generator),
        (group.scalars([-proof.s4.dot(of_b)]), statement.joint_key),
        (group.scalars([w2 * c * u.product() + of_before[0]]), equations.generator_h),
        (u.scale(-c * w3).shift(-c * w1), proof.c),
        (proof.sz.scale(w3).shift(c * w1), equations.generators(rows)),
        (on_d, proof.d),
        (-weights.chain, proof.e),
        (-weights.single, proof.t),
        (-weights.columns, proof.t4),
        (proof.sz.outer(weights.columns), statement.outputs),
        (u.scale(-c).outer(weights.columns), statement.inputs),
    ]
