"""The registry's and the tally's log as the ballot box follows them, so that a page asks its own origin alone.

    GET /mirror/{registry|tally}/cosigned      the latest checkpoint with a quorum of auditors that the box has verified
    GET /mirror/{registry|tally}/checkpoint    the same
    GET /mirror/{registry|tally}/tile/...      tiles and entry bundles

Blobs of all three logs are at ``/blob/<sha256>``. Nobody needs to believe any of it: a client verifies the auditors'
cosignatures and everything below them. It goes on being served while the other services are down.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Literal

import structlog
from fastapi import APIRouter, Response
from starlette.concurrency import run_in_threadpool

from vemre.checks import Check
from vemre.election.rules.log_view import LogView
from vemre.errors import CheckFailed, Refused, StoreError
from vemre.log.checkpoint import open_checkpoint, require_quorum
from vemre.log.note import MAX_NOTE_BYTES
from vemre.log.tiles import ENTRIES, TILE_HEIGHT, Tile, encode_bundle, encode_tile, level_size
from vemre.messages import RemoteProblem, Unreachable
from vemre.service.log_routes import OCTETS, TEXT
from vemre.service.node import ElectionNode
from vemre.service.sources import LogSource, read_regular
from vemre.storage.blobs import write_whole
from vemre.types import Clock

Followed = Literal["registry", "tally"]

REFRESH_SECONDS: Final = 5
"""The other services are asked once in this time at most, however many voters come."""
_FIRST_SECONDS: Final = 10
"""How long a visitor waits for the first checkpoint of all."""
_FRESH: Final = {"Cache-Control": "no-cache"}
_IMMUTABLE: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_logger = structlog.get_logger(__name__)


class Mirror:
    """One followed log. `folder` keeps its last cosigned checkpoint over a restart."""

    def __init__(self, node: ElectionNode, name: Followed, source: LogSource, folder: Path, clock: Clock) -> None:
        self._node = node
        self._name: Followed = name
        self._source = source
        self._file = folder / "cosigned"
        self._clock = clock
        self._asked: int | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._size = 0
        self._note: bytes | None = None

    async def cosigned(self) -> bytes:
        """The latest verified checkpoint. Raises Refused("not-cosigned-yet"), Refused("unavailable").

        The other service is asked in the background; only who comes before there is any checkpoint waits for it.
        """
        now = self._clock()
        if self._refreshing is None and (self._asked is None or not 0 <= now - self._asked < REFRESH_SECONDS):
            self._asked = now
            self._refreshing = asyncio.create_task(self._refresh())
        task = self._refreshing
        if self._note is None and task is not None:
            try:
                await asyncio.wait_for(asyncio.shield(task), _FIRST_SECONDS)
            except TimeoutError:
                raise Refused("unavailable") from None
        if self._note is None:
            raise Refused("not-cosigned-yet", log=self._name, size=1, missing="—")
        return self._note

    def tile(self, path: str) -> bytes:
        """A tile of the log as far as the box has taken it over. Raises Refused("not-found")."""
        try:
            tile = Tile.parse(f"tile/{path}")
        except CheckFailed:
            raise Refused("not-found") from None
        return self._node.look(lambda view: _read(view.logs[self._name], tile))

    # --- taking checkpoints -----------------------------------------------------------------------------------------

    async def _refresh(self) -> None:
        try:
            await run_in_threadpool(self._take)
        except (CheckFailed, Refused, StoreError) as error:
            _logger.critical("mirror-refused", log=self._name, reason=str(error))
        except (Unreachable, RemoteProblem) as error:
            _logger.warning("mirror-not-refreshed", log=self._name, reason=type(error).__name__)
        finally:
            self._refreshing = None

    def _take(self) -> None:
        if self._note is None:
            self._keep(self._remembered())
        try:
            data = self._source.checkpoint(cosigned=True, covering=1)
        except FileNotFoundError:
            return
        except RemoteProblem as problem:
            if problem.code == "not-cosigned-yet":
                return
            raise
        if self._keep(data):
            write_whole(self._file, data)

    def _remembered(self) -> bytes | None:
        try:
            return read_regular(self._file, MAX_NOTE_BYTES, Check.NOTE)
        except FileNotFoundError:
            return None

    def _keep(self, data: bytes | None) -> bool:
        """Keep a checkpoint that is larger than the one kept, once the box's own copy of the log bears it out.

        Raises CheckFailed(NOTE, GATE or CHECKPOINT), and what following the logs raises.
        """
        if data is None:
            return False
        anchors = self._node.anchors
        witnesses = [key for keys in anchors.witnesses.values() for key in keys]
        opened = open_checkpoint(data, anchors.logs[self._name], witnesses)
        require_quorum(opened, anchors.witnesses, anchors.quorum)
        if opened.size <= self._size:
            return False
        if opened.size > self._node.look(lambda view: len(view.logs[self._name])):
            self._node.sync()
        if self._node.look(lambda view: _root(view.logs[self._name], opened.size)) != opened.root:
            raise CheckFailed(Check.CHECKPOINT, "a log is cosigned that is not the one followed", where=self._name)
        self._size, self._note = opened.size, opened.known_lines(anchors.logs[self._name]).encode()
        return True


def mirror_routes(mirrors: dict[Followed, Mirror]) -> APIRouter:
    """The routes of both logs."""
    router = APIRouter(prefix="/mirror", tags=["log"])

    @router.get("/{log}/cosigned", summary="A cosigned checkpoint of another log", response_class=Response)
    @router.get("/{log}/checkpoint", include_in_schema=False)
    async def cosigned(log: Followed) -> Response:
        return Response(await mirrors[log].cosigned(), media_type=TEXT, headers=_FRESH)

    @router.get("/{log}/tile/{path:path}", summary="A tile of another log", response_class=Response)
    def tile(log: Followed, path: str) -> Response:
        return Response(mirrors[log].tile(path), media_type=OCTETS, headers=_IMMUTABLE)

    return router


def _root(log: LogView, size: int) -> bytes | None:
    return log.root(size) if size <= len(log) else None


def _read(log: LogView, tile: Tile) -> bytes:
    stop = tile.start + tile.width
    if stop > level_size(tile.level, len(log)):
        raise Refused("not-found")
    if tile.level == ENTRIES:
        return encode_bundle([record.entry for record in log.records[tile.start : stop]])
    return encode_tile([log.subtree(tile.level * TILE_HEIGHT, index) for index in range(tile.start, stop)])
