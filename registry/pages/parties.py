"""Pages for representatives of parties: the roll as the law lets them see it, their observations and the answers."""

from __future__ import annotations

import re
import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.enrolling import Enrolling
from registry.pages import fields, paths
from registry.pages.fields import Field
from registry.pages.forms import text_problem
from registry.pages.holders import Holders
from registry.pages.site import Site, Visit
from registry.store import RegistryStore
from vemre.errors import Refused

PAGE: Final = 50
HOME: Final = paths.PARTY
_REQUEST: Final = re.compile(r"[0-9a-f]{32}")
After = Annotated[int, Query(ge=0, le=1 << 31)]


def routes(site: Site, enrolling: Enrolling, store: RegistryStore, party: Holders) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=site.route_class(), include_in_schema=False)

    @router.get(HOME)
    async def home(request: Request) -> Response:
        visit, by = await party.visit(request)
        return site.show(visit, "party.html", who=by.who)

    @router.get(f"{HOME}/observaciones")
    async def own(request: Request, desde: After = 0) -> Response:
        visit, by = await party.visit(request)
        found = await run_in_threadpool(lambda: list(enrolling.rows.observations(by.who, desde, PAGE + 1)))
        await enrolling.note("list-observations", min(len(found), PAGE), by)
        return site.show(
            visit, "own_observations.html", found=found[:PAGE], since=desde,
            folios=await run_in_threadpool(store.folios, [one.voter for one in found]),
            next=found[PAGE - 1].number if len(found) > PAGE else None,
            done=request.query_params.get("hecho") == "si",
        )  # fmt: skip

    def form_page(visit: Visit, identifier: str, folio: str, text: str, problems: dict[str, str]) -> Response:
        words = visit.words
        asked = [
            Field(
                "folio", "text", words("field-folio"), words("hint-folio"), folio, width="medium",
                problem=problems.get("folio", ""),
            ),
            Field(
                "text", "textarea", words("field-observation"), words("hint-observation"), text,
                problem=problems.get("text", ""),
            ),
        ]  # fmt: skip
        return site.show(visit, "observe_entry.html", 422 if problems else 200, fields=asked, request=identifier)

    @router.get(f"{HOME}/observaciones/nueva")
    async def new(request: Request) -> Response:
        visit, _ = await party.visit(request)
        return form_page(visit, secrets.token_hex(16), "", "", {})

    @router.post(f"{HOME}/observaciones/nueva")
    async def observe(request: Request) -> Response:
        visit, by = await party.visit(request)
        form = await site.form(visit, ("folio", "text", "request"))
        folio, text, identifier, problems = form.one("folio").upper(), form.text("text"), form.one("request"), {}
        if not _REQUEST.fullmatch(identifier):
            raise Refused("form-unusable")
        if fields.folio_problem(folio):
            problems["folio"] = visit.words("error-folio-form")
        if (problem := text_problem(text)) is not None:
            problems["text"] = visit.words(f"error-{problem}")
        if problems:
            return form_page(visit, identifier, folio, text, problems)
        try:
            await enrolling.observe_entry(folio, text, identifier, by)
        except Refused as refused:
            if refused.code != "not-enrolled":
                raise
            return form_page(visit, identifier, folio, text, {"folio": visit.words("error-folio-unknown")})
        return site.go(visit, f"{HOME}/observaciones?hecho=si")

    return router
