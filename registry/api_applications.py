"""Applications over HTTP, for applicants. The code that submission gives is the bearer token of all the rest; a wrong
code, a wrong address and an unknown one get the same answer.

    POST /solicitudes                       apply; gives the code (the same request again: the same code)
    GET  /solicitudes                       the own application, by the code alone
    GET  /solicitudes/{name}                the same
    POST /solicitudes/{name}/correction     correct what was observed
    POST /solicitudes/{name}/appeal         appeal a refusal, once
    POST /solicitudes/{name}/modality       another way to vote, until the freeze
    GET  /solicitudes/{name}/commitments    what the log says of it, and what opens that
    GET  /inscripcion                       the same of a voter who came with an imported roll, by the code of officials
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import BaseModel

from registry.api_models import ApplicationForm, Correction, ModalityOrder, Order, Text, fields_refused, time_of
from registry.application import FieldsRefused
from registry.applications import Application
from registry.commitments import Committed
from registry.enrolling import Enrolling
from vemre.records.enrolment import Opening
from vemre.service.official import bearer


class Appeal(Order):
    """Why a refusal is wrong."""

    text: Text


class Standing(BaseModel):
    """An application as its applicant sees it. `observed` names the fields to correct, `told` is what the officials
    wrote, `reason` the code of a refusal."""

    id: str
    folio: str
    state: str
    observed: list[str]
    told: str
    reason: str
    may_appeal: bool
    data: dict[str, str]
    received: str
    changed: str


class Submitted(BaseModel):
    """A new application. `code` opens it and is told once: only its digest is kept."""

    id: str
    folio: str
    code: str
    state: str


class Commitment(BaseModel):
    """A commitment to one change. `index` is its place in the registry's log, null while it waits for it; `opening` is
    the file for ``vemre audit enrolment check``, to be kept by the applicant alone."""

    number: int
    kind: str
    index: int | None
    opening: dict[str, Any] | None


class CommitmentList(BaseModel):
    """All commitments to changes of one application, in order."""

    commitments: list[Commitment]


class Entry(CommitmentList):
    """The own entry of a voter who came with an imported roll."""

    folio: str
    data: dict[str, str]


Name = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]


def routes(enrolling: Enrolling) -> APIRouter:
    """The routes."""
    router = APIRouter(prefix="/solicitudes", tags=["applicants"])
    outer = APIRouter(tags=["applicants"])

    async def owner(request: Request) -> Application:
        return await enrolling.own(bearer(request), request.path_params.get("name"))

    mine = Depends(owner)

    @router.post(
        "",
        status_code=201,
        response_model=Submitted,
        responses={200: {"model": Submitted}},
        summary="Apply to be put on the roll",
    )
    async def submit(form: ApplicationForm, request: Request, response: Response) -> Response | Submitted:
        given = form.model_dump()
        try:
            found, code, new = await enrolling.submit(given, given.pop("request"))
        except FieldsRefused as refused:
            return fields_refused(request, refused)
        if not new:
            response.status_code = 200
        return Submitted(id=found.name, folio=found.folio, code=code, state=found.standing.state)

    @router.get("", summary="The own application, by its code")
    async def find(own: Application = mine) -> Standing:
        return standing(own)

    @router.get("/{name}", summary="The own application")
    async def look(name: Name, own: Application = mine) -> Standing:  # noqa: ARG001  (checked with the code)
        return standing(own)

    @router.post("/{name}/correction", response_model=Standing, summary="Correct what was observed")
    async def correct(
        name: Name,  # noqa: ARG001
        form: Correction,
        request: Request,
        own: Application = mine,
    ) -> Response | Standing:
        try:
            return standing(await enrolling.correct(own, form.model_dump(exclude_none=True)))
        except FieldsRefused as refused:
            return fields_refused(request, refused)

    @router.post("/{name}/appeal", summary="Appeal a refusal")
    async def appeal(name: Name, order: Appeal, own: Application = mine) -> Standing:  # noqa: ARG001
        return standing(await enrolling.appeal(own, order.text))

    @router.post("/{name}/modality", summary="Choose another way to vote")
    async def modality(name: Name, order: ModalityOrder, own: Application = mine) -> Standing:  # noqa: ARG001
        return standing(await enrolling.change_modality(own.name, order.modality))

    @router.get("/{name}/commitments", summary="What the log says of the own application")
    async def commitments(name: Name, own: Application = mine) -> CommitmentList:  # noqa: ARG001
        return CommitmentList(commitments=_listed(await enrolling.openings(own)))

    @outer.get("/inscripcion", summary="The own entry on the roll, for who came with an imported one")
    async def entry(request: Request) -> Entry:
        number, found = await enrolling.opened.voter_by_code(bearer(request))
        data = {name: value for name, value in vars(found).items() if name != "folio"}
        return Entry(folio=found.folio, data=data, commitments=_listed(await enrolling.opened.of_voter(number)))

    outer.include_router(router)
    return outer


def _listed(found: list[tuple[Committed, Opening | None]]) -> list[Commitment]:
    return [
        Commitment(
            number=one.number,
            kind=one.kind,
            index=one.position,
            opening=opening.as_json() if opening is not None else None,
        )
        for one, opening in found
    ]


def standing(found: Application) -> Standing:
    """An application as its applicant and the officials see it."""
    return Standing(
        id=found.name,
        folio=found.folio,
        state=found.standing.state,
        observed=found.note.get("fields", []),
        told=found.note.get("text", ""),
        reason=found.reason,
        may_appeal=found.standing.state == "refused" and not found.standing.appealed,
        data=found.data,
        received=time_of(found.received),
        changed=time_of(found.changed),
    )
