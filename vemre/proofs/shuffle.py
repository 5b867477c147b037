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
    def parse(cls, group: Group, data: bytes, rows: int, width: int) -> Proof:
        """Raises CheckFailed(SHUFFLE-LENGTH, ELEMENT, IDENTITY or SCALAR)."""
        if len(data) != proof_length(rows, width):
            raise CheckFailed(Check.SHUFFLE_LENGTH, "the proof has another length than its rows give")
        points = 3 * rows + 2 * width + 3
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
    return elements.take(range(2 * block + part, len(elements), 2 * width))


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
    equations: Equations, statement: Statement, proof: bytes, *, where: str | None = None, party: str | None = None
) -> None:
    """As `verify`, as part of a batch. Raises at once what parsing raises."""
    with located(where, party):
        rows, width = statement.rows, statement.width
        if rows < 2 or len(statement.inputs) != 2 * width * rows or len(statement.outputs) != len(statement.inputs):
            raise CheckFailed(Check.SHUFFLE_LENGTH, "inputs and outputs are not the same number of rows, two or more")
        parsed = Proof.parse(equations.group, proof, rows, width)
    for terms in _equations(equations, statement, parsed):
        equations.add(Check.SHUFFLE, "the proof of the shuffle does not verify", terms, where=where, party=party)


def _equations(equations: Equations, statement: Statement, proof: Proof) -> list[tuple[Term, ...]]:
    """The six families of equations; the N of the chain as one, by weights of their own."""
    group, rows, width = equations.group, statement.rows, statement.width
    transcript = statement.transcript(proof.c.encode())
    u = group.hash_scalars(transcript.challenge_bytes("u"), rows)
    c = absorb_commitments(transcript, proof.d.encode(), proof.t.encode(), proof.t4.encode(), proof.e.encode())
    g, h, y = equations.generator, equations.generator_h, statement.joint_key
    hs = equations.generators(rows)
    s1, s2, s3 = proof.s

    def once(value: int, element: Elements) -> Term:
        return group.scalars([value]), element

    def minus(element: Elements, index: int) -> Term:
        return once(-1, element.slice(index, index + 1))

    plus_c, minus_cu = group.scalars([c] * rows), u.scale(-c)
    found: list[tuple[Term, ...]] = [
        # s1 G = T1 + c (sum C - sum H_i)
        (once(s1, g), minus(proof.t, 0), (-plus_c, proof.c), (plus_c, hs)),
        # s2 G = T2 + c (D_N - (prod u) H)
        (once(s2, g), minus(proof.t, 1), once(-c, proof.d.slice(rows - 1, rows)), once(c * u.product(), h)),
        # s3 G + sum sz_i H_i = T3 + c sum u_j C_j
        (once(s3, g), (proof.sz, hs), minus(proof.t, 2), (minus_cu, proof.c)),
    ]
    for block in range(width):
        for part, base in ((0, g), (1, y)):
            # sum sz_i a'_i - s4 G = T4 + c sum u_j a_j
            outputs = column(statement.outputs, width, block, part)
            inputs = column(statement.inputs, width, block, part)
            blind = once(-proof.s4[block], base)
            found.append(((proof.sz, outputs), blind, minus(proof.t4, 2 * block + part), (minus_cu, inputs)))
    # sy_i G + sz_i D_(i-1) = E_i + c D_i for every i. D_i stands in the equations i and i+1.
    weights = group.random_weights(rows, equations.random)
    of_before = weights * proof.sz
    on_d = of_before.slice(1, rows).concat(group.scalars([0])) - weights.scale(c)
    found.append((once(weights.dot(proof.sy), g), once(of_before[0], h), (-weights, proof.e), (on_d, proof.d)))
    return found
