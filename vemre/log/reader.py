"""Reading a static log that nobody is trusted to serve: a folder, a web server, a content network.

Only the root is believed, from an opened checkpoint. The tiles of the right edge must recompute it, each full
tile must hash to its place in the tile above, and each entry to its place in level 0. What does not is a
CheckFailed(LOG) that names the file. Source: docs/spec/log.md; C2SP tlog-tiles, "client checks".
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint
from vemre.log.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, decode_bundle, decode_tile, tile_at

Fetch = Callable[[str], bytes]
"""`fetch(path)` gives the bytes of ``tile/...`` and raises FileNotFoundError where there is no such file (a folder in
its place counts as none). Other errors of input and output go through to the reader's caller.

It must itself refuse, with CheckFailed(LOG), to give more than `tiles.MAX_BUNDLE_BYTES`.
"""

_CACHED_TILES: Final = 64  # 256 hashes each: about 1 MiB


class LogReader:
    """The entries and hashes of a log at one authenticated checkpoint.

    `name` stands before the path in the `where` of failures (such as ``ballot``), and `party` is the role that
    answers for the log. A record on disk has exactly the files that its size implies; with `allow_full` (for a
    log that is still served) a full tile may stand in for a partial one that is gone.

    The constructor fetches the edge tiles and recomputes the root. Memory: one bundle and about 64 tiles.
    """

    def __init__(
        self, fetch: Fetch, checkpoint: Checkpoint, *, name: str, party: str | None = None, allow_full: bool = False
    ) -> None:
        self.checkpoint = checkpoint
        self.name = name
        self._fetch = fetch
        self._party = party
        self._allow_full = allow_full
        self._cache: OrderedDict[Tile, list[bytes]] = OrderedDict()
        self._edges = self._read_edges()

    @property
    def size(self) -> int:
        """The number of entries at the checkpoint."""
        return self.checkpoint.size

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """The entries from index `start` on, in order, each authenticated before it is given.

        Read to its end from 0, this checks every file of the log. Raises CheckFailed(LOG).
        """
        for index in range(start // TILE_WIDTH, -(-self.size // TILE_WIDTH)):
            bundle = self._bundle(index)
            skipped = max(0, start - index * TILE_WIDTH)
            yield from bundle[skipped:]

    def entry(self, index: int) -> bytes:
        """One entry. Raises CheckFailed(LOG), and IndexError where the log is not that long."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self._bundle(index // TILE_WIDTH)[index % TILE_WIDTH]

    def authenticate(self) -> None:
        """Check every tile and bundle of the log. Raises CheckFailed(LOG)."""
        for index in range(-(-self.size // TILE_WIDTH)):
            self._bundle(index)

    def leaf_hash(self, index: int) -> bytes:
        """The authenticated leaf hash of an entry."""
        return self._hashes(0, index // TILE_WIDTH)[index % TILE_WIDTH]

    def hash_at(self, level: int, index: int) -> bytes:
        """The authenticated hash of a perfect subtree of 2^level leaves (a `merkle.HashReader`)."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        hashes = self._hashes(tile_level, first // TILE_WIDTH)
        place = first % TILE_WIDTH
        return merkle.perfect_root(hashes[place : place + (1 << height)])

    def root_at(self, size: int) -> bytes:
        """The root that the log had at an earlier size. Raises ValueError where it is not that long."""
        if not 0 <= size <= self.size:
            raise ValueError("the log is not that long")
        return merkle.subtree_hash(0, size, self.hash_at)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Of the entry at `index`, in the tree of the checkpoint."""
        return merkle.inclusion_proof(index, self.size, self.hash_at)

    def consistency_proof(self, old: int) -> list[bytes]:
        """From the tree of `old` entries to that of the checkpoint."""
        return merkle.consistency_proof(old, self.size, self.hash_at)

    # --- authentication ---------------------------------------------------------------------------------------

    def _read_edges(self) -> dict[int, tuple[int, list[bytes]]]:
        """The last, partial tile of each level that has one; together they make up the root."""
        edges: dict[int, tuple[int, list[bytes]]] = {}
        level = 0
        while count := self.size >> TILE_HEIGHT * level:
            tile = tile_at(level, count // TILE_WIDTH, self.size)
            if tile is not None:
                edges[level] = tile.index, self._read_tile(tile)
            level += 1

        def read(binary_level: int, index: int) -> bytes:
            tile_level, height = divmod(binary_level, TILE_HEIGHT)
            place = (index << height) % TILE_WIDTH
            return merkle.perfect_root(edges[tile_level][1][place : place + (1 << height)])

        if merkle.subtree_hash(0, self.size, read) != self.checkpoint.root:
            detail = "the tiles of the edge do not make up the checkpoint's root"
            raise CheckFailed(Check.LOG, detail, where=self.name, party=self._party)
        return edges

    def _hashes(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, authenticated against the tiles above it."""
        edge = self._edges.get(level)
        if edge is not None and edge[0] == index:
            return edge[1]
        tile = Tile(level, index)
        cached = self._cache.get(tile)
        if cached is None:
            cached = self._read_tile(tile)
            parent = self._hashes(level + 1, index // TILE_WIDTH)
            if merkle.perfect_root(cached) != parent[index % TILE_WIDTH]:
                raise self._failure(tile, "does not hash to its place in the tile above")
            self._cache[tile] = cached
            if len(self._cache) > _CACHED_TILES:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(tile)
        return cached

    def _bundle(self, index: int) -> list[bytes]:
        """The entries of a bundle, authenticated against level 0."""
        tile = tile_at(ENTRIES, index, self.size)
        if tile is None:
            raise IndexError(index)
        data, width = self._read(tile)
        try:
            entries = decode_bundle(data, width)[: tile.width]
        except CheckFailed as failure:
            raise self._failure(tile, failure.detail) from None
        expected = self._hashes(0, index)
        if merkle.all_leaf_hashes(entries) != b"".join(expected[: len(entries)]):
            wrong = [merkle.leaf_hash(entry) for entry in entries]
            place = next(place for place, found in enumerate(wrong) if found != expected[place])
            raise self._failure(tile, f"entry {tile.start + place} does not hash to its leaf")
        return entries

    def _read_tile(self, tile: Tile) -> list[bytes]:
        data, width = self._read(tile)
        try:
            return decode_tile(data, width)[: tile.width]
        except CheckFailed as failure:
            raise self._failure(tile, failure.detail) from None

    def _read(self, tile: Tile) -> tuple[bytes, int]:
        """The file of a tile and the width that it has to have."""
        try:
            return self._fetch(tile.path), tile.width
        except FileNotFoundError:
            pass
        except CheckFailed as failure:
            raise failure.located(where=f"{self.name}/{tile.path}", party=self._party) from None
        if self._allow_full and not tile.full:
            full = Tile(tile.level, tile.index)
            try:
                return self._fetch(full.path), TILE_WIDTH
            except FileNotFoundError:
                pass
        raise self._failure(tile, "missing")

    def _failure(self, tile: Tile, detail: str) -> CheckFailed:
        return CheckFailed(Check.LOG, detail, where=f"{self.name}/{tile.path}", party=self._party)
