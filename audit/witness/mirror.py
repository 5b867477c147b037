"""A witness's own copy of the record: the verified entries of the logs, their blobs, the checkpoints to show.

Each log is one file, to which entries are only ever added, spelt as in bundles (length in two bytes, bytes). What lies
beyond the size that the database calls verified is cut off at the start, so that a crash at any moment leaves what was
verified, and nothing else.
"""

from __future__ import annotations

import os
import secrets
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from audit.witness.tree import Tree
from vemre.checks import Check
from vemre.errors import CheckFailed, StoreError
from vemre.log import merkle
from vemre.log.note import MAX_NOTE_BYTES
from vemre.log.tiles import ENTRIES, TILE_WIDTH, Tile, encode_bundle
from vemre.service.sources import read_regular
from vemre.storage.blobs import FileBlobStore, write_durably
from vemre.types import LOG_NAMES, LogName

_LENGTH: Final = 2


class LogMirror:
    """The verified entries of one log. One thread appends, any thread reads."""

    def __init__(self, path: Path, size: int, root: bytes, *, read_only: bool = False) -> None:
        """The first `size` entries of the file, whose root must be `root`; the rest is cut off, unless `read_only`.

        Raises StoreError where the file does not hold them, OSError.
        """
        self.tree = Tree()
        self._path = path
        self._bundles = array("Q")
        """Where in the file each bundle begins."""
        self._end = 0
        if not read_only:
            path.touch(mode=0o644)
        self._file: BinaryIO = open(path, "rb" if read_only else "r+b")  # noqa: SIM115  (closed by `close`)
        try:
            for entry in self._scan(size):
                self._count(entry)
            if self.tree.root() != root:
                raise StoreError(f"{path}: these are not the entries that were verified")
            if not read_only:
                self._file.truncate(self._end)
        except BaseException:
            self._file.close()
            raise

    @property
    def length(self) -> int:
        """How many bytes the entries take."""
        return self._end

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def append(self, entries: Sequence[bytes]) -> None:
        """Add entries; returns once they are durable. Raises OSError, and then nothing was added."""
        data = encode_bundle(entries)
        try:
            self._file.seek(self._end)
            self._file.write(data)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._file.truncate(self._end)
            raise
        for entry in entries:
            self._count(entry)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The entries from one index to another (to the end)."""
        stop = self.tree.size if stop is None else min(stop, self.tree.size)
        for bundle in range(start // TILE_WIDTH, -(-stop // TILE_WIDTH)):
            first = bundle * TILE_WIDTH
            found = self._bundle(bundle, min(TILE_WIDTH, stop - first))
            yield from found[max(0, start - first) :]

    def tile(self, tile: Tile) -> bytes:
        """The bytes of a tile or bundle, of any width that the log had. Raises FileNotFoundError."""
        if tile.level != ENTRIES:
            return self.tree.tile(tile)
        if tile.start + tile.width > self.tree.size:
            raise FileNotFoundError(tile.path)
        return encode_bundle(self._bundle(tile.index, tile.width))

    def _bundle(self, index: int, width: int) -> list[bytes]:
        """The first entries of a bundle, read through a descriptor of its own place."""
        start = self._bundles[index]
        stop = self._bundles[index + 1] if index + 1 < len(self._bundles) else self._end
        data = os.pread(self._file.fileno(), stop - start, start)
        found: list[bytes] = []
        place = 0
        while len(found) < width:
            length = int.from_bytes(data[place : place + _LENGTH], "big")
            place += _LENGTH
            found.append(data[place : place + length])
            place += length
        return found

    def _count(self, entry: bytes) -> None:
        if self.tree.size % TILE_WIDTH == 0:
            self._bundles.append(self._end)
        self._end += _LENGTH + len(entry)
        self.tree.append(merkle.leaf_hash(entry))

    def _scan(self, size: int) -> Iterator[bytes]:
        self._file.seek(0)
        for _ in range(size):
            head = self._file.read(_LENGTH)
            entry = self._file.read(int.from_bytes(head, "big"))
            if len(head) < _LENGTH or len(entry) < int.from_bytes(head, "big"):
                raise StoreError(f"{self._path}: it ends before what was verified")
            yield entry


class Mirror:
    """The folder of a mirror. `id` names it in the database."""

    def __init__(
        self, folder: Path, verified: Callable[[str, LogName], tuple[int, bytes]], *, read_only: bool = False
    ) -> None:
        """`verified(id, log)` gives the size and root to believe. Creates the folder where it is missing, unless
        `read_only`. Raises StoreError, OSError."""
        if not read_only:
            folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.id = _identity(folder / "id")
        self.blobs = FileBlobStore(folder / "blob")
        self.logs: dict[LogName, LogMirror] = {}
        try:
            for name in LOG_NAMES:
                path = folder / f"{name}.entries"
                self.logs[name] = LogMirror(path, *verified(self.id, name), read_only=read_only)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the files."""
        for log in self.logs.values():
            log.close()

    def blob(self, digest: str) -> bytes:
        """A blob. Raises KeyError where it is not there."""
        try:
            return self.blobs.get(digest)
        except FileNotFoundError:
            raise KeyError(digest) from None

    def show(self, log: LogName, note: bytes) -> None:
        """Keep the checkpoint that readers of the mirror get."""
        write_durably(self.folder / f"{log}.checkpoint", note)

    def checkpoint(self, log: LogName) -> bytes | None:
        """That checkpoint; None where there is none yet."""
        try:
            return read_regular(self.folder / f"{log}.checkpoint", MAX_NOTE_BYTES, Check.NOTE)
        except FileNotFoundError:
            return None

    def tile(self, log: LogName, path: str) -> bytes:
        """A file ``tile/...`` of a log. Raises FileNotFoundError, also for a path that is none."""
        try:
            return self.logs[log].tile(Tile.parse(path))
        except CheckFailed:
            raise FileNotFoundError(path) from None


def _identity(path: Path) -> str:
    """The name of this folder, made once."""
    if not path.exists():
        write_durably(path, secrets.token_hex(16).encode())
    return path.read_text(encoding="ascii").strip()
