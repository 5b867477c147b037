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
    blinds = group.base_mul(fresh).interleave(group.fixed_mul(joint_key, fresh))
    moved = inputs.take([place for source in order for place in (2 * source, 2 * source + 1)])
    return moved + blinds, Witness(permutation, randomness)


def prove(group: Group, random: Random, statement: Statement, witness: Witness) -> bytes:
    """The proof blob."""
    rows, width, p = statement.rows, statement.width, witness.permutation
    hs, h = group.generators(rows), group.generator_h()

    r = group.random_scalars(rows, random)
    c = group.base_mul(r) + hs.take(_inverse(p))
    transcript = statement.transcript(c.encode())
    u = group.hash_scalars(transcript.challenge_bytes("u"), rows)
    permuted = u.take(p)
    x = group.random_scalars(rows, random)
    # D_i = X_i G + U_i H, so that E_i = y_i G + z_i D_(i-1) is a sum over these two bases as well.
    on_g, on_h = x.links(permuted)
    d = group.two_mul(h, on_g, on_h)

    o, o4 = group.random_scalars(3, random), group.random_scalars(width, random)
    nonce_y, nonce_z = group.random_scalars(rows, random), group.random_scalars(rows, random)
    blinds = group.base_mul(o)
    t = blinds.slice(0, 2).concat(blinds.slice(2, 3) + group.msm(nonce_z, hs))
    t4 = _t4(group, statement, nonce_z, o4)
    before_g = group.scalars([0]).concat(on_g.slice(0, rows - 1))
    before_h = group.scalars([1]).concat(on_h.slice(0, rows - 1))
    e = group.two_mul(h, nonce_y + nonce_z * before_g, nonce_z * before_h)
    challenge = absorb_commitments(transcript, d.encode(), t.encode(), t4.encode(), e.encode())

    # With v_N = 1 and v_i = u'_(i+1) v_(i+1), the chain's end is D_N = (sum x_i v_i) G + (prod u) H.
    s = o + group.scalars([r.sum(), x.dot(permuted.suffix_products()), r.dot(u)]).scale(challenge)
    q = [witness.randomness.take(range(block, rows * width, width)) for block in range(width)]
    s4 = o4 + group.scalars(column_.dot(u) for column_ in q).scale(challenge)
    sy, sz = nonce_y + x.scale(challenge), nonce_z + permuted.scale(challenge)
    points, scalars = (c, d, t, t4, e), (s, s4, sy, sz)
    return b"".join([*(part.encode() for part in points), *(part.encode() for part in scalars)])


def _t4(group: Group, statement: Statement, z: Scalars, o4: Scalars) -> Elements:
    """For each block sum z_i a'_i - o4 G and sum z_i b'_i - o4 Y."""
    width, outputs = statement.width, statement.outputs
    places = [(block, part) for block in range(width) for part in (0, 1)]
    sums = group.concat([group.msm(z, column(outputs, width, block, part)) for block, part in places])
    blinds = group.base_mul(o4).concat(group.fixed_mul(statement.joint_key, o4))
    return sums - blinds.take([part * width + block for block, part in places])


def _inverse(permutation: list[int]) -> list[int]:
    inverse = [0] * len(permutation)
    for i, source in enumerate(permutation):
        inverse[source] = i
    return inverse
