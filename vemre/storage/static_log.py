"""Writing a log as static files: the folder of an election record, or what a content network serves.

Source: docs/spec/log.md; protocol, appendix B; C2SP tlog-tiles.
"""

from __future__ import annotations

from pathlib import Path

from vemre.errors import StoreError
from vemre.log.checkpoint import open_checkpoint
from vemre.log.tiles import tile_paths
from vemre.storage.blobs import write_whole
from vemre.storage.stored_log import StoredLog


def export_log(log: StoredLog, folder: Path, checkpoint: bytes | None = None) -> None:
    """Write `checkpoint` (by default the latest, with its cosignatures) and every tile and bundle of its size.

    Files are only ever created: one that is there already must hold the same bytes. The checkpoint comes last, so
    a folder that has one is whole. Raises StoreError for a file with other bytes, or a checkpoint that the log
    does not cover.
    """
    note = log.published_checkpoint() if checkpoint is None else checkpoint
    opened = open_checkpoint(note, log.vkey)
    log.confirm(opened)
    for path in tile_paths(opened.size):
        _create(folder / path, log.read_path(path))
    _create(folder / "checkpoint", note)


def _create(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        write_whole(path, data)
    elif path.read_bytes() != data:
        raise StoreError(f"{path.name} is there already with other bytes")
