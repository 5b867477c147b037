"""The review of applications and the lists of the roll over HTTP, for officials. Every use is noted with who it was.

GET  /official/solicitudes?state=&after=&limit=     applications in a state
GET  /official/solicitudes/{name}                   one of them
POST /official/solicitudes/{name}/observe           {"fields", "note"}
POST /official/solicitudes/{name}/accept            onto the roll
POST /official/solicitudes/{name}/refuse            {"reason", "note"}
POST /official/modality                             {"folio", "modality"}
POST /official/enrolment-code                       {"folio"}: what opens the entry of an imported voter
POST /official/freeze                               {"undecided"}: how many applications stay without an answer
GET  /official/enrolment                            numbers by state, modality and kind of commitment
GET  /official/nominal?order=country|entity         the roll in one of its orders (text/csv)
GET  /official/observations, POST .../{n}/answer    what parties observed
GET  /official/accesses?after=                      who used personal data
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from registry import nominal
from registry.api_applications import Standing, standing
from registry.api_models import Folio, Order, Text, time_of
from registry.applications import Application, Observation
from registry.enrolling import Enrolling
from registry.enrolment import Reason, State
from registry.fields import Modality
from registry.roles import By
from registry.store import RegistryStore

Field_ = Literal[
    "clave_de_elector", "cic", "names", "country", "city", "address", "entity", "district", "email", "phone"
]
Name = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
Number = Annotated[int, Path(ge=1, le=1 << 31)]
After = Annotated[int, Query(ge=0, le=1 << 31)]
Limit = Annotated[int, Query(ge=1, le=500)]


class ObserveOrder(Order):
    """What must be corrected, and what the applicant is told."""

    fields: Annotated[list[Field_], Field(min_length=1, max_length=10)]
    note: Text


class RefuseOrder(Order):
    """Why, and what the applicant is told."""

    reason: Reason
    note: Text


class VoterModality(Order):
    """Whose way to vote is changed."""

    folio: Folio
    modality: Modality


class CodeOrder(Order):
    """Whose code is asked for."""

    folio: Folio


class EnrolmentCode(BaseModel):
    """What opens a voter's own entry (`GET /inscripcion`). It is for the voter alone."""

    code: str


class FreezeOrder(Order):
    """How many applications will have no answer."""

    undecided: Annotated[int, Field(ge=0, le=1 << 31)]


class AnswerOrder(Order):
    """What a party is told."""

    text: Text


class Reviewed(Standing):
    """An application as officials see it. `number` is for `after`; `appeal` is what the applicant wrote."""

    number: int
    appeal: str


class Page(BaseModel):
    """Some applications; `next` is the `after` of those that follow, null where there are no more."""

    applications: list[Reviewed]
    next: int | None


class Frozen(BaseModel):
    """Since when the roll is frozen."""

    frozen: str


class Totals(BaseModel):
    """Numbers of applications by state, voters by modality, commitments by kind."""

    applications: dict[str, int]
    voters: dict[str, int]
    commitments: dict[str, int]
    frozen: str | None


class Observed(BaseModel):
    """What a party observed; `answer` is null until somebody answers."""

    number: int
    party: str
    text: str
    answer: str | None
    time: str


class Observations(BaseModel):
    """Observations, in order."""

    observations: list[Observed]


class Access(BaseModel):
    """One use of personal data."""

    access: int
    time: str
    request: str
    act: str
    voters: int
    who: str
    subject: str


class Accesses(BaseModel):
    """Uses of personal data, in order."""

    accesses: list[Access]


