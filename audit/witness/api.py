"""The witness over HTTP.

    POST /add-checkpoint                    C2SP tlog-witness: a signature line, or why not
    GET  /<sha256 of the origin>/checkpoint the latest checkpoint of a log that this witness cosigned
    GET  /record/<log>/checkpoint           this witness's copy of the record, as files (appendix B)
    GET  /record/<log>/tile/...
    GET  /record/blob/<sha256>

Source: docs/spec/witness.md; C2SP tlog-witness v1.0.0; protocol, appendix B.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import Gauge
from starlette.concurrency import run_in_threadpool

from audit.hooks.runner import HookRunner
from audit.hooks.settings import HookSetting
from audit.witness.cosigning import TEXT, Answer
from audit.witness.engine import Witness
from vemre.errors import Refused
from vemre.log.witness import MAX_REQUEST_BYTES
from vemre.service import problems
from vemre.service.app import make_app
from vemre.service.log_routes import read_blob
from vemre.service.metrics import Metrics
from vemre.service.middleware import BodyRule
from vemre.service.protection import Protection
from vemre.types import LOG_NAMES, LogName

SERVICE: Final = "witness"
TITLE: Final = "VeMRE witness"
OCTETS: Final = "application/octet-stream"
WAIT_SECONDS: Final = 5.0
MAX_WAITING: Final = 16
"""Requests that may be worked on at once; the others are told to come again."""
TEXT_TYPE: Final = "text/plain"
_TEXT_SCHEMA: Final = {"schema": {"type": "string"}}
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    # C2SP's own answers are texts; what refuses a request before it is read as one is a problem document.
    status: {
        "description": "As C2SP tlog-witness spells it",
        "content": {
            media_type: _TEXT_SCHEMA,
            **({} if status == 200 else {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}),
        },
    }
    for status, media_type in {
        200: TEXT_TYPE, 400: TEXT_TYPE, 403: TEXT_TYPE, 404: TEXT_TYPE, 409: "text/x.tlog.size", 422: TEXT_TYPE,
        503: TEXT_TYPE,
    }.items()
}  # fmt: skip
_PUBLIC: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_FRESH: Final = {**_PUBLIC, "Cache-Control": "no-cache"}
_IMMUTABLE: Final = {**_PUBLIC, "Cache-Control": "public, max-age=31536000, immutable"}


def create_app(
    witness: Witness,
    *,
    interval: float = 1.0,
    wait: float = WAIT_SECONDS,
    routers: Iterable[APIRouter] = (),
    hooks: Sequence[HookSetting] = (),
    protection: Protection | None = None,
) -> FastAPI:
    """The application around a witness, which it starts and closes. `interval` and `wait` in seconds; `routers` are
    further routes, such as the pages for people; `hooks` run from now on; `protection` as in `make_app`.

    Raises Refused("hook-unusable").
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        witness.start(interval)
        try:
            yield
        finally:
            await run_in_threadpool(witness.close)
            await run_in_threadpool(runner.close)

    # Foreign feeders name any media type, or none.
    bodies = {"/add-checkpoint": BodyRule(MAX_REQUEST_BYTES, ())}
    app = make_app(SERVICE, TITLE, bodies=bodies, lifespan=lifespan, protection=protection)
    app.state.witness = witness
    runner = HookRunner(hooks, witness.name, app.state.metrics.registry)
    runner.start()
    witness.listen(runner)
    _add_metrics(app.state.metrics, witness)
    app.include_router(witness_routes(witness, wait))
    if witness.mirror is not None:
        app.include_router(record_routes(witness))
    for router in routers:
        app.include_router(router)
    return app


def witness_routes(witness: Witness, wait: float) -> APIRouter:
    """What logs and monitors ask."""
    router = APIRouter(tags=["witness"])
    places = threading.BoundedSemaphore(MAX_WAITING)

    @router.post(
        "/add-checkpoint",
        summary="Cosign a checkpoint",
        response_class=Response,
        responses=_ANSWERS,
        openapi_extra={"requestBody": {"required": True, "content": {TEXT_TYPE: _TEXT_SCHEMA}}},
    )
    async def add_checkpoint(request: Request) -> Response:
        body = await request.body()
        if not places.acquire(blocking=False):
            raise Refused("witness-busy", retry_after=1)
        try:
            answer = await run_in_threadpool(witness.add_checkpoint, body, wait)
        finally:
            places.release()
        return _respond(answer)

    @router.get("/{digest}/checkpoint", summary="The latest cosigned checkpoint of a log", response_class=Response)
    def monitor(digest: str) -> Response:
        note = witness.cosigning.latest(digest)
        if note is None:
            raise Refused("not-found")
        return Response(note, media_type=TEXT, headers=_FRESH)

    return router


def record_routes(witness: Witness) -> APIRouter:
    """The mirror, for anybody who wants the whole election."""
    router = APIRouter(prefix="/record", tags=["record"])
    mirror = witness.mirror
    assert mirror is not None

    @router.get("/blob/{digest}", summary="A blob by its SHA-256", response_class=Response)
    def blob(digest: str) -> Response:
        return Response(read_blob(mirror.blobs, digest), media_type=OCTETS, headers=_IMMUTABLE)

    @router.get("/{log}/checkpoint", summary="The latest checkpoint of the copy", response_class=Response)
    def checkpoint(log: str) -> Response:
        note = mirror.checkpoint(_log(log))
        if note is None:
            raise Refused("not-found")
        return Response(note, media_type=TEXT, headers=_FRESH)

    @router.get("/{log}/tile/{path:path}", summary="A tile or an entry bundle", response_class=Response)
    def tile(log: str, path: str) -> Response:
        try:
            data = mirror.tile(_log(log), f"tile/{path}")
        except FileNotFoundError:
            raise Refused("not-found") from None
        return Response(data, media_type=OCTETS, headers=_IMMUTABLE)

    return router


def _log(name: str) -> LogName:
    found = next((log for log in LOG_NAMES if log == name), None)
    if found is None:
        raise Refused("not-found")
    return found


def _respond(answer: Answer) -> Response:
    # As a header, since the framework would add a charset to `text/x.tlog.size`.
    headers = {"Content-Type": answer.content_type}
    if answer.retry_after is not None:
        headers["Retry-After"] = str(answer.retry_after)
    return Response(answer.body, answer.status, headers)


def _add_metrics(metrics: Metrics, witness: Witness) -> None:
    entries = Gauge(
        "vemre_witness_entries", "Entries of a log: seen, verified, cosigned.", ("log", "state"),
        registry=metrics.registry,
    )  # fmt: skip
    for log in witness.status().logs:
        for state in ("seen", "verified", "cosigned"):
            entries.labels(log.name, state).set_function(partial(_size, witness, log.origin, state))
    findings = Gauge("vemre_witness_findings", "Findings kept.", registry=metrics.registry)
    findings.set_function(lambda: len(witness.ground.store.findings()))


def _size(witness: Witness, origin: str, state: str) -> int:
    return int(getattr(witness.log_status(origin), state))
