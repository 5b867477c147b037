"""The Merkle tree of a log: hashes, proofs, and the frontier that a writer or follower keeps.

SHA-256 with the leaf prefix 0x00 and the node prefix 0x01. Proofs are lists of 32-byte hashes in the order of
RFC 6962. Source: docs/spec/log.md; RFC 6962, section 2.1; RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""

HashReader = Callable[[int, int], bytes]
"""`read(level, index)` gives the hash of the perfect subtree over leaves index * 2^level to (index + 1) * 2^level."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf; for a ballot record this is its tracker."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node over two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Sequence[bytes]) -> bytes:
    """The leaf hashes of entries, one after the other."""
    return b"".join([leaf_hash(entry) for entry in entries])


def node_hashes(hashes: bytes) -> bytes:
    """The hashes of the nodes over pairs of hashes, one after the other; a last one without its pair has none."""
    pair = 2 * HASH_BYTES
    starts = range(0, len(hashes) // pair * pair, pair)
    return b"".join([hashlib.sha256(b"\x01" + hashes[start : start + pair]).digest() for start in starts])


try:
    # Hashing of many small things at once, and no arithmetic: whichever back end is chosen.
    import vemre_native as _fast
except ImportError:
    all_leaf_hashes, all_node_hashes = leaf_hashes, node_hashes
else:
    all_leaf_hashes, all_node_hashes = _fast.leaf_hashes, _fast.node_hashes


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power-of-two number of hashes of one level, such as those of a full tile."""
    row = b"".join(hashes)
    while len(row) > HASH_BYTES:
        row = all_node_hashes(row)
    return row


class Frontier:
    """The roots of the perfect subtrees that make up a tree, largest first: all that appending needs.

    One hash for each set bit of the size. Appending costs one or two hashes on average.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """A frontier restored from `size` and its hashes. Raises ValueError where their numbers do not agree."""
        self._size = size
        self._hashes = list(hashes)
        if size < 0 or len(self._hashes) != size.bit_count():
            raise ValueError("a frontier has one hash for each set bit of its size")

    @classmethod
    def read(cls, size: int, read: HashReader) -> Frontier:
        """The frontier of the first `size` leaves of a tree that `read` knows."""
        levels = [level for level in reversed(range(size.bit_length())) if size >> level & 1]
        return cls(size, (read(level, (size >> level) - 1) for level in levels))

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """The subtree roots, largest subtree first."""
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf hash; gives the roots of the perfect subtrees it completes, of 1, 2, 4 ... leaves."""
        completed = [leaf]
        rest = self._size
        while rest & 1:
            completed.append(node_hash(self._hashes.pop(), completed[-1]))
            rest >>= 1
        self._hashes.append(completed[-1])
        self._size += 1
        return completed

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self._hashes:
            return EMPTY_ROOT
        result = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            result = node_hash(left, result)
        return result

    def copy(self) -> Frontier:
        """An independent frontier of the same tree."""
        return Frontier(self._size, self._hashes)


class Tree:
    """Every perfect subtree of a growing tree, in memory: the roots of all its sizes without hashing leaves again.

    Appending costs one hash on average, a root one for each set bit of its size. About 65 bytes for each leaf beside
    the leaf hash itself.
    """

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        # The levels above the leaves are made when they are asked for, many nodes at once.
        self._levels: list[list[bytes]] = [[]]

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        self._levels[0].append(leaf)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes."""
        self._levels[0].extend(leaves)

    def _complete(self) -> None:
        """The nodes that stand over what was appended since."""
        for level in range(len(self).bit_length() - 1):
            if level + 1 == len(self._levels):
                self._levels.append([])
            row, above = self._levels[level], self._levels[level + 1]
            fresh = b"".join(row[2 * len(above) : len(row) // 2 * 2])
            if not fresh:
                return
            nodes = all_node_hashes(fresh)
            above += [nodes[start : start + HASH_BYTES] for start in range(0, len(nodes), HASH_BYTES)]

    def truncate(self, size: int) -> None:
        """Take all leaves away but the first `size`."""
        for level, row in enumerate(self._levels):
            del row[size >> level :]

    def read(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree: a `HashReader`."""
        self._complete()
        return self._levels[level][index]

    def root(self, size: int) -> bytes:
        """The root of the first `size` leaves. Raises ValueError where there are fewer."""
        if not 0 <= size <= len(self):
            raise ValueError("the tree is not that large")
        return Frontier.read(size, self.read).root()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


# --- generation -----------------------------------------------------------------------------------------------


def subtree_hash(start: int, stop: int, read: HashReader) -> bytes:
    """MTH of the leaves from `start` to `stop`, where `start` is a multiple of the split points above it."""
    width = stop - start
    if width == 0:
        return EMPTY_ROOT
    level = width.bit_length() - 1
    if width == 1 << level and start % width == 0:
        return read(level, start >> level)
    middle = start + _split(width)
    return node_hash(subtree_hash(start, middle, read), subtree_hash(middle, stop, read))


def inclusion_proof(index: int, size: int, read: HashReader) -> list[bytes]:
    """The hashes from the leaf's sibling up to the root's children. Raises ValueError unless 0 <= index < size."""
    if not 0 <= index < size:
        raise ValueError("the leaf is not in the tree")
    start, stop = 0, size
    proof: list[bytes] = []
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            proof.append(subtree_hash(middle, stop, read))
            stop = middle
        else:
            proof.append(subtree_hash(start, middle, read))
            start = middle
    return proof[::-1]


def consistency_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """That the tree of `old` leaves is a prefix of that of `new`. Raises ValueError unless 0 <= old <= new."""
    if not 0 <= old <= new:
        raise ValueError("the older tree is larger than the newer one")
    if old in (0, new):
        return []
    start, stop = 0, new
    proof: list[bytes] = []
    # Descend to the subtree that ends where the old tree ends.
    while old != stop:
        middle = start + _split(stop - start)
        if old <= middle:
            proof.append(subtree_hash(middle, stop, read))
            stop = middle
        else:
            proof.append(subtree_hash(start, middle, read))
            start = middle
    if start > 0:  # otherwise that subtree is the old tree itself, whose root the verifier has
        proof.append(subtree_hash(start, stop, read))
    return proof[::-1]


def prefix_proof(old: int, new: int, read: HashReader) -> list[bytes]:
    """Which root the first `old` leaves of the tree of `new` have: the consistency proof, with the hash in front that
    it leaves out where the verifier is to bring it. Raises ValueError unless 0 < old < new."""
    if not 0 < old < new:
        raise ValueError("not a proper beginning of the tree")
    proof = consistency_proof(old, new, read)
    return [read(old.bit_length() - 1, 0), *proof] if old.bit_count() == 1 else proof


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


# --- verification ---------------------------------------------------------------------------------------------


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """That `leaf` is the leaf hash at `index` of the tree of `size` leaves. Raises CheckFailed(LOG)."""
    if not 0 <= index < size:
        raise CheckFailed(Check.LOG, f"inclusion: index {index} is not in a tree of {size}")
    fn, sn = index, size - 1
    result = leaf
    for sibling in proof:
        if sn == 0:
            raise CheckFailed(Check.LOG, "inclusion: the proof is too long")
        if fn & 1 or fn == sn:
            result = node_hash(sibling, result)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            result = node_hash(result, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise CheckFailed(Check.LOG, "inclusion: the proof is too short")
    if result != root:
        raise CheckFailed(Check.LOG, "inclusion: the proof does not lead to the root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """That the tree of `old` leaves is a prefix of the tree of `new` leaves. Raises CheckFailed(LOG)."""
    if not 0 <= old <= new:
        raise CheckFailed(Check.LOG, f"consistency: {old} leaves are no prefix of {new}")
    if old in (0, new):
        _verify_trivial(old, new, old_root, new_root, proof)
        return
    path = list(proof)
    if old.bit_count() == 1:
        path.insert(0, old_root)
    if not proof or not path:
        raise CheckFailed(Check.LOG, "consistency: the proof is empty")
    first, second = _fold(old, new, path)
    if first != old_root:
        raise CheckFailed(Check.LOG, "consistency: the proof does not lead to the old root")
    if second != new_root:
        raise CheckFailed(Check.LOG, "consistency: the proof does not lead to the new root")


def prefix_root(old: int, new: int, proof: Sequence[bytes], new_root: bytes) -> bytes:
    """The root of the first `old` leaves of the tree of `new` leaves with the root `new_root`, as `prefix_proof` shows
    it: whoever made the proof cannot make it show another. Raises CheckFailed(LOG)."""
    if not 0 < old < new:
        raise CheckFailed(Check.LOG, f"prefix: {old} leaves are no proper beginning of {new}")
    if not proof:
        raise CheckFailed(Check.LOG, "prefix: the proof is empty")
    first, second = _fold(old, new, proof)
    if second != new_root:
        raise CheckFailed(Check.LOG, "prefix: the proof does not lead to the root")
    return first


def _fold(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of both trees that a path leads to, whose first hash is the subtree that ends where the old one ends.

    Raises CheckFailed(LOG) for a path of another length.
    """
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise CheckFailed(Check.LOG, "consistency: the proof is too long")
        if fn & 1 or fn == sn:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise CheckFailed(Check.LOG, "consistency: the proof is too short")
    return first, second


def _verify_trivial(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """The empty tree is a prefix of every tree, and every tree of itself: without a proof."""
    if proof:
        raise CheckFailed(Check.LOG, "consistency: a proof where none is needed")
    if old == 0 and old_root != EMPTY_ROOT:
        raise CheckFailed(Check.LOG, "consistency: not the root of the empty tree")
    if old == new and old_root != new_root:
        raise CheckFailed(Check.LOG, "consistency: two roots of one size")
