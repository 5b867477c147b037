"""Elements that nobody knows the discrete logarithm of, derived from a label and a number [GENERATORS].

Source: protocol, section 1; expand_message_xmd of RFC 9380, section 5.3.1, with SHA-512.
"""

from __future__ import annotations

import hashlib
from typing import Final

from vemre.group.interface import Elements, Group
from vemre.params import NAME

HASH_BYTES: Final = 64
BLOCK_BYTES: Final = 128
"""Input block of SHA-512."""
UNIFORM_BYTES: Final = 64
"""What the one-way map takes."""


def derive_element(group: Group, label: str, index: int) -> Elements:
    """The element number `index` of `label`, as a vector of length one."""
    return group.one_way(generator_bytes(label, index))


def generator_bytes(label: str, index: int) -> bytes:
    """The 64 uniform bytes of derive_element(label, index), for the one-way map."""
    return expand_message_xmd(index.to_bytes(8, "big"), f"{NAME}/generator/{label}".encode("ascii"), UNIFORM_BYTES)


def expand_message_xmd(message: bytes, dst: bytes, length: int) -> bytes:
    """`length` uniform bytes (at most 255 * 64) with SHA-512 and a domain separation tag of at most 255 bytes.

    Raises ValueError beyond these limits.
    """
    blocks = -(-length // HASH_BYTES)
    if blocks > 255 or len(dst) > 255:
        raise ValueError("expand_message_xmd: out of its limits")
    tag = dst + bytes((len(dst),))
    first = hashlib.sha512(bytes(BLOCK_BYTES) + message + length.to_bytes(2, "big") + b"\0" + tag).digest()
    block = bytes(HASH_BYTES)
    output = b""
    for number in range(1, blocks + 1):
        mixed = bytes(a ^ b for a, b in zip(first, block, strict=True))
        block = hashlib.sha512(mixed + bytes((number,)) + tag).digest()
        output += block
    return output[:length]
