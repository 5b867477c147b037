"""A followed log kept on disk, so that a service that starts while the others are down still knows what it knew.

Nothing here is trusted more than what comes over the network: the follower authenticates either.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vemre.checks import Check
from vemre.log.note import MAX_NOTE_BYTES
from vemre.log.tiles import MAX_BUNDLE_BYTES
from vemre.messages import Unreachable
from vemre.service.sources import LogSource, read_regular
from vemre.storage.blobs import write_whole

_CHECKPOINT: Final = "checkpoint"


class MirroredSource:
    """A `LogSource` that keeps checkpoint and tiles in a folder and falls back on them where nobody answers."""

    def __init__(self, source: LogSource, folder: Path) -> None:
        """Creates the folder where it is missing."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._source = source
        self._folder = folder

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        """See `LogSource`. A cosigned one is always fetched: it is for an act that others judge."""
        if cosigned:
            return self._source.checkpoint(cosigned=True, covering=covering)
        try:
            data = self._source.checkpoint()
        except Unreachable:
            if not (self._folder / _CHECKPOINT).is_file():
                raise
            return read_regular(self._folder / _CHECKPOINT, MAX_NOTE_BYTES, Check.NOTE)
        write_whole(self._folder / _CHECKPOINT, data)
        return data

    def tile(self, path: str) -> bytes:
        """See `LogSource`. A tile never changes, so what is there is not fetched again."""
        kept = self._folder / path
        try:
            return read_regular(kept, MAX_BUNDLE_BYTES, Check.LOG)
        except FileNotFoundError:
            data = self._source.tile(path)
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_whole(kept, data)
        return data

    def blob(self, digest: str, limit: int) -> bytes:
        """See `LogSource`. The node keeps blobs itself."""
        return self._source.blob(digest, limit)
