"""Blocks of 30 bytes as group elements and back, whole vectors at a time.

Source: protocol, section 4 (choice encoding). Encoding tries one counter after the other, so its time depends on the
block: it runs on the voter's own device, before anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from vemre.errors import Refused
from vemre.group import Elements, Group
from vemre.params import BLOCK_BYTES, ELEMENT_BYTES
from vemre.proofs import threshold

COUNTERS: Final = 128


def candidate(block: bytes, counter: int) -> bytes:
    """byte(2 * counter) || block || 0x00."""
    return bytes([2 * counter]) + block + b"\0"


def encode_blocks(group: Group, blocks: bytes) -> Elements:
    """Blocks (n * 30 bytes) as n elements. Raises Refused("block-not-encodable") where no counter works, which happens
    to one block in 10^16."""
    if len(blocks) % BLOCK_BYTES:
        raise ValueError(f"{len(blocks)} bytes, not a multiple of {BLOCK_BYTES}")
    each = [blocks[start : start + BLOCK_BYTES] for start in range(0, len(blocks), BLOCK_BYTES)]
    counters = _first_counters(group, dict.fromkeys(each, COUNTERS - 1))
    if None in counters.values():
        raise Refused("block-not-encodable")
    place = {block: index for index, block in enumerate(counters)}
    distinct = group.decode(b"".join(candidate(block, counter or 0) for block, counter in counters.items()))
    return distinct.take([place[block] for block in each])


def decode_blocks(group: Group, encodings: bytes) -> list[bytes | None]:
    """The block of each element (n * 32 bytes), or None for an element that carries none: the identity, bytes of
    another form, or a counter that is not the first that works."""
    each = [encodings[start : start + ELEMENT_BYTES] for start in range(0, len(encodings), ELEMENT_BYTES)]
    # Most votes of a batch are alike, so each element is looked at once.
    formed = {element for element in each if len(element) == ELEMENT_BYTES and not element[0] & 1 and not element[-1]}
    limits: dict[bytes, int] = {}
    for element in formed:
        block, counter = element[1 : 1 + BLOCK_BYTES], element[0] // 2
        limits[block] = max(counter, limits.get(block, 0))
    first = _first_counters(group, limits)
    found = {element: element[1 : 1 + BLOCK_BYTES] for element in formed if first[element[1:-1]] == element[0] // 2}
    return [found.get(element) for element in each]


def open_blocks(group: Group, payloads: Elements, shares: Mapping[int, Elements]) -> list[bytes | None]:
    """The block of each ciphertext, as `decode_blocks`, from its b in `payloads` and verified shares by trustee."""
    distinct, places = threshold.combine_distinct(group, payloads, shares)
    blocks = decode_blocks(group, distinct.encode())
    return [blocks[place] for place in places]


def _first_counters(group: Group, limits: dict[bytes, int]) -> dict[bytes, int | None]:
    """For each block the first counter, up to its limit, whose candidate is an element other than the identity."""
    found: dict[bytes, int | None] = dict.fromkeys(limits)
    open_: Iterable[bytes] = limits
    for counter in range(COUNTERS):
        waiting = [block for block in open_ if found[block] is None and limits[block] >= counter]
        if not waiting:
            break
        works = group.try_decode(b"".join(candidate(block, counter) for block in waiting))
        found.update((block, counter) for block, good in zip(waiting, works, strict=True) if good)
        open_ = waiting
    return found
