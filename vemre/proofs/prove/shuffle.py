"""Shuffles a batch and proves it ("shuffle"). Source: protocol, section 9."""

from __future__ import annotations

from dataclasses import dataclass

from vemre.group import Elements, Group, Scalars
from vemre.proofs.shuffle import Statement, absorb_commitments, column
from vemre.types import Random


def draw_permutation(count: int, random: Random) -> list[int]:
    """A uniform permutation of range(count) by Fisher-Yates, with unbiased indices."""
    permutation = list(range(count))
    for i in range(count - 1, 0, -1):
        j = _below(i + 1, random)
        permutation[i], permutation[j] = permutation[j], permutation[i]
    return permutation


def _below(bound: int, random: Random) -> int:
    """A uniform integer in [0, bound), by rejection."""
    width = (bound.bit_length() + 7) // 8
    limit = 256**width // bound * bound
    while (drawn := int.from_bytes(random(width), "big")) >= limit:
        pass
    return drawn % bound


@dataclass(repr=False)
class Witness:
    """What the mixer alone knows: output i comes from input permutation[i], input j (row) is re-encrypted with
    randomness[j * w + k] in block k."""

    permutation: list[int]
    randomness: Scalars


def shuffle(
    group: Group, random: Random, joint_key: Elements, inputs: Elements, width: int
) -> tuple[Elements, Witness]:
    """Re-encrypt and permute rows of `width` ciphertexts (flat: row, block, a then b)."""
    rows = len(inputs) // (2 * width)
    permutation = draw_permutation(rows, random)
    randomness = group.random_scalars(rows * width, random)
    order = [source * width + block for source in permutation for block in range(width)]
    fresh = randomness.take(order)
    a = inputs.take([2 * place for place in order]) + group.base_mul(fresh)
    b = inputs.take([2 * place + 1 for place in order]) + group.fixed_mul(joint_key, fresh)
    both = a.concat(b)
    count = len(order)
    outputs = both.take([place for i in range(count) for place in (i, count + i)])
    return outputs, Witness(permutation, randomness)


def prove(group: Group, random: Random, statement: Statement, witness: Witness) -> bytes:
    """The proof blob."""
    rows, width, y = statement.rows, statement.width, statement.joint_key
    p = witness.permutation
    hs, h = group.generators(rows), group.generator_h()
    inverse = [0] * rows
    for i, source in enumerate(p):
        inverse[source] = i
    r = group.random_scalars(rows, random)
    c = group.base_mul(r) + hs.take(inverse)
    transcript = statement.transcript(c.encode())
    u = group.hash_scalars(transcript.challenge_bytes("u"), rows)
    permuted = u.take(p)

    x = group.random_scalars(rows, random)
    d = group.chain(h, x, permuted)
    o = group.random_scalars(3, random)
    o4 = group.random_scalars(width, random)
    sy0, sz0 = group.random_scalars(rows, random), group.random_scalars(rows, random)
    t = group.base_mul(o)
    t3 = t.slice(2, 3) + group.vartime_msm(sz0, hs)
    t = t.slice(0, 2).concat(t3)
    t4_parts = []
    minus = -o4
    base, key = group.base_mul(minus), group.fixed_mul(y, minus)
    for block in range(width):
        for part, blind in ((0, base), (1, key)):
            total = group.vartime_msm(sz0, column(statement.outputs, width, block, part))
            t4_parts.append(total + blind.slice(block, block + 1))
    t4 = group.concat(t4_parts)
    before = h.concat(d.slice(0, rows - 1))
    e = group.base_mul(sy0) + group.mul(before, sz0)
    challenge = absorb_commitments(transcript, d.encode(), t.encode(), t4.encode(), e.encode())

    v = permuted.suffix_products()
    s = group.scalars(
        [
            o[0] + challenge * r.sum(),
            o[1] + challenge * x.dot(v),
            o[2] + challenge * r.dot(u),
        ]
    )
    s4 = group.scalars(
        o4[block] + challenge * witness.randomness.take(range(block, rows * width, width)).dot(u)
        for block in range(width)
    )
    sy = sy0 + x.scale(challenge)
    sz = sz0 + permuted.scale(challenge)
    points = (c, d, t, t4, e)
    return b"".join([*(part.encode() for part in points), *(part.encode() for part in (s, s4, sy, sz))])
