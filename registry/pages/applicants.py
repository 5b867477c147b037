"""Pages for whoever wants to apply: what it is about, the form, the look over it, and the confirmation."""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.application import FIELDS, FieldsRefused
from registry.enrolling import Enrolling
from registry.pages import fields, paths
from registry.pages.site import Site, Visit, mark, style_sheet
from registry.settings import RegistrySettings
from vemre.errors import Refused

_REQUEST: Final = re.compile(r"[0-9a-f]{32}")
_STATIC_HEADERS: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


def routes(site: Site, enrolling: Enrolling, settings: RegistrySettings) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=site.route_class(), include_in_schema=False)

    async def standing() -> dict[str, Any]:
        """What the first page says of the registration."""
        frozen = await run_in_threadpool(enrolling.frozen)
        window = [None if at is None else int(at.timestamp()) for at in (
            settings.registration_opens, settings.registration_closes,
        )]  # fmt: skip
        state = "frozen" if frozen is not None else enrolling.registration()
        return {"state": state, "frozen": frozen, "opens": window[0], "closes": window[1]}

    def form_page(visit: Visit, values: dict[str, str], request: str, refused: FieldsRefused | None = None) -> Response:
        problems = fields.problems_by_field(refused.problems, visit.words) if refused is not None else {}
        return site.show(
            visit, "apply.html", 422 if problems else 200, groups=fields.groups(values, problems, visit.words),
            request=request,
        )  # fmt: skip

    @router.get(paths.START)
    async def start(request: Request) -> Response:
        visit = await site.visit(request)
        return site.show(visit, "start.html", **await standing())

    @router.get(paths.APPLY)
    async def form(request: Request) -> Response:
        visit = await site.visit(request)
        found = await standing()
        if found["state"] != "open":
            return site.show(visit, "start.html", **found)
        draft = visit.session.content if visit.session is not None and visit.session.role == "draft" else None
        if draft is not None:
            return form_page(visit, draft["values"], draft["request"])
        return form_page(visit, {}, secrets.token_hex(16))

    @router.post(paths.APPLY)
    async def fill_in(request: Request) -> Response:
        visit = await site.visit(request)
        sent = await site.form(visit, (*FIELDS, "request"))
        identifier = sent.one("request")
        if not _REQUEST.fullmatch(identifier):
            raise Refused("form-unusable")
        values = {name: sent.one(name) for name in FIELDS}
        try:
            data = enrolling.check(values)
        except FieldsRefused as refused:
            return form_page(visit, values, identifier, refused)
        return await site.sign_in(visit, "draft", {"values": dict(data), "request": identifier}, paths.CHECK)

    @router.get(paths.CHECK)
    async def check(request: Request) -> Response:
        visit = await site.visit_as(request, "draft")
        assert visit.session is not None
        return site.show(visit, "check.html", data=fields.shown(visit.session.content["values"], visit.words))

    @router.post(paths.CHECK)
    async def send(request: Request) -> Response:
        visit = await site.visit_as(request, "draft")
        await site.form(visit)
        assert visit.session is not None
        draft = visit.session.content
        try:
            found, code, _ = await enrolling.submit(draft["values"], draft["request"])
        except FieldsRefused as refused:
            # The offer may have come out between the form and now.
            return form_page(visit, draft["values"], draft["request"], refused)
        return await site.sign_in(visit, "applicant", {"application": found.name, "code": code}, paths.SENT)

    @router.get(paths.SENT)
    async def sent(request: Request) -> Response:
        visit = await site.visit_as(request, "applicant")
        assert visit.session is not None
        content = visit.session.content
        if "code" not in content:
            return site.go(visit, paths.OWN)
        mine = await enrolling.named(content["application"])
        return site.show(visit, "sent.html", folio=mine.folio, code=content["code"], email=mine.data["email"])

    @router.get(f"{paths.STATIC}/{{digest}}/style.css")
    def style(digest: str) -> Response:
        return Response(style_sheet(digest), media_type="text/css; charset=utf-8", headers=_STATIC_HEADERS)

    @router.get(f"{paths.STATIC}/mark.svg")
    def icon() -> Response:
        return Response(mark(), media_type="image/svg+xml")

    return router
