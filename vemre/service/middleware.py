"""What happens to every request before and after its route: number, limits, headers, log line, last resort.

Plain ASGI, so that bodies are never collected here and nothing is read before a route asks for it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vemre import messages
from vemre.service import logs, problems
from vemre.service.metrics import Metrics

JSON: Final = "application/json"
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""Set on every answer that does not set them itself."""
PUBLIC_HEADERS: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""Set on every answer to a reader of the logs, refusals included."""

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_GONE: Final = 499
"""How logs and metrics show a request whose client went away."""
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class BodyRule:
    """How large a request body may be (bytes), and its media types (none: any). Answers 413 and 415 otherwise."""

    limit: int
    types: tuple[str, ...] = (JSON,)


DEFAULT_BODY: Final = BodyRule(64 * 1024)


class BodyLimits:
    """Enforces a `BodyRule` by route path (such as ``/records`` or ``/voters/{id}``), `DEFAULT_BODY` elsewhere.

    The rule is enforced when the route begins to read: by the declared length, and again by what really comes.
    """

    def __init__(self, app: ASGIApp, rules: Mapping[str, BodyRule]) -> None:
        self._app = app
        self._rules = [(compile_path(path)[0], rule) for path, rule in rules.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rule = next((rule for pattern, rule in self._rules if pattern.match(scope["path"])), DEFAULT_BODY)
        headers = Headers(scope=scope)
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        declared = headers.get("content-length", "")
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            if declared.isdecimal() and int(declared) > rule.limit:
                raise HTTPException(413)
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > rule.limit:
                    raise HTTPException(413)
                if seen and rule.types and media_type not in rule.types:
                    raise HTTPException(415, headers={"Accept": ", ".join(rule.types)})
            return message

        await self._app(scope, limited, send)


class RequestFrame:
    """The outermost layer: gives the request its number, adds headers, logs and counts the answer.

    An error that no handler took is answered with the problem `internal`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, service: str) -> None:
        self._app = app
        self._metrics = metrics
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, _without_texts(send))
            return
        number = scope["vemre.request_id"] = secrets.token_hex(8)
        started = time.perf_counter()
        status = 0

        async def framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _complete(MutableHeaders(raw=message.setdefault("headers", [])), number, scope)
            await send(message)

        # Every request has a task, and so a context, of its own: nothing has to be taken back.
        structlog.contextvars.bind_contextvars(request_id=number, service=self._service)
        try:
            if any(character < " " for character in scope["path"]):
                # The router would take a path with a line feed at its end for the path without it.
                answer = problems.respond(Request(scope), messages.problem("not-found"))
                await answer(scope, receive, framed)
            else:
                await self._app(scope, receive, framed)
        except ClientDisconnect:
            # Whoever would be answered is gone.
            status = status or _GONE
        except Exception as error:
            answer = problems.internal_error(Request(scope), error)
            # Once an answer has begun, the only honest end is a broken connection.
            if status:
                raise
            await answer(scope, receive, framed)
        finally:
            self._report(scope, status, time.perf_counter() - started)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", None) or "unmatched"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.answered(method, route, status, seconds)
        logs.request(
            request_id=scope["vemre.request_id"],
            service=self._service,
            method=method,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )


def _complete(headers: MutableHeaders, number: str, scope: Scope) -> None:
    path = scope["path"]
    if scope["method"] in ("GET", "HEAD") and (path == "/logs" or path.startswith(("/log/", "/blob/"))):
        # Any page may read the logs, and also why it cannot.
        for name, value in PUBLIC_HEADERS.items():
            headers.setdefault(name, value)
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    headers["X-Request-ID"] = number


def _without_texts(send: Send) -> Send:
    """Start-up and shutdown failures by type and place alone: the server would log the whole text of the error."""

    async def quiet(message: Message) -> None:
        if message["type"] in ("lifespan.startup.failed", "lifespan.shutdown.failed"):
            _logger.critical(message["type"], exc_info=True)
            message = {**message, "message": "see the line before"}
        await send(message)

    return quiet
