"""An election record written from the running logs: three static logs and their blobs in one folder.

The three logs are followed to checkpoints that the auditors cosigned and that fit each other (no record cites beyond
them). Every entry and blob is authenticated while it is fetched; the tiles are made from the entries, so the folder
holds exactly the files that the sizes imply. Source: docs/spec/election-record.md; protocol, appendix B.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from vemre.errors import Refused
from vemre.log import merkle
from vemre.log.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, encode_bundle, encode_tile, tiles
from vemre.records.bundle import blob_refs
from vemre.records.fields import Blob
from vemre.service.election_source import ElectionSource
from vemre.types import LOG_NAMES, WRITERS, LogName

Written = Callable[[int, int], None]
"""Called with the number of files written and their total."""

PAGE: Final = "index.html"
_FOLDER_MODE: Final = 0o755


def export(
    source: ElectionSource, folder: Path, written: Written | None = None, *, page: bytes | None = None
) -> dict[LogName, int]:
    """Write the record that `source` (with `cosigned_only`) sees now into a new folder; gives the logs' sizes.

    `page` becomes `PAGE` beside it: no part of the record, but what opens first where the folder is served.

    Raises Refused("folder-not-empty") where there is something in it, and what `ElectionSource.take` raises: nothing
    is left behind then.
    """
    check_target(folder)
    source.take()
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    aside.mkdir(mode=_FOLDER_MODE)
    try:
        sizes = _write(source, aside, written or (lambda _done, _total: None))
        if page is not None:
            (aside / PAGE).write_bytes(page)
        os.replace(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return sizes


def check_target(folder: Path) -> None:
    """A record is written where nothing is. Raises Refused("folder-not-empty")."""
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise Refused("folder-not-empty", folder=str(folder))


def _write(source: ElectionSource, folder: Path, written: Written) -> dict[LogName, int]:
    checkpoints = {name: note for name in LOG_NAMES if (note := _checkpoint(source, name)) is not None}
    sizes = {name: len(source.view.logs[name]) for name in checkpoints}
    blobs = _blobs(source)
    total = sum(1 + sum(1 for _ in tiles(size)) for size in sizes.values()) + len(blobs)
    for done, (path, data) in enumerate(_files(source, checkpoints, blobs), start=1):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as file:
            file.write(data)
        written(done, total)
    return sizes


def _files(
    source: ElectionSource, checkpoints: dict[LogName, bytes], blobs: dict[str, tuple[Blob, str]]
) -> Iterator[tuple[str, bytes]]:
    """Every file of the record; the checkpoint of each log comes last."""
    for digest, (ref, party) in blobs.items():
        yield f"blob/{digest}", source.view.blob(ref, party)
    for name, note in checkpoints.items():
        entries = [record.entry for record in source.view.logs[name].records]
        for path, data in static_files(entries):
            yield f"{name}/{path}", data
        yield f"{name}/checkpoint", note


def static_files(entries: list[bytes]) -> Iterator[tuple[str, bytes]]:
    """(path, bytes) of every tile and bundle of a log with these entries."""
    levels = [[merkle.leaf_hash(entry) for entry in entries]]
    while (full := len(levels[-1]) >> TILE_HEIGHT) > 0:
        below = levels[-1]
        levels.append([merkle.perfect_root(below[i * TILE_WIDTH : (i + 1) * TILE_WIDTH]) for i in range(full)])
    for tile in tiles(len(entries)):
        yield tile.path, _content(tile, entries, levels)


def _content(tile: Tile, entries: list[bytes], levels: list[list[bytes]]) -> bytes:
    start, stop = tile.start, tile.start + tile.width
    if tile.level == ENTRIES:
        return encode_bundle(entries[start:stop])
    return encode_tile(levels[tile.level][start:stop])


def _checkpoint(source: ElectionSource, name: LogName) -> bytes | None:
    follower = source.follower(name)
    return None if follower is None else follower.checkpoint_bytes


def _blobs(source: ElectionSource) -> dict[str, tuple[Blob, str]]:
    """Every blob that a record names, with the writer that answers for it."""
    found: dict[str, tuple[Blob, str]] = {}
    for name in LOG_NAMES:
        for record in source.view.logs[name].records:
            if record.type != "ballot":
                for ref in blob_refs(record.body):
                    found.setdefault(ref.sha256, (ref, WRITERS[name]))
    return found
