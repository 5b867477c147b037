"""Officials' pages beside the review of applications: totals, modality, freeze, parties' observations, accesses,
letters that did not go out."""

from __future__ import annotations

from typing import Annotated, Final, cast

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from registry.applications import Observation
from registry.enrolling import Enrolling
from registry.enrolment import UNDECIDED, State
from registry.fields import MODALITIES, Modality
from registry.pages import fields, paths
from registry.pages.fields import Field
from registry.pages.forms import text_problem
from registry.pages.holders import Holders
from registry.pages.site import Site, Visit
from registry.store import RegistryStore
from vemre.errors import Refused

PAGE: Final = 50
HOME: Final = paths.OFFICE
_MAX_COUNT: Final = 10
Number = Annotated[int, Path(ge=1, le=1 << 31)]
After = Annotated[int, Query(ge=0, le=1 << 31)]


def routes(site: Site, enrolling: Enrolling, store: RegistryStore, officials: Holders) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=site.route_class(), include_in_schema=False)

    # --- totals, and the end of all changes -------------------------------------------------------------------------

    @router.get(f"{HOME}/resumen")
    async def totals(request: Request) -> Response:
        visit, _ = await officials.visit(request)
        return site.show(
            visit, "totals.html", applications=await run_in_threadpool(enrolling.counts),
            voters=await run_in_threadpool(store.counts),
            commitments=await run_in_threadpool(enrolling.commitments.counts),
            frozen=await run_in_threadpool(enrolling.frozen), done=request.query_params.get("hecho") == "si",
        )  # fmt: skip

    async def freeze_page(visit: Visit, count: str = "", problems: dict[str, str] | None = None) -> Response:
        words, found = visit.words, problems or {}
        counts = await run_in_threadpool(enrolling.counts)
        waiting = {state: counts[state] for state in State if state in UNDECIDED}
        asked = [
            Field(
                "undecided", "number", words("field-undecided"), words("hint-undecided"), count, width="short",
                problem=found.get("undecided", ""),
            ),
            Field(
                "sure", "checkboxes", words("field-sure"), options=(("yes", words("sure-freeze")),),
                problem=found.get("sure", ""),
            ),
        ]  # fmt: skip
        return site.show(
            visit, "freeze.html", 422 if found else 200, fields=asked, waiting=waiting, total=sum(waiting.values()),
            voters=await run_in_threadpool(store.counts), frozen=await run_in_threadpool(enrolling.frozen),
        )  # fmt: skip

    @router.get(f"{HOME}/cierre")
    async def freeze(request: Request) -> Response:
        visit, _ = await officials.visit(request)
        return await freeze_page(visit)

    @router.post(f"{HOME}/cierre")
    async def do_freeze(request: Request) -> Response:
        visit, _ = await officials.visit(request)
        form = await site.form(visit, ("undecided", "sure"))
        count, problems = form.one("undecided"), {}
        if not (count.isascii() and count.isdecimal() and len(count) <= _MAX_COUNT):
            problems["undecided"] = visit.words("error-undecided-form")
        if form.one("sure") != "yes":
            problems["sure"] = visit.words("error-sure")
        if problems:
            return await freeze_page(visit, count, problems)
        try:
            await enrolling.freeze(int(count))
        except Refused as refused:
            if refused.code != "applications-undecided":
                raise
            return await freeze_page(visit, count, {"undecided": visit.words("error-undecided")})
        return site.go(visit, f"{HOME}/resumen?hecho=si")

    # --- modality -------------------------------------------------------------------------------------------------

    def modality_page(visit: Visit, folio: str, chosen: str, problems: dict[str, str], done: bool = False) -> Response:
        words = visit.words
        asked = [
            Field(
                "folio", "text", words("field-folio"), words("hint-folio"), folio, width="medium",
                problem=problems.get("folio", ""),
            ),
            fields.field("modality", chosen, words, problems.get("modality", "")),
        ]  # fmt: skip
        return site.show(visit, "voter_modality.html", 422 if problems else 200, fields=asked, done=done)

    @router.get(f"{HOME}/modalidad")
    async def modality(request: Request) -> Response:
        visit, _ = await officials.visit(request)
        return modality_page(visit, "", "", {}, request.query_params.get("hecho") == "si")

    @router.post(f"{HOME}/modalidad")
    async def change_modality(request: Request) -> Response:
        visit, by = await officials.visit(request)
        form = await site.form(visit, ("folio", "modality"))
        folio, chosen, problems = form.one("folio").upper(), form.one("modality"), {}
        if fields.folio_problem(folio):
            problems["folio"] = visit.words("error-folio-form")
        if chosen not in MODALITIES:
            problems["modality"] = visit.words("error-modality-unknown")
        if problems:
            return modality_page(visit, folio, chosen, problems)
        try:
            await enrolling.change_modality_of(folio, cast(Modality, chosen), by)
        except Refused as refused:
            if refused.code != "not-enrolled":
                raise
            return modality_page(visit, folio, chosen, {"folio": visit.words("error-folio-unknown")})
        return site.go(visit, f"{HOME}/modalidad?hecho=si")

    # --- what parties observe ---------------------------------------------------------------------------------------

    @router.get(f"{HOME}/observaciones")
    async def observations(request: Request, desde: After = 0) -> Response:
        visit, by = await officials.visit(request)
        found = await run_in_threadpool(lambda: list(enrolling.rows.observations(None, desde, PAGE + 1)))
        await enrolling.note("list-observations", min(len(found), PAGE), by)
        return site.show(
            visit, "observations.html", found=found[:PAGE], since=desde,
            folios=await run_in_threadpool(store.folios, [one.voter for one in found]),
            next=found[PAGE - 1].number if len(found) > PAGE else None,
        )  # fmt: skip

    async def answer_page(visit: Visit, found: Observation, text: str, problem: str) -> Response:
        words, folios = visit.words, await run_in_threadpool(store.folios, [found.voter])
        asked = Field("text", "textarea", words("field-answer"), words("hint-answer"), text, problem=problem)
        return site.show(
            visit, "answer.html", 422 if problem else 200, found=found, field=asked, folio=folios[found.voter]
        )

    async def observation(number: int) -> Observation:
        found = await run_in_threadpool(lambda: list(enrolling.rows.observations(None, number - 1, 1)))
        if not found or found[0].number != number:
            raise Refused("observation-unknown")
        return found[0]

    @router.get(f"{HOME}/observaciones/{{number}}")
    async def look(request: Request, number: Number) -> Response:
        visit, by = await officials.visit(request)
        found = await observation(number)
        await enrolling.note("list-observations", 1, by)
        return await answer_page(visit, found, found.answer or "", "")

    @router.post(f"{HOME}/observaciones/{{number}}")
    async def answer(request: Request, number: Number) -> Response:
        visit, by = await officials.visit(request)
        text = (await site.form(visit, ("text",))).text("text")
        if (problem := text_problem(text)) is not None:
            return await answer_page(visit, await observation(number), text, visit.words(f"error-{problem}"))
        await enrolling.answer_observation(number, text, by)
        return site.go(visit, f"{HOME}/observaciones")

    # --- who used personal data -------------------------------------------------------------------------------------

    @router.get(f"{HOME}/accesos")
    async def accesses(request: Request, antes: After = 1 << 31) -> Response:
        visit, _ = await officials.visit(request)
        found = await run_in_threadpool(store.recent_accesses, antes, PAGE + 1)
        return site.show(
            visit, "accesses.html", found=found[:PAGE], since=antes < 1 << 31,
            next=found[PAGE - 1]["access"] if len(found) > PAGE else None,
        )  # fmt: skip

    return router
