"""The registry over HTTP: what officials do with the roll, and the roster for the ballot box.

Beside what every service serves (log, blobs, records), and beside applications (`registry.api_applications`), their
review (`registry.api_review`) and parties (`registry.api_parties`):

    POST /official/roll-import    a roll (text/csv)          POST /official/credentials   issue and deliver
    POST /official/roll           publish the roll           POST /official/reissue       {"folio", "request"}
    POST /official/block          {"folio", "reason"}        POST /official/marks         mark who voted
    POST /official/intake         {"folio", "channel"}       GET  /official/roster        for the ballot box
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from starlette.responses import JSONResponse

from registry.api_models import Folio, Identifier, Order
from registry.channels import Channel, Reason
from registry.core import MAX_ROLL_BYTES, RollRefused
from registry.office import Issued, Office, RosterEntry
from registry.pages import paths
from registry.roles import By
from vemre import messages
from vemre.service import problems
from vemre.service.middleware import BodyRule
from vemre.service.node import Appended
from vemre.service.official import holder_of
from vemre.service.problems import request_id

BODIES: Final = {"/official/roll-import": BodyRule(MAX_ROLL_BYTES, ("text/csv",)), **paths.BODIES}


class ReissueOrder(Order):
    """Whose credential to replace; `request` is an identifier that the caller makes up, one for each order."""

    folio: Folio
    request: Identifier


class BlockOrder(Order):
    """Whose credential to use up, and why."""

    folio: Folio
    reason: Reason


class IntakeOrder(Order):
    """Whose vote came by which other channel. `request` is an identifier that the caller makes up, one for each vote:
    only with it an answer that was lost can be asked for again."""

    folio: Folio
    channel: Channel
    request: Identifier | None = None


class TakenIn(BaseModel):
    """The vote may be counted by its channel. `block` is the place of the block in the ballot log, null for whoever had
    no credential; `new` is false where this very request took it before."""

    block: int | None
    new: bool


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


def routes(office: Office, official: Callable[[Request], By], roster_token: bytes) -> APIRouter:
    """The routes. `official` lets officials pass and gives who it is; `roster_token` is the digest of that token."""
    router = APIRouter(tags=["official"])
    acts = APIRouter(prefix="/official")
    signed_in = Depends(official)

    @acts.post("/roll-import", summary="Import a roll, whole or not at all", response_model=Imported)
    async def roll_import(request: Request, by: By = signed_in) -> Response | Imported:
        data = await request.body()
        try:
            found = await office.import_roll(data, by)
        except RollRefused as refused:
            return _refused(request, refused)
        return Imported(registered=len(found.new), unchanged=found.unchanged)

    @acts.post("/credentials", summary="Issue the credentials that are lacking, and deliver")
    async def credentials(by: By = signed_in) -> Issued:
        return await office.issue(by)

    @acts.post("/roll", summary="Publish the roll of public credentials")
    async def roll(by: By = signed_in) -> Record:
        return _record(await office.publish(by))

    @acts.post("/reissue", summary="Replace a voter's credential")
    async def reissue(order: ReissueOrder, by: By = signed_in) -> Reissued:
        appended = await office.reissue(order.folio, order.request, by)
        return Reissued(record=_record(appended) if appended else None)

    @acts.post("/block", summary="Block a voter's credential")
    async def block(order: BlockOrder, by: By = signed_in) -> Placed:
        return Placed(index=await office.channels.block(order.folio, order.reason, by))

    @acts.post("/intake", summary="Take a vote that came by another channel, unless the voter has voted")
    async def intake(order: IntakeOrder, by: By = signed_in) -> TakenIn:
        taken = await office.channels.take_in(order.folio, order.channel, order.request, by)
        return TakenIn(block=taken.block, new=taken.new)

    @acts.post("/marks", summary="Mark who voted and publish the counts")
    async def marks(by: By = signed_in) -> Record:
        return _record(await office.mark(by))

    for_the_box = [Depends(holder_of(roster_token))]

    @router.get("/official/roster", dependencies=for_the_box, summary="The roster, for the ballot box")
    async def roster(request: Request) -> Roster:
        return Roster(entries=await office.roster(By(request_id(request), "ballot-box")))

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
