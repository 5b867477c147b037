"""The Merkle tree of a verified log: its root at any size it had, and its tiles."""

from __future__ import annotations

from vemre.log import merkle
from vemre.log.tiles import TILE_HEIGHT, Tile, encode_tile


class Tree:
    """Grows by leaves and never shrinks. One thread appends; any thread reads what was there when it began."""

    def __init__(self) -> None:
        self._tree = merkle.Tree()
        self._size = 0

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        self._tree.append(leaf)
        # Only now, so that whoever reads up to this size finds all of it.
        self._size += 1

    def read(self, level: int, index: int) -> bytes:
        """The root of a perfect subtree (a `merkle.HashReader`)."""
        return self._tree.read(level, index)

    def root(self, size: int | None = None) -> bytes:
        """The root at a size, by default now. Raises ValueError where the log is not that long."""
        return self._tree.root(self._size if size is None else self._within(size))

    def tile(self, tile: Tile) -> bytes:
        """The bytes of a tile of hashes. Raises FileNotFoundError where the tree has no such tile."""
        level = tile.level * TILE_HEIGHT
        if tile.start + tile.width > self._size >> level:
            raise FileNotFoundError(tile.path)
        return encode_tile([self.read(level, tile.start + place) for place in range(tile.width)])

    def _within(self, size: int) -> int:
        if not 0 <= size <= self._size:
            raise ValueError("the log is not that long")
        return size
