"""Blocks as group elements."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from vemre.election import blocks
from vemre.election.blocks import candidate, decode_blocks, encode_blocks
from vemre.errors import Refused
from vemre.group import load

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "protocol.json").read_text())
CASES: list[dict[str, Any]] = VECTORS["choice_blocks"]
GROUP = load("reference")


def test_vectors() -> None:
    data = b"".join(bytes.fromhex(case["block"]) for case in CASES)
    elements = b"".join(bytes.fromhex(case["element"]) for case in CASES)
    assert encode_blocks(GROUP, data).encode() == elements
    assert decode_blocks(GROUP, elements) == [bytes.fromhex(case["block"]) for case in CASES]
    for case in CASES:
        assert candidate(bytes.fromhex(case["block"]), case["counter"]).hex() == case["element"]


def test_nothing_is_nothing() -> None:
    assert encode_blocks(GROUP, b"").encode() == b""
    assert decode_blocks(GROUP, b"") == []


def test_repeated_blocks_keep_their_places() -> None:
    one, two = bytes(30), bytes(range(30))
    data = one + two + one + one
    assert decode_blocks(GROUP, encode_blocks(GROUP, data).encode()) == [one, two, one, one]


def test_half_a_block_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="30"):
        encode_blocks(GROUP, bytes(31))


def test_a_later_counter_carries_no_block() -> None:
    """Otherwise the counter could sign a ballot for a buyer."""
    block = bytes(30)
    works = [counter for counter in range(128) if GROUP.try_decode(candidate(block, counter))[0]]
    assert works[0] == 2
    elements = b"".join(candidate(block, counter) for counter in works)
    assert decode_blocks(GROUP, elements) == [block] + [None] * (len(works) - 1)
    # The order in which they stand does not matter.
    assert decode_blocks(GROUP, elements[-32:] + elements[:32]) == [None, block]


@pytest.mark.parametrize("number", range(8))
def test_one_bad_spelling_does_not_spoil_the_good_one(number: int) -> None:
    block = bytes([number]) * 30
    good = encode_blocks(GROUP, block).encode()
    bad = candidate(block, good[0] // 2 - 1) if good[0] else candidate(block, 1)
    assert decode_blocks(GROUP, bad + good) == [None, block]
    assert decode_blocks(GROUP, good + bad) == [block, None]


def test_elements_that_carry_no_block() -> None:
    identity = GROUP.identity().encode()
    others = GROUP.base_mul(GROUP.random_scalars(20, os.urandom)).encode()
    assert decode_blocks(GROUP, identity + others) == [None] * 21


def test_bytes_that_are_no_element_carry_no_block() -> None:
    element = bytes.fromhex(CASES[1]["element"])
    odd = bytes([element[0] | 1]) + element[1:]
    high = element[:-1] + b"\x01"
    undecodable = candidate(bytes(30), 1)
    assert decode_blocks(GROUP, odd + high + undecodable + element[:31]) == [None] * 4


def test_a_block_that_no_counter_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "COUNTERS", 2)
    with pytest.raises(Refused, match="block-not-encodable"):
        encode_blocks(GROUP, bytes(30))
