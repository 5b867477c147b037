"""The tally over HTTP.

Beside what every service serves (log, blobs, records):

    GET  /state                         how far the election is, what is due and by whom
    GET  /results                       the counts, PRELIMINARY until they are certified, and who gave an opinion:
                                        a page for a browser, JSON for everybody else
    GET  /drills/next                   the drill whose shares are being collected
    POST /drills/{number}/shares        a trustee's share, as canonical JSON {"proof", "share", "trustee"}
    POST /official/drill                close the drill with the shares at hand
    POST /official/tally-input          publish the list to mix
    POST /official/results              count, and close the result once that is cosigned

The last three are for officials with their token. Every POST is safe to repeat.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from tally.service import results_page
from tally.service.office import Counted, Office
from vemre.messages import Language, from_accept_language, prefers_page
from vemre.records.record import parse_value
from vemre.records.setup_bodies import DrillShare
from vemre.service.middleware import DEFAULT_BODY
from vemre.service.node import Appended
from vemre.service.official import holder_of

_Number = Annotated[int, Path(ge=1, le=1_000_000)]


class Record(BaseModel):
    """A record of the tally log; `new` is false where it stood there before."""

    index: int
    leaf_hash: str
    new: bool


class DrillState(BaseModel):
    """The drill that is not closed yet."""

    number: int
    trustees: list[str]
    needed: int


class ShareTaken(BaseModel):
    """`new` is false where the trustee's share was here already."""

    number: int
    trustee: str
    new: bool


class DrillClosed(BaseModel):
    """A drill and its record."""

    number: int
    record: Record


class Missing(BaseModel):
    """What a batch lacks before anything may be counted."""

    urn: str
    contest: str
    what: Literal["shuffle", "small-batch-decision", "decryption"]
    found: int
    needed: int
    by: list[str]


class Results(BaseModel):
    """What counting did. `waiting` names the auditors whose cosignature the result waits for."""

    batches: int
    result: Record | None
    missing: list[Missing]
    waiting: str | None


class DueAct(BaseModel):
    """An act that the election waits for."""

    act: str
    by: list[str]
    urn: str | None
    contest: str | None


class StateAnswer(BaseModel):
    """How far the election is."""

    stage: str
    due: list[DueAct]
    sizes: dict[str, int]


class OpinionGiven(BaseModel):
    """An auditor's last verdict on the count; `null` where there is none yet."""

    auditor: str
    name: str
    verdict: Literal["favourable", "unfavourable"] | None


class ResultsAnswer(BaseModel):
    """The counts. Only what is `certified` is official."""

    status: Literal["none", "preliminary", "certified"]
    opinions: list[OpinionGiven]
    batches: list[dict[str, Any]]


def _record(appended: Appended) -> Record:
    return Record(index=appended.index, leaf_hash=appended.leaf_hash.hex(), new=appended.new)


def routes(office: Office, official: bytes) -> APIRouter:
    """The routes. `official` is the digest of the officials' token."""
    router = APIRouter()
    _add_public(router, office)
    acts = APIRouter(prefix="/official", tags=["official"], dependencies=[Depends(holder_of(official))])
    _add_official(acts, office)
    router.include_router(acts)
    return router


def _add_public(router: APIRouter, office: Office) -> None:
    @router.get("/state", tags=["state"], summary="How far the election is, what is due and by whom")
    async def state() -> StateAnswer:
        found = await office.state()
        due = [
            DueAct(
                act=item.act,
                by=list(item.by),
                urn=item.batch[0] if item.batch else None,
                contest=item.batch[1] if item.batch else None,
            )
            for item in found.due
        ]
        return StateAnswer(stage=found.stage, due=due, sizes=found.sizes)

    @router.get(
        "/results",
        tags=["state"],
        response_model=ResultsAnswer,
        responses={200: {"content": {"text/html": {}}}},
        summary="The counts, preliminary until they are certified",
    )
    async def results(request: Request, response: Response, lang: Language | None = None) -> Any:
        found = await office.results()
        if prefers_page(request.headers.get("accept")):
            wanted = lang or from_accept_language(request.headers.get("accept-language"))
            return HTMLResponse(results_page.page(found, wanted), headers=results_page.HEADERS)
        response.headers["Vary"] = "Accept"
        given = [OpinionGiven(auditor=who.id, name=who.name, verdict=verdict) for who, verdict in found.opinions]
        return ResultsAnswer(status=found.status, opinions=given, batches=found.batches)

    @router.get("/drills/next", tags=["drills"], summary="The drill whose shares are being collected")
    async def next_drill() -> DrillState:
        found = await office.open_drill()
        return DrillState(number=found.number, trustees=list(found.trustees), needed=found.needed)

    @router.post(
        "/drills/{number}/shares",
        tags=["drills"],
        status_code=201,
        responses={200: {"model": ShareTaken}},
        summary="A trustee's share of the next drill",
        openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}}},
    )
    async def share(number: _Number, request: Request, response: Response) -> ShareTaken:
        found = parse_value(await request.body(), DrillShare, limit=DEFAULT_BODY.limit)
        new = await office.take_share(number, found)
        response.status_code = 201 if new else 200
        return ShareTaken(number=number, trustee=found.trustee, new=new)


def _add_official(acts: APIRouter, office: Office) -> None:
    @acts.post("/drill", summary="Close the drill with the shares at hand")
    async def drill() -> DrillClosed:
        number, appended = await office.close_drill()
        return DrillClosed(number=number, record=_record(appended))

    @acts.post("/tally-input", summary="Publish the list to mix")
    async def tally_input() -> Record:
        return _record(await office.fix_input())

    @acts.post("/results", summary="Count, and close the result once that is cosigned")
    async def count() -> Results:
        return _results(await office.count())


def _results(counted: Counted) -> Results:
    missing = [
        Missing(
            urn=item.batch[0],
            contest=item.batch[1],
            what=item.what,  # type: ignore[arg-type]
            found=item.found,
            needed=item.needed,
            by=list(item.by),
        )
        for item in counted.lacking
    ]
    result = _record(counted.result) if counted.result else None
    return Results(batches=counted.batches, result=result, missing=missing, waiting=counted.waiting)