def routes(
    enrolling: Enrolling, store: RegistryStore, fields: tuple[str, ...], official: Callable[[Request], By]
) -> APIRouter:
    """The routes. `fields` are those of the lists; `official` lets officials pass and gives who it is."""
    router = APIRouter(prefix="/official", tags=["review"])
    signed_in = Depends(official)

    @router.get("/solicitudes", summary="Applications in a state")
    async def listed(by: By = signed_in, state: State | None = None, after: After = 0, limit: Limit = 100) -> Page:
        found = await enrolling.list_in(state, after, limit, by)
        return Page(
            applications=[_reviewed(one) for one in found], next=found[-1].number if len(found) == limit else None
        )

    @router.get("/solicitudes/{name}", summary="One application")
    async def look(name: Name, by: By = signed_in) -> Reviewed:
        return _reviewed(await enrolling.look_at(name, by))

    @router.post("/solicitudes/{name}/observe", summary="Ask for corrections")
    async def observe(name: Name, order: ObserveOrder, by: By = signed_in) -> Reviewed:
        return _reviewed(await enrolling.observe(name, list(order.fields), order.note, by))

    @router.post("/solicitudes/{name}/accept", summary="Put the applicant on the roll")
    async def accept(name: Name, by: By = signed_in) -> Reviewed:
        return _reviewed(await enrolling.accept(name, by))

    @router.post("/solicitudes/{name}/refuse", summary="Refuse an application, with a reason")
    async def refuse(name: Name, order: RefuseOrder, by: By = signed_in) -> Reviewed:
        return _reviewed(await enrolling.refuse(name, order.reason, order.note, by))

    @router.post("/modality", status_code=204, summary="Change how a voter votes", response_class=Response)
    async def modality(order: VoterModality, by: By = signed_in) -> None:
        await enrolling.change_modality_of(order.folio, order.modality, by)

    @router.post("/enrolment-code", summary="The code of a voter who came with an imported roll")
    async def enrolment_code(order: CodeOrder, by: By = signed_in) -> EnrolmentCode:
        return EnrolmentCode(code=await enrolling.code_for(order.folio, by))

    @router.post("/freeze", summary="Freeze the roll", dependencies=[signed_in])
    async def freeze(order: FreezeOrder) -> Frozen:
        return Frozen(frozen=time_of(await enrolling.freeze(order.undecided)))

    @router.get("/enrolment", summary="Numbers of applications, voters and commitments", dependencies=[signed_in])
    def totals() -> Totals:
        frozen = enrolling.frozen()
        return Totals(
            applications={state.value: count for state, count in enrolling.counts().items()},
            voters=store.counts(),
            commitments=enrolling.commitments.counts(),
            frozen=None if frozen is None else time_of(frozen),
        )

    @router.get("/nominal", summary="The roll in one of its orders", response_class=StreamingResponse)
    async def roll(order: nominal.Order, by: By = signed_in) -> StreamingResponse:
        return await listing(enrolling, store, order, fields, by)

    @router.get("/observations", summary="What parties observed")
    async def observations(by: By = signed_in, after: After = 0, limit: Limit = 100) -> Observations:
        return await observed(enrolling, None, after, limit, by)

    @router.post("/observations/{number}/answer", summary="Answer a party")
    async def answer(number: Number, order: AnswerOrder, by: By = signed_in) -> Observed:
        return as_observed(await enrolling.answer_observation(number, order.text, by))

    @router.get("/accesses", summary="Who used personal data", dependencies=[signed_in])
    def accesses(after: After = 0, limit: Limit = 100) -> Accesses:
        found = store.access_log(after, limit)
        return Accesses(accesses=[Access(**{**row, "time": time_of(row["time"])}) for row in found])

    return router


async def listing(
    enrolling: Enrolling, store: RegistryStore, order: nominal.Order, fields: tuple[str, ...], by: By
) -> StreamingResponse:
    """The roll as it is streamed; the access is noted before the first byte goes out."""
    await enrolling.note_listing(order, by)
    name = f"nominal-{order}.csv"
    return StreamingResponse(
        nominal.pages(store, order, fields),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def observed(enrolling: Enrolling, party: str | None, after: int, limit: int, by: By) -> Observations:
    """What one party observed, or all did."""
    found = await run_in_threadpool(lambda: list(enrolling.rows.observations(party, after, limit)))
    await enrolling.note("list-observations", len(found), by)
    return Observations(observations=[as_observed(one) for one in found])


def as_observed(found: Observation) -> Observed:
    """An observation as parties and officials see it."""
    return Observed(
        number=found.number, party=found.party, text=found.text, answer=found.answer, time=time_of(found.time)
    )


def _reviewed(found: Application) -> Reviewed:
    return Reviewed(**standing(found).model_dump(), number=found.number, appeal=found.note.get("appeal", ""))
