"""Officials' pages about applications: the queue, one of them, and what is decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, cast

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from registry import enrolment
from registry.application import CORRECTABLE
from registry.applications import Application
from registry.enrolling import Enrolling
from registry.enrolment import REASONS, Act, Reason, State
from registry.pages import fields, paths
from registry.pages.fields import Field
from registry.pages.forms import text_problem
from registry.pages.holders import Holders
from registry.pages.own import moment
from registry.pages.site import Site, Visit
from vemre.errors import Refused

PAGE: Final = 25
QUEUE: Final = paths.OFFICE
ONE: Final = f"{paths.OFFICE}/solicitudes/{{name}}"
_ACTS: Final = {Act.ACCEPT: "aceptar", Act.OBSERVE: "observar", Act.REFUSE: "rechazar"}
Name = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
After = Annotated[int, Query(ge=0, le=1 << 31)]


def routes(site: Site, enrolling: Enrolling, officials: Holders) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=site.route_class(), include_in_schema=False)

    @router.get(QUEUE)
    async def queue(request: Request, estado: State | None = None, desde: After = 0) -> Response:
        visit, by = await officials.visit(request)
        state = estado or State.RECEIVED
        found = await enrolling.list_in(state, desde, PAGE + 1, by)
        counts = await run_in_threadpool(enrolling.counts)
        return site.show(
            visit, "queue.html", state=state, counts=counts, found=found[:PAGE], since=desde, who=by.who,
            next=found[PAGE - 1].number if len(found) > PAGE else None,
        )  # fmt: skip

    @router.get(ONE)
    async def look(request: Request, name: Name) -> Response:
        visit, by = await officials.visit(request)
        found = await enrolling.look_at(name, by)
        history = await enrolling.openings(found)
        frozen = await run_in_threadpool(enrolling.frozen)
        return site.show(
            visit, "application.html", found=found, data=fields.shown(found.data, visit.words), frozen=frozen,
            acts=[(act.value, path) for act, path in _ACTS.items() if frozen is None and _possible(found, act)],
            observed=[visit.words(f"field-{field.replace('_', '-')}") for field in found.note.get("fields", [])],
            changes=[moment(one) for one, _ in history],
            done=request.query_params.get("hecho") == "si",
        )  # fmt: skip

    def decision_page(
        visit: Visit, found: Application, act: Act, given: Mapping[str, Field], problem: bool = False
    ) -> Response:
        return site.show(
            visit, "decide.html", 422 if problem else 200, found=found, act=act.value, fields=list(given.values()),
            form=ONE.format(name=found.name) + f"/{_ACTS[act]}", data=fields.shown(found.data, visit.words),
        )  # fmt: skip

    def observe_fields(
        visit: Visit, chosen: tuple[str, ...], text: str, problems: Mapping[str, str]
    ) -> dict[str, Field]:
        words = visit.words
        options = tuple((name, words(f"field-{name.replace('_', '-')}")) for name in CORRECTABLE)
        return {
            "fields": Field(
                "fields", "checkboxes", words("field-observed"), words("hint-observed"), values=chosen, options=options,
                problem=problems.get("fields", ""),
            ),
            "text": _note(visit, text, problems),
        }  # fmt: skip

    def refuse_fields(visit: Visit, reason: str, text: str, problems: Mapping[str, str]) -> dict[str, Field]:
        words = visit.words
        options = tuple((name, words.reason(name)) for name in REASONS)
        return {
            "reason": Field(
                "reason", "radio", words("field-reason"), words("hint-reason"), reason, options=options,
                problem=problems.get("reason", ""),
            ),
            "text": _note(visit, text, problems),
        }  # fmt: skip

    async def about(request: Request, name: str, act: Act, given: Mapping[str, Field]) -> Response:
        """The page on which an act is decided; back to the application where it is not possible any more."""
        visit, by = await officials.visit(request)
        found = await enrolling.look_at(name, by)
        if not _possible(found, act):
            return site.go(visit, ONE.format(name=name))
        return decision_page(visit, found, act, given)

    @router.get(f"{ONE}/aceptar")
    async def accept(request: Request, name: Name) -> Response:
        return await about(request, name, Act.ACCEPT, {})

    @router.post(f"{ONE}/aceptar")
    async def do_accept(request: Request, name: Name) -> Response:
        visit, by = await officials.visit(request)
        await site.form(visit)
        await enrolling.accept(name, by)
        return _done(site, visit, name)

    @router.get(f"{ONE}/observar")
    async def observe(request: Request, name: Name) -> Response:
        return await about(request, name, Act.OBSERVE, observe_fields(await site.visit(request), (), "", {}))

    @router.post(f"{ONE}/observar")
    async def do_observe(request: Request, name: Name) -> Response:
        visit, by = await officials.visit(request)
        form = await site.form(visit, ("text",), many=("fields",))
        chosen, text = form.many("fields"), form.text("text")
        if len(set(chosen)) != len(chosen) or not set(chosen) <= set(CORRECTABLE):
            raise Refused("form-unusable")
        problems = _note_problem(visit, text)
        if not chosen:
            problems["fields"] = visit.words("error-fields-required")
        if problems:
            given = observe_fields(visit, tuple(chosen), text, problems)
            return decision_page(visit, await enrolling.look_at(name, by), Act.OBSERVE, given, True)
        await enrolling.observe(name, chosen, text, by)
        return _done(site, visit, name)

    @router.get(f"{ONE}/rechazar")
    async def refuse(request: Request, name: Name) -> Response:
        return await about(request, name, Act.REFUSE, refuse_fields(await site.visit(request), "", "", {}))

    @router.post(f"{ONE}/rechazar")
    async def do_refuse(request: Request, name: Name) -> Response:
        visit, by = await officials.visit(request)
        form = await site.form(visit, ("reason", "text"))
        reason, text = form.one("reason"), form.text("text")
        problems = _note_problem(visit, text)
        if reason not in REASONS:
            problems["reason"] = visit.words("error-reason-required")
        if problems:
            given = refuse_fields(visit, reason, text, problems)
            return decision_page(visit, await enrolling.look_at(name, by), Act.REFUSE, given, True)
        await enrolling.refuse(name, cast(Reason, reason), text, by)
        return _done(site, visit, name)

    return router


def _possible(found: Application, act: Act) -> bool:
    return (found.standing.state, act) in enrolment.NEXT


def _done(site: Site, visit: Visit, name: str) -> Response:
    return site.go(visit, f"{ONE.format(name=name)}?hecho=si")


def _note(visit: Visit, text: str, problems: Mapping[str, str]) -> Field:
    words = visit.words
    return Field("text", "textarea", words("field-note"), words("hint-note"), text, problem=problems.get("text", ""))


def _note_problem(visit: Visit, text: str) -> dict[str, str]:
    problem = text_problem(text)
    return {"text": visit.words(f"error-{problem}")} if problem is not None else {}
