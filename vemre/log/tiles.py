"""Tiles and entry bundles: the files that make up a static log.

A tile of level L holds up to 256 hashes of perfect subtrees of 256^L leaves; a bundle holds up to 256 entries.
Whatever is not spelt exactly so is refused with CheckFailed(LOG). Source: docs/spec/log.md; C2SP tlog-tiles v0.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.merkle import HASH_BYTES
from vemre.params import MAX_ENTRY_BYTES

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_LEVEL: Final = 63
MAX_BUNDLE_BYTES: Final = TILE_WIDTH * (2 + MAX_ENTRY_BYTES)
"""No tile or bundle is larger: whoever fetches one may stop reading here."""

ENTRIES: Final = -1
"""The level of entry bundles, which lie below level 0."""

_PATH: Final = re.compile(
    r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII
)


@dataclass(frozen=True, order=True)
class Tile:
    """One tile or bundle: its level (`ENTRIES` for a bundle), its index in the level, and its width, 1 to 256."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @classmethod
    def parse(cls, path: str) -> Tile:
        """The tile of a path such as ``tile/0/x001/234.p/5``. Raises CheckFailed(LOG) for any other spelling."""
        match = _PATH.fullmatch(path)
        if not match:
            raise CheckFailed(Check.LOG, "not the path of a tile")
        level = ENTRIES if match[1] == "entries" else int(match[1])
        index = int(match[2].replace("x", "").replace("/", ""))
        tile = cls(level, index, int(match[3]) if match[3] else TILE_WIDTH)
        if level > MAX_LEVEL or tile.width > TILE_WIDTH or tile.path != path:
            raise CheckFailed(Check.LOG, "not the path of a tile")
        return tile

    @property
    def path(self) -> str:
        """The path below the log's prefix; only a partial tile names its width."""
        level = "entries" if self.level == ENTRIES else str(self.level)
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
        number = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
        return f"tile/{level}/{number}{'' if self.full else f'.p/{self.width}'}"

    @property
    def full(self) -> bool:
        """Whether it has all its 256 places taken, and will never change."""
        return self.width == TILE_WIDTH

    @property
    def start(self) -> int:
        """The index in its level of its first hash (or entry)."""
        return self.index * TILE_WIDTH


def level_size(level: int, size: int) -> int:
    """How many hashes of `level` (or entries) a log of `size` entries has."""
    return size >> TILE_HEIGHT * max(level, 0)


def tile_at(level: int, index: int, size: int) -> Tile | None:
    """The tile as wide as a log of `size` entries makes it, or None where it has no such tile."""
    width = min(TILE_WIDTH, level_size(level, size) - index * TILE_WIDTH)
    return Tile(level, index, width) if width > 0 and level <= MAX_LEVEL else None


def tiles(size: int) -> Iterator[Tile]:
    """Every tile of a log of `size` entries: the bundles, then level 0, 1, ..., each in order."""
    level = ENTRIES
    while count := level_size(level, size):
        for index in range(-(-count // TILE_WIDTH)):
            yield Tile(level, index, min(TILE_WIDTH, count - index * TILE_WIDTH))
        level += 1


def tile_paths(size: int) -> Iterator[str]:
    """The path of every tile of a log of `size` entries."""
    return (tile.path for tile in tiles(size))


def encode_tile(hashes: Sequence[bytes]) -> bytes:
    """The bytes of a tile."""
    return b"".join(hashes)


def decode_tile(data: bytes, width: int) -> list[bytes]:
    """The `width` hashes of a tile. Raises CheckFailed(LOG) for another length."""
    if len(data) != width * HASH_BYTES:
        raise CheckFailed(Check.LOG, f"a tile of {len(data)} bytes, not of {width} hashes")
    return [data[i : i + HASH_BYTES] for i in range(0, len(data), HASH_BYTES)]


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """Each entry behind its length in two bytes. Raises CheckFailed(LOG) for an entry over 65,535 bytes."""
    return b"".join(check_entry_length(entry).to_bytes(2, "big") + entry for entry in entries)


def check_entry_length(entry: bytes) -> int:
    """The entry's length. Raises CheckFailed(LOG) where a bundle cannot hold it."""
    if len(entry) > MAX_ENTRY_BYTES:
        raise CheckFailed(Check.LOG, f"an entry of {len(entry)} bytes, more than the {MAX_ENTRY_BYTES} allowed")
    return len(entry)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle, which holds nothing else. Raises CheckFailed(LOG)."""
    entries: list[bytes] = []
    place = 0
    for _ in range(width):
        start = place + 2
        place = start + int.from_bytes(data[place:start], "big")
        if start > len(data) or place > len(data):
            raise CheckFailed(Check.LOG, f"the bundle ends within entry {len(entries)} of {width}")
        entries.append(data[start:place])
    if place != len(data):
        raise CheckFailed(Check.LOG, f"{len(data) - place} bytes follow the last entry of the bundle")
    return entries
