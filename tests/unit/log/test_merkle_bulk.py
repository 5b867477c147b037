"""Hashing of many things at once gives what one by one gives."""

import os
from collections.abc import Callable

import pytest

from vemre.log import merkle

BOTH = [(merkle.leaf_hashes, merkle.node_hashes), (merkle.all_leaf_hashes, merkle.all_node_hashes)]


@pytest.mark.parametrize(("leaves", "nodes"), BOTH, ids=["python", "chosen"])
@pytest.mark.parametrize("count", [0, 1, 2, 255, 300])
def test_many_hashes_are_those_of_each(
    leaves: Callable[[list[bytes]], bytes], nodes: Callable[[bytes], bytes], count: int
) -> None:
    entries = [os.urandom(n) for n in range(count)]
    each = [merkle.leaf_hash(entry) for entry in entries]
    assert leaves(entries) == b"".join(each)
    pairs = zip(each[::2], each[1::2], strict=False)
    assert nodes(b"".join(each)) == b"".join(merkle.node_hash(left, right) for left, right in pairs)
