"""Makes decryption shares and proves them ("decrypt"). Source: protocol, section 10."""

from __future__ import annotations

from vemre.group import Elements, Group
from vemre.proofs.decryption import Proof, Statement, challenge, combine
from vemre.types import Random


def decrypt(group: Group, bases: Elements, secret: int) -> Elements:
    """S_i = x a_i."""
    return group.mul_by_one(bases, secret)


def prove(group: Group, random: Random, statement: Statement, secret: int) -> Proof:
    """A proof that all shares of the statement were made with `secret`."""
    transcript = statement.transcript()
    d = combine(group, transcript, statement)
    nonce = group.random_scalars(1, random)
    # P is public: the nonce multiplies it alone.
    p = group.vartime_msm(d, statement.bases)
    t1, t2 = group.base_mul(nonce).encode(), group.mul(p, nonce).encode()
    response = nonce + group.scalars([secret]).scale(challenge(transcript, t1, t2))
    return Proof(t1, t2, response.encode())
