"""Proves possession of a polynomial's constant term ("dkg-pop")."""

from __future__ import annotations

from vemre.group import Group
from vemre.params import GROUP_ORDER
from vemre.proofs.possession import Proof, Statement
from vemre.types import Random


def prove(group: Group, random: Random, statement: Statement, secret: int) -> Proof:
    """A proof that `secret` is log A_j0."""
    k = group.random_scalars(1, random)
    commitment = group.base_mul(k).encode()
    response = (k[0] + statement.challenge(commitment) * secret) % GROUP_ORDER
    return Proof(commitment, group.scalars([response]).encode())
