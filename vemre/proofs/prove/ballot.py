"""Proves knowledge of the randomness of every ciphertext of a ballot ("ballot-pok")."""

from __future__ import annotations

from vemre.group import Group, Scalars
from vemre.params import GROUP_ORDER
from vemre.proofs.ballot_pok import Proof, Statement
from vemre.types import Random


def prove(group: Group, random: Random, statement: Statement, randomness: Scalars) -> list[Proof]:
    """One proof per block, in order. `randomness` holds the r of each block."""
    nonces = group.random_scalars(len(statement.blocks), random)
    commitments = group.base_mul(nonces).encode()
    proofs = []
    for i, (block, k, r) in enumerate(zip(statement.blocks, nonces, randomness, strict=True)):
        commitment = commitments[32 * i : 32 * i + 32]
        response = (k + statement.challenge(block, commitment) * r) % GROUP_ORDER
        proofs.append(Proof(commitment, response.to_bytes(32, "little")))
    return proofs
