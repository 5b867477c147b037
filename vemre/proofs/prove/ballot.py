"""Proves knowledge of the randomness of every ciphertext of a ballot ("ballot-pok"). Source: protocol, section 7."""

from __future__ import annotations

from vemre.group import Group, Scalars
from vemre.proofs.ballot_pok import Proof, Statement
from vemre.types import Random


def prove(group: Group, random: Random, statement: Statement, randomness: Scalars) -> list[Proof]:
    """One proof per block, in order. `randomness` holds the r of each block."""
    nonces = group.random_scalars(len(statement.blocks), random)
    commitments = _chunks(group.base_mul(nonces).encode())
    challenges = group.scalars(map(statement.challenge, statement.blocks, commitments))
    responses = _chunks((nonces + challenges * randomness).encode())
    return list(map(Proof, commitments, responses))


def _chunks(data: bytes) -> list[bytes]:
    return [data[i : i + 32] for i in range(0, len(data), 32)]
