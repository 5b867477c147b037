"""The one place where errors become problem documents (``application/problem+json``).

    {"type","title","status","detail","code","next","es":{...},"en":{...},"request_id", ...}

`title`, `detail` and `next` are in the language of Accept-Language; `es` and `en` hold both. A rule of the protocol
that fails adds `check`, `where`, `party` and `finding` (technical English). Source: RFC 9457.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from vemre import messages
from vemre.errors import CheckFailed, KeyFileError, Refused, StoreError
from vemre.messages import Distrusted, Problem, RemoteProblem, Unreachable

MEDIA_TYPE: Final = "application/problem+json"
STATUSES: Final = (400, 401, 403, 404, 405, 409, 411, 413, 415, 422, 429, 500, 503)
"""Every status that a service may answer with besides success; all are declared for every route."""

_CODE_OF_STATUS: Final = {
    400: "bad-request",
    401: "not-signed-in",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    411: "length-required",
    413: "too-large",
    415: "unsupported-media-type",
    422: "invalid-fields",
    429: "too-many-requests",
    503: "unavailable",
}
_MAX_FIELDS: Final = 20
_logger = structlog.get_logger(__name__)


def respond(
    request: Request,
    problem: Problem,
    *,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer to `request` that tells `problem`."""
    language = messages.from_accept_language(request.headers.get("accept-language"))
    document = {**problem.document(language), **(extra or {}), "request_id": request_id(request)}
    all_headers = {"Content-Language": language, "Vary": "Accept-Language", **(headers or {})}
    if problem.status == 503:
        all_headers.setdefault("Retry-After", "2")
    return JSONResponse(document, problem.status, all_headers, media_type=MEDIA_TYPE)


def request_id(request: Request) -> str:
    """The number under which the service logs this request."""
    return str(request.scope.get("vemre.request_id", ""))


def internal_error(request: Request, error: Exception) -> JSONResponse:
    """The answer to an error that nobody expected: logged by its place, told without a word of its text."""
    _logger.error("unexpected-error", exc_info=error)
    return respond(request, messages.problem("internal"))


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document, and declare them in its OpenAPI description."""
    app.add_exception_handler(CheckFailed, _check_failed)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(StoreError, _store_error)
    app.add_exception_handler(RemoteProblem, _remote_problem)
    app.add_exception_handler(Unreachable, _unreachable)
    app.add_exception_handler(KeyFileError, internal_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def of_error(error: CheckFailed | Refused) -> Problem:
    """The problem that a refusal is."""
    if isinstance(error, CheckFailed):
        return messages.problem_of_check(error.check)
    return messages.problem(error.code, error.params)


def _check_failed(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CheckFailed)
    extra = {"check": str(error.check), "where": error.where, "party": error.party, "finding": error.detail}
    return respond(request, of_error(error), extra=extra)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    wait = error.params.get("retry_after")
    return respond(request, of_error(error), headers={"Retry-After": str(wait)} if wait is not None else None)


def _store_error(request: Request, error: Exception) -> JSONResponse:
    _logger.critical("store-error", exc_info=error)
    return respond(request, messages.problem("log-stopped"))


def _remote_problem(request: Request, error: Exception) -> JSONResponse:
    """Another service refused what this one asked of it: that is not the fault of who asked this one."""
    assert isinstance(error, RemoteProblem)
    _logger.warning("remote-problem", problem_code=error.code, status=error.status)
    return respond(request, messages.problem("unavailable"))


def _unreachable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Unreachable)
    code = "certificate-not-trusted" if isinstance(error, Distrusted) else "remote-unreachable"
    return respond(request, messages.problem(code, {"place": error.place, "reason": error.reason}))


def _invalid(request: Request, error: Exception) -> JSONResponse:
    """400 where the body is no JSON or missing, 422 where its fields are wrong. Values are never repeated."""
    assert isinstance(error, RequestValidationError)
    items = error.errors()
    if any(item["type"] == "json_invalid" or tuple(item["loc"]) == ("body",) for item in items):
        return respond(request, messages.problem("bad-request"))
    fields = [{"field": ".".join(map(str, i["loc"]))[:100], "rule": str(i["type"])} for i in items[:_MAX_FIELDS]]
    return respond(request, messages.problem("invalid-fields"), extra={"fields": fields})


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODE_OF_STATUS.get(error.status_code, "internal" if error.status_code >= 500 else "bad-request")
    return respond(request, messages.problem(code), headers=error.headers)


SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "next", "es", "en", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "next": {"type": "string"},
        "es": {"$ref": "#/components/schemas/Wording"},
        "en": {"$ref": "#/components/schemas/Wording"},
        "request_id": {"type": "string"},
        "check": {"type": "string"},
        "where": {"type": ["string", "null"]},
        "party": {"type": ["string", "null"]},
        "finding": {"type": "string"},
        "fields": {"type": "array", "items": {"type": "object"}},
    },
}
WORDING_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["title", "detail", "next"],
    "properties": {name: {"type": "string"} for name in ("title", "detail", "next")},
}
_HEADERS: Final[dict[int, dict[str, Any]]] = {
    429: {
        "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}},
        "RateLimit": {"description": "The limit that was reached", "schema": {"type": "string"}},
        "RateLimit-Policy": {"description": "The limits that count", "schema": {"type": "string"}},
    },
}
DECLARED: Final[dict[int | str, dict[str, Any]]] = {
    status: {
        "description": "A problem document",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        **({"headers": _HEADERS[status]} if status in _HEADERS else {}),
    }
    for status in STATUSES
}
