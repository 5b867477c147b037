"""What a witness shows to anybody: how it stands, what happens, the evidence, and the verifier.

    GET /                  the status page, in Spanish or English; live with its script, complete without
    GET /status            the same as JSON
    GET /events            the stream of events (`audit.witness.stream`)
    GET /evidence/         the findings; below, the evidence of each (`audit.witness.evidence_files`)
    GET /verify/           the verifier's page, which proposes this witness's own copy of the record, /record
    GET /assets/...        the style sheet, the script and the mark of these pages

All addresses in the pages are relative, so that the witness may stand below any prefix.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Query, Request, Response
from starlette.responses import RedirectResponse, StreamingResponse

from audit.page import VerifierPage, verifier_page
from audit.witness import evidence_files, view
from audit.witness.hub import EventHub
from audit.witness.status import WitnessStatus
from audit.witness.stream import EventStream
from vemre import messages
from vemre.errors import Refused
from vemre.messages import LANGUAGES, Language
from vemre.service.log_routes import OCTETS
from vemre.service.middleware import JSON
from vemre.types import Clock

HTML: Final = "text/html; charset=utf-8"
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS: Final = {
    "style.css": "text/css; charset=utf-8",
    "live.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
_PUBLIC: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_RECORD: Final = "../record/"
_Lang = Annotated[str | None, Query(max_length=8)]


def web_routes(
    status: Callable[[], WitnessStatus],
    hub: EventHub,
    evidence: Path,
    clock: Clock,
    page: Callable[[str], VerifierPage] = verifier_page,
) -> APIRouter:
    """The routes. `status` is asked anew for each page, from any thread; `evidence` is the folder of the
    evidence; `page` gives the verifier's page for a relative address of the record."""
    router = APIRouter(tags=["witness"])

    @router.get("/", summary="The status page", response_class=Response)
    def index(request: Request, lang: _Lang = None) -> Response:
        language = _language(request, lang)
        return _page(view.status_page(language, lang in LANGUAGES, status(), hub.after(0)[0], clock()), language)

    @router.get("/status", summary="How the witness stands, as JSON", response_class=Response)
    def status_json() -> Response:
        return _json(view.status_document(status()))

    @router.get("/events", summary="What happens, as Server-Sent Events", response_class=Response)
    async def events(last_event_id: Annotated[str | None, Header()] = None) -> Response:
        return EventStream(hub, last_event_id, {**_PUBLIC, "Cache-Control": "no-cache", "X-Accel-Buffering": "no"})

    @router.get("/evidence/", summary="The findings with evidence", response_class=Response)
    def evidence_list(request: Request, lang: _Lang = None) -> Response:
        language = _language(request, lang)
        names = evidence_files.findings(evidence)
        return _page(view.evidence_page(language, lang in LANGUAGES, names), language)

    @router.get("/evidence/{name}/", summary="The evidence of a finding", response_class=Response)
    def evidence_folder(request: Request, name: str, lang: _Lang = None) -> Response:
        language = _language(request, lang)
        found = evidence_files.files(evidence, name)
        return _page(view.finding_page(language, lang in LANGUAGES, name, found), language)

    @router.get("/evidence/{name}/{path:path}", summary="A file of the evidence", response_class=Response)
    def evidence_file(name: str, path: str) -> Response:
        file, size = evidence_files.opened(evidence, name, path)
        media_type = JSON if path.endswith(".json") else OCTETS
        headers = {**_PUBLIC, "Content-Length": str(size)}
        return StreamingResponse(evidence_files.pieces(file, size), media_type=media_type, headers=headers)

    @router.get("/verify", include_in_schema=False)
    def verify_short() -> Response:
        return RedirectResponse("verify/", 308)

    @router.get("/verify/", summary="The verifier's page", response_class=Response)
    def verify(request: Request, lang: _Lang = None) -> Response:
        try:
            found = page(_RECORD)
        except Refused as missing:
            language = _language(request, lang)
            words = messages.problem(missing.code, missing.params).wording(language)
            return _page(view.missing_page(language, lang in LANGUAGES, words), language, status=503)
        return Response(found.html, media_type=HTML, headers=_page_headers(f"{found.policy}; frame-ancestors 'none'"))

    @router.get("/assets/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise Refused("not-found")
        data = resources.files("audit.witness").joinpath("templates", name).read_bytes()
        return Response(data, media_type=_ASSETS[name], headers={"Cache-Control": "no-cache"})

    return router


def _language(request: Request, wish: str | None) -> Language:
    """What the address asks for, or else the browser."""
    chosen = next((language for language in LANGUAGES if language == wish), None)
    return chosen or messages.from_accept_language(request.headers.get("accept-language"))


def _page(html: str, language: Language, status: int = 200) -> Response:
    headers = {**_page_headers(_PAGE_POLICY), "Content-Language": language, "Vary": "Accept-Language"}
    return Response(html, status, media_type=HTML, headers=headers)


def _page_headers(policy: str) -> dict[str, str]:
    return {"Content-Security-Policy": policy}


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type=JSON, headers=_PUBLIC)
