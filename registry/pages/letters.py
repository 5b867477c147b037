"""Officials' page about letters that did not go out, and the code of a voter who came with an imported roll."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.enrolling import Enrolling
from registry.pages import fields, paths
from registry.pages.fields import Field
from registry.pages.holders import Holders
from registry.pages.site import Site, Visit
from vemre.errors import Refused
from vemre.service.delivery import Courier, Waiting
from vemre.service.delivery.message import CHANNELS

PAGE: Final = 50
LETTERS: Final = f"{paths.OFFICE}/entregas"
CODES: Final = f"{paths.OFFICE}/claves"
Start = Annotated[int, Query(ge=0, le=1 << 31)]


def routes(site: Site, enrolling: Enrolling, officials: Holders) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=site.route_class(), include_in_schema=False)
    courier = enrolling.letters.courier

    @router.get(LETTERS)
    async def letters(request: Request, direcciones: str = "", desde: Start = 0) -> Response:
        visit, by = await officials.visit(request)
        entries = await run_in_threadpool(_entries, courier)
        troubled = [entry for entry in entries if entry.refused or entry.tries]
        shown, addresses = troubled[desde : desde + PAGE], direcciones == "si"
        if addresses:
            await enrolling.note_addresses(len(shown), by)
        rows = await run_in_threadpool(lambda: [_row(courier, entry, addresses) for entry in shown])
        counts = Counter((entry.template, _state(entry)) for entry in entries)
        return site.show(
            visit, "letters.html", groups=sorted(counts.items()), rows=rows, addresses=addresses, since=desde,
            served=bool(courier.channels), next=desde + PAGE if len(troubled) > desde + PAGE else None,
            refused=any(entry.refused for entry in entries), done=request.query_params.get("hecho") == "si",
        )  # fmt: skip

    @router.post(LETTERS)
    async def again(request: Request) -> Response:
        visit, _ = await officials.visit(request)
        await site.form(visit)

        def retry() -> None:
            for entry in _entries(courier):
                if entry.refused:
                    courier.outbox.again(entry)
            courier.wake()

        await run_in_threadpool(retry)
        return site.go(visit, f"{LETTERS}?hecho=si")

    def code_page(visit: Visit, folio: str = "", problem: str = "", code: str = "") -> Response:
        asked = Field(
            "folio", "text", visit.words("field-folio"), visit.words("hint-folio"), folio, width="medium",
            problem=problem,
        )  # fmt: skip
        return site.show(visit, "voter_code.html", 422 if problem else 200, field=asked, code=code)

    @router.get(CODES)
    async def codes(request: Request) -> Response:
        visit, _ = await officials.visit(request)
        return code_page(visit)

    @router.post(CODES)
    async def code_of(request: Request) -> Response:
        visit, by = await officials.visit(request)
        folio = (await site.form(visit, ("folio",))).one("folio").upper()
        if fields.folio_problem(folio):
            return code_page(visit, folio, visit.words("error-folio-form"))
        try:
            code = await enrolling.code_for(folio, by)
        except Refused as refused:
            if refused.code not in ("not-enrolled", "has-application"):
                raise
            problem = "folio-unknown" if refused.code == "not-enrolled" else "folio-applied"
            return code_page(visit, folio, visit.words(f"error-{problem}"))
        return code_page(visit, folio, code=code)

    return router


def _entries(courier: Courier) -> list[Waiting]:
    return [entry for channel in CHANNELS for entry in courier.outbox.entries(channel)]


def _state(entry: Waiting) -> str:
    return "refused" if entry.refused else "retried" if entry.tries else "new"


def _row(courier: Courier, entry: Waiting, addresses: bool) -> dict[str, Any]:
    message = courier.outbox.open(entry) if addresses else None
    return {
        "name": entry.name,
        "template": entry.template,
        "state": _state(entry),
        "since": entry.since,
        "tries": entry.tries,
        "problem": entry.problem,
        "to": message.to if message is not None else "",
    }
