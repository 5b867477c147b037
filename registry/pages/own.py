"""Pages about the own application, or the own entry of an imported roll, opened with the code that its owner has."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from registry.application import FieldProblem, FieldsRefused
from registry.applications import Application
from registry.commitments import Committed
from registry.enrolling import Enrolling
from registry.fields import MODALITIES, Modality
from registry.pages import fields, paths
from registry.pages.fields import Field
from registry.pages.forms import text_problem
from registry.pages.site import Site, Visit
from vemre.errors import Refused
from vemre.records.enrolment import Opening
from vemre.records.fields import parse_time

_MAX_CODE: Final = 64


def routes(site: Site, enrolling: Enrolling) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=site.route_class(), include_in_schema=False)

    async def mine(request: Request) -> tuple[Visit, Application]:
        """The visitor and the own application; Refused("application-unknown") for who made none."""
        visit = await site.visit_as(request, "applicant")
        assert visit.session is not None
        return visit, await enrolling.named(visit.session.content.get("application", ""))

    async def openings(visit: Visit) -> list[tuple[Committed, Opening | None]]:
        assert visit.session is not None
        number = visit.session.content.get("voter")
        if number is not None:
            return await enrolling.opened.of_voter(number)
        return await enrolling.openings(await enrolling.named(visit.session.content["application"]))

    # --- signing in -----------------------------------------------------------------------------------------------

    def enter_page(visit: Visit, problem: str = "") -> Response:
        hint = visit.words("hint-code")
        code = Field("code", "text", visit.words("field-code"), hint, width="medium", problem=problem)
        return site.show(
            visit, "enter.html", 422 if problem else 200, field=code, form=visit.request.url.path,
            ended=visit.request.query_params.get("sesion") == "terminada", texts="enter",
        )  # fmt: skip

    @router.get(paths.ENTER)
    async def enter(request: Request) -> Response:
        return enter_page(await site.visit(request))

    @router.post(paths.ENTER)
    async def sign_in(request: Request) -> Response:
        visit = await site.visit(request)
        code = (await site.form(visit, ("code",))).one("code")
        if not code or len(code) > _MAX_CODE:
            return enter_page(visit, visit.words("error-code"))
        content: dict[str, Any]
        try:
            content = {"application": (await enrolling.own(code)).name}
        except HTTPException:
            try:
                content = {"voter": (await enrolling.opened.voter_by_code(code))[0]}
            except HTTPException:
                return enter_page(visit, visit.words("error-code"))
        return await site.sign_in(visit, "applicant", content, paths.OWN)

    @router.post(paths.LEAVE)
    async def leave(request: Request) -> Response:
        visit = await site.visit(request)
        await site.form(visit)
        return await site.sign_out(visit, paths.START)

    # --- looking --------------------------------------------------------------------------------------------------

    @router.get(paths.OWN)
    async def look(request: Request) -> Response:
        visit = await site.visit_as(request, "applicant")
        assert visit.session is not None
        history = [moment(one) for one, _ in await openings(visit)]
        frozen = await run_in_threadpool(enrolling.frozen)
        number = visit.session.content.get("voter")
        if number is not None:
            found = await enrolling.opened.voter(number)
            data = fields.shown({**vars(found)}, visit.words)
            return site.show(visit, "entry.html", folio=found.folio, data=data, changes=history, frozen=frozen)
        own = await enrolling.named(visit.session.content["application"])
        return site.show(
            visit, "own.html", own=own, data=fields.shown(own.data, visit.words), changes=history, frozen=frozen,
            observed=[visit.words(f"field-{name.replace('_', '-')}") for name in own.note.get("fields", [])],
            may_appeal=own.standing.state == "refused" and not own.standing.appealed and frozen is None,
            done=request.query_params.get("hecho") == "si",
        )  # fmt: skip

    @router.get(paths.PROOFS)
    async def proofs(request: Request) -> Response:
        visit = await site.visit_as(request, "applicant")
        found = [{**moment(one), "ready": opening is not None} for one, opening in await openings(visit)]
        return site.show(visit, "proofs.html", proofs=found)

    @router.get(f"{paths.PROOFS}/{{number}}")
    async def proof(request: Request, number: Annotated[int, Path(ge=0, le=1_000)]) -> Response:
        visit = await site.visit_as(request, "applicant")
        opening = next((opening for one, opening in await openings(visit) if one.number == number), None)
        if opening is None:
            raise Refused("not-found")
        name = f"{visit.words('proof-file')}-{number}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(json.dumps(opening.as_json()), media_type="application/json", headers=headers)

    # --- acting ---------------------------------------------------------------------------------------------------

    def correction_page(visit: Visit, own: Application, given: dict[str, str], problems: dict[str, str]) -> Response:
        observed = [
            fields.field(name, given.get(name, own.data[name]), visit.words, problems.get(name, ""))
            for name in own.note.get("fields", [])
        ]
        return site.show(
            visit, "correct.html", 422 if problems else 200, fields=observed, note=own.note.get("text", "")
        )

    @router.get(paths.CORRECT)
    async def correct(request: Request) -> Response:
        visit, own = await mine(request)
        if own.standing.state != "observed":
            return site.go(visit, paths.OWN)
        return correction_page(visit, own, {}, {})

    @router.post(paths.CORRECT)
    async def send_correction(request: Request) -> Response:
        visit, own = await mine(request)
        observed = own.note.get("fields", []) if own.standing.state == "observed" else list(own.data)
        form = await site.form(visit, observed)
        given = {name: form.one(name) for name in observed if form.has(name)}
        try:
            await enrolling.correct(own, given)
        except FieldsRefused as refused:
            return correction_page(visit, own, given, fields.problems_by_field(refused.problems, visit.words))
        return site.go(visit, f"{paths.OWN}?hecho=si")

    def appeal_page(visit: Visit, own: Application, text: str, problem: str) -> Response:
        words = visit.words
        told = Field("text", "textarea", words("field-appeal"), words("hint-appeal"), text, problem=problem)
        return site.show(visit, "appeal.html", 422 if problem else 200, field=told, own=own)

    @router.get(paths.APPEAL)
    async def appeal(request: Request) -> Response:
        visit, own = await mine(request)
        if own.standing.state != "refused" or own.standing.appealed:
            return site.go(visit, paths.OWN)
        return appeal_page(visit, own, "", "")

    @router.post(paths.APPEAL)
    async def send_appeal(request: Request) -> Response:
        visit, own = await mine(request)
        text = (await site.form(visit, ("text",))).text("text")
        if (problem := text_problem(text)) is not None:
            return appeal_page(visit, own, text, visit.words(f"error-{problem}"))
        await enrolling.appeal(own, text)
        return site.go(visit, f"{paths.OWN}?hecho=si")

    def modality_page(visit: Visit, own: Application, problems: dict[str, str]) -> Response:
        choice = fields.field("modality", own.data["modality"], visit.words, problems.get("modality", ""))
        return site.show(visit, "modality.html", 422 if problems else 200, field=choice)

    @router.get(paths.MODALITY)
    async def modality(request: Request) -> Response:
        visit, own = await mine(request)
        return modality_page(visit, own, {})

    @router.post(paths.MODALITY)
    async def change_modality(request: Request) -> Response:
        visit, own = await mine(request)
        wanted = (await site.form(visit, ("modality",))).one("modality")
        if wanted not in MODALITIES:
            problem = FieldProblem("modality", "modality-unknown")
            return modality_page(visit, own, fields.problems_by_field([problem], visit.words))
        await enrolling.change_modality(own.name, cast(Modality, wanted))
        return site.go(visit, f"{paths.OWN}?hecho=si")

    return router


def moment(one: Committed) -> dict[str, Any]:
    """A change as its person sees it."""
    return {"number": one.number, "kind": one.kind, "time": parse_time(one.change["time"]), "place": one.position}
