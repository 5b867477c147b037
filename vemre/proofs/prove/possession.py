"""Proves possession of a polynomial's constant term ("dkg-pop"). Source: protocol, section 5.1b."""

from __future__ import annotations

from vemre.group import Group
from vemre.proofs.possession import Proof, Statement
from vemre.types import Random


def prove(group: Group, random: Random, statement: Statement, secret: int) -> Proof:
    """A proof that `secret` is log A_j0."""
    nonce = group.random_scalars(1, random)
    commitment = group.base_mul(nonce).encode()
    response = nonce + group.scalars([secret]).scale(statement.challenge(commitment))
    return Proof(commitment, response.encode())
