"""The canary of a drill: a ciphertext that nobody chose, which the trustees decrypt to show that the key works.

Everybody computes it alone from the drill's number, so a drill can decrypt nothing else. No secrets here.
Source: protocol, section 5.3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from vemre.election.blocks import decode_blocks, encode_blocks
from vemre.group import Elements, Group, Scalars
from vemre.params import BLOCK_BYTES
from vemre.proofs import threshold


@dataclass(frozen=True)
class Canary:
    """The block, and its encryption a = rG, b = M + rY (vectors of length one)."""

    block: bytes
    a: Elements
    b: Elements


def canary(group: Group, dkg_context: bytes, number: int, joint_key: Elements) -> Canary:
    """The canary of drill `number` (1, 2, ..) of the key generation with this context."""
    r = _randomness(group, dkg_context, number)
    suffix = dkg_context + number.to_bytes(4, "big")
    block = hashlib.sha512(b"VEMRE-1/drill-canary" + suffix).digest()[:BLOCK_BYTES]
    return Canary(block, group.base_mul(r), encode_blocks(group, block) + group.fixed_mul(joint_key, r))


def canary_base(group: Group, dkg_context: bytes, number: int) -> Elements:
    """a alone: what the trustees' shares are made from and proved against."""
    return group.base_mul(_randomness(group, dkg_context, number))


def _randomness(group: Group, dkg_context: bytes, number: int) -> Scalars:
    """r, which is no secret: everybody computes it."""
    return group.reduce_scalars(hashlib.sha512(b"VEMRE-1/drill-r" + dkg_context + number.to_bytes(4, "big")).digest())


def decrypts(group: Group, found: Canary, shares: Mapping[int, Elements]) -> bool:
    """Whether the shares of these trustees (t or more, verified, by number) decrypt the canary."""
    message = threshold.combine_shares(group, found.b, shares)
    return decode_blocks(group, message.encode()) == [found.block]
