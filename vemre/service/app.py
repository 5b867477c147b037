"""Makes the FastAPI application that every service builds on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from starlette.types import Lifespan

import vemre
from vemre.errors import Refused
from vemre.service import metrics, problems
from vemre.service.addresses import Forwarding
from vemre.service.metrics import Metrics
from vemre.service.middleware import BodyLimits, BodyRule, RequestFrame
from vemre.service.protection import Protection
from vemre.service.rates import Limiter, RateLimits


class Stop:
    """How any part of a service ends the process: after a store error nothing may be answered from memory.

    `request` is safe from any thread; the first reason stays. `serve` registers what to do about it.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self._actions: list[Callable[[], None]] = []

    def request(self, reason: str) -> None:
        """Stop the service; `reason` is a short technical text without secrets."""
        if self.reason is None:
            self.reason = reason
        for action in self._actions:
            action()

    def on_request(self, action: Callable[[], None]) -> None:
        """Call `action` when the service is to stop."""
        self._actions.append(action)


def make_app(
    service: str,
    title: str,
    *,
    bodies: Mapping[str, BodyRule] | None = None,
    lifespan: Lifespan[FastAPI] | None = None,
    protection: Protection | None = None,
) -> FastAPI:
    """An application with problem documents, limits, headers, logs, ``/health`` and ``/metrics``.

    `service` is the short name (``ballot``); `protection` says which proxies are trusted and how often one may ask;
    `bodies` gives the limit and media types of routes that take a body
    other than JSON up to 64 KiB. `app.state.stop` is a `Stop`, `app.state.metrics` a `Metrics`; `app.state.at_end` is a
    list of functions that let answers without an end finish, called when the server begins to end. Routes declare only
    their success: every refusal is declared here. An endpoint reads a raw body with ``await request.body()``.
    """
    app = FastAPI(
        title=title,
        version=vemre.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=problems.DECLARED,
        lifespan=lifespan,
    )
    app.state.service = service
    app.state.stop = Stop()
    app.state.metrics = Metrics()
    app.state.at_end = []
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimits, rules=bodies or {})
    found = protection or Protection()
    app.add_middleware(RateLimits, limiter=Limiter(found.limits), exempt=found.exempt, at_once=found.max_requests)
    app.add_middleware(RequestFrame, metrics=app.state.metrics, service=service)
    app.add_middleware(Forwarding, trusted=found.trusted, hsts=found.hsts)
    _add_operations(app)
    app.openapi = lambda: _describe(app)  # type: ignore[method-assign]
    return app


def _add_operations(app: FastAPI) -> None:
    stop: Stop = app.state.stop
    counts: Metrics = app.state.metrics

    @app.get("/health", summary="Whether the service takes requests")
    async def health() -> JSONResponse:
        if stop.reason is not None:
            raise Refused("unavailable")
        return JSONResponse({"status": "ok", "service": app.state.service})

    @app.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def prometheus() -> Response:
        return Response(counts.render(), media_type=metrics.CONTENT_TYPE)


def _describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI description with the schema that every declared problem refers to."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = problems.SCHEMA
        schemas["Wording"] = problems.WORDING_SCHEMA
        app.openapi_schema = schema
    return app.openapi_schema
