"""The registry over HTTP.

Beside what every service serves (log, blobs, records), all of it for officials with their token, but the roster,
which is for the ballot box with its own:

    POST /official/roll-import    a roll (text/csv)          POST /official/credentials   issue and deliver
    POST /official/roll           publish the roll           POST /official/reissue       {"folio", "request"}
    POST /official/block          {"folio", "reason"}        POST /official/marks         mark who voted
    GET  /official/roster         for the ballot box
"""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from registry.core import MAX_ROLL_BYTES, RollRefused
from registry.office import Issued, Office, Reason, RosterEntry
from vemre import messages
from vemre.service import problems
from vemre.service.middleware import BodyRule
from vemre.service.node import Appended
from vemre.service.official import holder_of
from vemre.service.problems import request_id

BODIES: Final = {"/official/roll-import": BodyRule(MAX_ROLL_BYTES, ("text/csv",))}

Folio = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,31}$")]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ReissueOrder(_Order):
    """Whose credential to replace; `request` is an identifier that the caller makes up, one for each order."""

    folio: Folio
    request: Annotated[str, Field(pattern=r"^[0-9a-f-]{16,64}$")]


class BlockOrder(_Order):
    """Whose credential to use up, and why."""

    folio: Folio
    reason: Reason


class Imported(BaseModel):
    """What an import did."""

    registered: int
    unchanged: int


class Record(BaseModel):
    """A record of the registry's log; `new` is false where it stood there before."""

    index: int
    leaf_hash: str
    new: bool


class Reissued(BaseModel):
    """`record` is null while the roll is not published."""

    record: Record | None


class Placed(BaseModel):
    """A block's place in the ballot log."""

    index: int


class Roster(BaseModel):
    """Every voter with a credential."""

    entries: list[RosterEntry]


def _record(appended: Appended) -> Record:
    return Record(index=appended.index, leaf_hash=appended.leaf_hash.hex(), new=appended.new)


def routes(office: Office, official: bytes, roster_token: bytes) -> APIRouter:
    """The routes. `official` and `roster_token` are digests of the two tokens."""
    router = APIRouter(tags=["official"])
    acts = APIRouter(prefix="/official", dependencies=[Depends(holder_of(official))])

    @acts.post("/roll-import", summary="Import a roll, whole or not at all", response_model=Imported)
    async def roll_import(request: Request) -> Response | Imported:
        data = await request.body()
        try:
            found = await office.import_roll(data, request_id(request))
        except RollRefused as refused:
            return _refused(request, refused)
        return Imported(registered=len(found.new), unchanged=found.unchanged)

    @acts.post("/credentials", summary="Issue the credentials that are lacking, and deliver")
    async def credentials(request: Request) -> Issued:
        return await office.issue(request_id(request))

    @acts.post("/roll", summary="Publish the roll of public credentials")
    async def roll(request: Request) -> Record:
        return _record(await office.publish(request_id(request)))

    @acts.post("/reissue", summary="Replace a voter's credential")
    async def reissue(order: ReissueOrder, request: Request) -> Reissued:
        appended = await office.reissue(order.folio, order.request, request_id(request))
        return Reissued(record=_record(appended) if appended else None)

    @acts.post("/block", summary="Block a voter's credential")
    async def block(order: BlockOrder, request: Request) -> Placed:
        return Placed(index=await office.block(order.folio, order.reason, request_id(request)))

    @acts.post("/marks", summary="Mark who voted and publish the counts")
    async def marks(request: Request) -> Record:
        return _record(await office.mark(request_id(request)))

    for_the_box = [Depends(holder_of(roster_token))]

    @router.get("/official/roster", dependencies=for_the_box, summary="The roster, for the ballot box")
    async def roster(request: Request) -> Roster:
        return Roster(entries=await office.roster(request_id(request)))

    router.include_router(acts)
    return router


def _refused(request: Request, refused: RollRefused) -> JSONResponse:
    """The problem document that lists every refused line."""
    lines = [
        {
            "line": refusal.line,
            "column": refusal.column,
            "code": refusal.code,
            "es": messages.text(f"roll-{refusal.code}", "es"),
            "en": messages.text(f"roll-{refusal.code}", "en"),
        }
        for refusal in refused.refusals
    ]
    count = len({refusal.line for refusal in refused.refusals})
    return problems.respond(request, messages.problem("roll-refused", {"count": count}), extra={"lines": lines})
