"""The Merkle tree against RFC 6962's own recursion, at the sizes where tiles begin and end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.merkle import Frontier

SIZES = [0, 1, 2, 3, 5, 7, 8, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537]
LEAVES = [hashlib.sha256(b"leaf %d" % i).digest() for i in range(max(SIZES))]
Root = Callable[[Sequence[bytes]], bytes]


class Rows:
    """Every perfect subtree of LEAVES: a hash reader."""

    def __init__(self) -> None:
        self.rows = [LEAVES]
        while len(self.rows[-1]) > 1:
            row = self.rows[-1]
            self.rows.append([merkle.node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])

    def __call__(self, level: int, index: int) -> bytes:
        return self.rows[level][index]


@pytest.fixture(scope="module")
def read() -> Rows:
    return Rows()


def refused(check: Callable[[], None], match: str) -> None:
    with pytest.raises(CheckFailed, match=match) as caught:
        check()
    assert caught.value.check == Check.LOG


@pytest.mark.parametrize("size", SIZES)
def test_roots(size: int, read: Rows, oracle_root: Root) -> None:
    expected = oracle_root(LEAVES[:size])
    assert merkle.root(LEAVES[:size]) == expected
    assert merkle.subtree_hash(0, size, read) == expected
    assert Frontier.read(size, read).root() == expected


def test_frontier_gives_each_completed_subtree(read: Rows) -> None:
    frontier = Frontier()
    for index, leaf in enumerate(LEAVES[:600]):
        for level, hash_ in enumerate(frontier.append(leaf)):
            assert hash_ == read(level, index >> level)
    restored = Frontier(frontier.size, frontier.hashes)
    copy = frontier.copy()
    copy.append(LEAVES[600])
    assert restored.root() == frontier.root() == merkle.root(LEAVES[:600])
    assert copy.root() == merkle.root(LEAVES[:601])


@pytest.mark.parametrize(("size", "count"), [(-1, 1), (0, 1), (3, 1), (4, 2)])
def test_frontier_refuses_a_wrong_number_of_hashes(size: int, count: int) -> None:
    with pytest.raises(ValueError, match="one hash for each set bit"):
        Frontier(size, [bytes(32)] * count)


@pytest.mark.parametrize("size", [s for s in SIZES if s])
def test_inclusion(size: int, read: Rows) -> None:
    root = merkle.root(LEAVES[:size])
    for index in sorted({0, 1, size // 2, size - 2, size - 1} & set(range(size))):
        proof = merkle.inclusion_proof(index, size, read)
        merkle.verify_inclusion(index, size, LEAVES[index], proof, root)
        for damaged in damage(proof):
            with pytest.raises(CheckFailed):
                merkle.verify_inclusion(index, size, LEAVES[index], damaged, root)
        with pytest.raises(CheckFailed):
            merkle.verify_inclusion(index, size, bytes(32), proof, root)
        with pytest.raises(CheckFailed):
            merkle.verify_inclusion(index, size, LEAVES[index], proof, bytes(32))
        if size > 1:
            with pytest.raises(CheckFailed):
                merkle.verify_inclusion(index ^ 1 if index ^ 1 < size else index - 1, size, LEAVES[index], proof, root)


@pytest.mark.parametrize("new", SIZES)
def test_consistency(new: int, read: Rows) -> None:
    new_root = merkle.root(LEAVES[:new])
    for old in sorted({0, 1, 2, 3, 255, 256, 257, new // 2, new - 1, new} & set(range(new + 1))):
        old_root = merkle.root(LEAVES[:old])
        proof = merkle.consistency_proof(old, new, read)
        merkle.verify_consistency(old, new, old_root, new_root, proof)
        for damaged in damage(proof):
            with pytest.raises(CheckFailed):
                merkle.verify_consistency(old, new, old_root, new_root, damaged)
        with pytest.raises(CheckFailed):
            merkle.verify_consistency(old, new, bytes(32), new_root, proof)
        if old:
            with pytest.raises(CheckFailed):
                merkle.verify_consistency(old, new, old_root, bytes(32), proof)


def damage(proof: list[bytes]) -> list[list[bytes]]:
    """One hash too many at either end, one missing, one altered."""
    damaged = [[*proof, bytes(32)], [bytes(32), *proof]]
    if proof:
        damaged += [proof[:-1], proof[1:], [bytes(32), *proof[1:]], [*proof[:-1], bytes(32)]]
    return damaged


def test_refusals_say_what_is_wrong(read: Rows) -> None:
    root, leaf = merkle.root(LEAVES[:7]), LEAVES[3]
    proof = merkle.inclusion_proof(3, 7, read)
    refused(lambda: merkle.verify_inclusion(7, 7, leaf, proof, root), "not in a tree")
    refused(lambda: merkle.verify_inclusion(-1, 7, leaf, proof, root), "not in a tree")
    refused(lambda: merkle.verify_inclusion(3, 7, leaf, proof[:-1], root), "too short")
    refused(lambda: merkle.verify_inclusion(3, 7, leaf, [*proof, leaf], root), "too long")
    refused(lambda: merkle.verify_inclusion(3, 7, leaf, proof, leaf), "lead to the root")
    old = merkle.root(LEAVES[:3])
    proof = merkle.consistency_proof(3, 7, read)
    refused(lambda: merkle.verify_consistency(8, 7, old, root, proof), "no prefix")
    refused(lambda: merkle.verify_consistency(3, 7, old, root, []), "empty")
    refused(lambda: merkle.verify_consistency(4, 7, merkle.root(LEAVES[:4]), root, []), "empty")
    refused(lambda: merkle.verify_consistency(3, 7, old, root, proof[:-1]), "too short")
    refused(lambda: merkle.verify_consistency(3, 7, old, root, [*proof, leaf]), "too long")
    refused(lambda: merkle.verify_consistency(3, 7, leaf, root, proof), "old root")
    refused(lambda: merkle.verify_consistency(3, 7, old, leaf, proof), "new root")
    refused(lambda: merkle.verify_consistency(7, 7, root, leaf, []), "two roots of one size")
    refused(lambda: merkle.verify_consistency(7, 7, root, root, [leaf]), "none is needed")
    refused(lambda: merkle.verify_consistency(0, 7, leaf, root, []), "empty tree")


def test_generation_refuses_what_is_not_in_the_tree(read: Rows) -> None:
    for index, size in [(0, 0), (7, 7), (-1, 7)]:
        with pytest.raises(ValueError, match="not in the tree"):
            merkle.inclusion_proof(index, size, read)
    for old, new in [(8, 7), (-1, 7)]:
        with pytest.raises(ValueError, match="larger"):
            merkle.consistency_proof(old, new, read)
