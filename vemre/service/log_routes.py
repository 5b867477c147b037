"""Serves a log and its blobs to everyone, and takes the witnesses' cosignatures.

    GET  /log/checkpoint                    the latest checkpoint with the cosignatures known for it
    GET  /log/tile/...                      tiles and entry bundles, as C2SP tlog-tiles spells them
    GET  /log/cosigned?size=N               the largest checkpoint of at least N entries with a quorum of auditors
    GET  /log/witnesses                     who cosigns this log, and how each one stands
    POST /log/cosignatures[?size=N]         signature lines for the checkpoint of size N (the latest by default)
    GET  /blob/<sha256>                     a blob
    GET  /logs                              where the three logs of the election are served

Source: docs/spec/log.md; C2SP tlog-tiles v0.1.0; protocol, appendix B.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from vemre.errors import CheckFailed, Refused
from vemre.log.encoding import MAX_SIZE, decode_text
from vemre.log.note import MAX_NOTE_BYTES, Vkey
from vemre.service.middleware import BodyRule
from vemre.service.witnesses import State, Witness, Witnesses
from vemre.storage.blobs import BlobStore
from vemre.storage.log_store import LogStore
from vemre.types import LOG_NAMES, LogName

Auditors = Mapping[str, Sequence[Vkey]]
"""The witness keys of each auditor, by role id."""

TEXT: Final = "text/plain; charset=utf-8"
OCTETS: Final = "application/octet-stream"
# Who may read is said for all of these routes in `vemre.service.middleware`.
_FRESH: Final = {"Cache-Control": "no-cache"}
_IMMUTABLE: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_logger = structlog.get_logger(__name__)

BODIES: Final = {"/log/cosignatures": BodyRule(MAX_NOTE_BYTES, ("text/plain",))}
"""What `make_app` must be told of this router: ``bodies={**log_routes.BODIES, ...}``."""

_Size = Annotated[int, Query(ge=0, le=MAX_SIZE)]
_OptionalSize = Annotated[int | None, Query(ge=0, le=MAX_SIZE)]


class ListedWitness(TypedDict):
    """A witness as everybody may see it. `auditor` is the role whose quorum it counts for, null for an observer; `fed`
    says whether this log sends it checkpoints; `size` and `time` (POSIX seconds, as it signed it) are those of its last
    cosignature."""

    name: str
    vkey: str
    auditor: str | None
    fed: bool
    state: State
    size: int | None
    time: int | None


def log_routes(
    store: LogStore, blobs: BlobStore, auditors: Auditors, witnesses: Witnesses, quorum: int = 2
) -> APIRouter:
    """The routes of one log. `auditors` make the quorum; cosignatures of all `witnesses` are taken."""
    router = APIRouter(tags=["log"])

    @router.get("/log/checkpoint", summary="The latest checkpoint", response_class=Response)
    def checkpoint() -> Response:
        return Response(store.published_checkpoint(), media_type=TEXT, headers=_FRESH)

    @router.get("/log/tile/{path:path}", summary="A tile or an entry bundle", response_class=Response)
    def tile(path: str) -> Response:
        try:
            data = store.read_path(f"tile/{path}")
        except FileNotFoundError:
            raise Refused("not-found") from None
        return Response(data, media_type=OCTETS, headers=_IMMUTABLE)

    @router.get("/log/cosigned", summary="The largest checkpoint that a quorum cosigned", response_class=Response)
    def cosigned(size: _Size = 0) -> Response:
        opened = store.latest_cosigned(auditors, quorum, covering=size)
        if opened is None:
            missing = ", ".join(store.missing_auditors(auditors, size))
            raise Refused("not-cosigned-yet", log=store.origin, size=size, missing=missing)
        return Response(opened.note.encode(), media_type=TEXT, headers=_FRESH)

    @router.get("/log/witnesses", summary="The witnesses of this log")
    async def listed(response: Response) -> list[ListedWitness]:
        response.headers.update(_FRESH)
        return [_listed(witnesses, witness) for witness in witnesses.listed]

    @router.post("/log/cosignatures", summary="Add cosignatures of configured witnesses")
    async def cosignatures(request: Request, size: _OptionalSize = None) -> dict[str, int | list[str]]:
        lines = decode_text(await request.body(), limit=MAX_NOTE_BYTES, name="cosignatures")
        stated = store.size if size is None else size
        try:
            accepted = await run_in_threadpool(store.add_cosignatures, stated, lines, witnesses.vkeys)
        except ValueError:
            raise Refused("unknown-checkpoint", size=stated, latest=store.size) from None
        for key, time in accepted.items():
            witnesses.cosigned(key, stated, time)
        return {"size": stated, "accepted": sorted(key.name for key in accepted)}

    @router.get("/blob/{digest}", summary="A blob by its SHA-256", response_class=Response)
    def blob(digest: str) -> Response:
        return Response(read_blob(blobs, digest), media_type=OCTETS, headers=_IMMUTABLE)

    return router


def address_route(address: Callable[[LogName, str], str | None]) -> APIRouter:
    """Where the three logs of the election are. `address` gives one, from its name and the base of the request."""
    router = APIRouter(tags=["log"])

    @router.get("/logs", summary="Where the three logs are served")
    async def logs(request: Request, response: Response) -> dict[LogName, str | None]:
        response.headers.update(_FRESH)
        base = str(request.base_url)
        found = {name: address(name, base) for name in LOG_NAMES}
        return {name: url.rstrip("/") if url is not None else None for name, url in found.items()}

    return router


def _listed(witnesses: Witnesses, witness: Witness) -> ListedWitness:
    standing = witnesses.standing(witness.vkey)
    return ListedWitness(
        name=witness.vkey.name,
        vkey=str(witness.vkey),
        auditor=witness.auditor,
        fed=witness.url is not None,
        state=witnesses.state(witness.vkey),
        size=standing.size,
        time=standing.time,
    )


def read_blob(blobs: BlobStore, digest: str) -> bytes:
    """A blob that is whole. Raises Refused("not-found"); a damaged one is this service's own fault (500)."""
    try:
        return blobs.get(digest)
    except FileNotFoundError:
        raise Refused("not-found") from None
    except CheckFailed as failure:
        _logger.critical("damaged-blob", where=failure.where)
        raise HTTPException(500) from None
