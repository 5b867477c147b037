"""The Merkle tree of a verified log in memory: its root at any size it had, proofs between them, and its tiles."""

from __future__ import annotations

from vemre.log import merkle
from vemre.log.tiles import TILE_HEIGHT, Tile, encode_tile


class Tree:
    """Grows by leaves and never shrinks. One thread appends; any thread reads what was there when it began.

    Memory: two hashes for each leaf.
    """

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]
        self._size = 0

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        level, found = 0, leaf
        while True:
            if level == len(self._levels):
                self._levels.append([])
            row = self._levels[level]
            row.append(found)
            if len(row) % 2:
                break
            found = merkle.node_hash(row[-2], row[-1])
            level += 1
        # Last, so that whoever reads up to this size finds all of it.
        self._size += 1

    def read(self, level: int, index: int) -> bytes:
        """The root of a perfect subtree (a `merkle.HashReader`)."""
        return self._levels[level][index]

    def root(self, size: int | None = None) -> bytes:
        """The root at a size, by default now. Raises ValueError where the log is not that long."""
        return merkle.subtree_hash(0, self._within(self._size if size is None else size), self.read)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """That the tree of `old` leaves is a prefix of that of `new`. Raises ValueError."""
        return merkle.consistency_proof(old, self._within(new), self.read)

    def tile(self, tile: Tile) -> bytes:
        """The bytes of a tile of hashes. Raises FileNotFoundError where the tree has no such tile."""
        level = tile.level * TILE_HEIGHT
        if tile.start + tile.width > self._size >> level:
            raise FileNotFoundError(tile.path)
        return encode_tile(self._levels[level][tile.start : tile.start + tile.width])

    def _within(self, size: int) -> int:
        if not 0 <= size <= self._size:
            raise ValueError("the log is not that long")
        return size
