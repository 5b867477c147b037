"""The ballot box over HTTP.

Beside what every service serves (log, blobs, records):

    GET  /election                 what is elected, and where the logs are
    POST /ballots                  a ballot's entry, in a voter's session; 201 new, 200 the same bytes again
    GET  /receipts/{leaf_hash}     a receipt (tlog-proof), with the cosignatures known by now; ?size=N at a checkpoint
    GET  /turnout                  ballots by urn
    GET  /help                     where voters get help
    POST /official/roster          take the roster: {} to fetch it, or {"entries": [...]}
    POST /official/close           end the vote

Access and sessions are `ballot.access.api`, officials' part in them `ballot.access.api_official`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.routing import Route

from ballot.access import api as access_api
from ballot.access import api_passkeys
from ballot.access.api_official import Official
from ballot.access.cookies import session_token
from ballot.box import MAX_ROSTER_BYTES, BallotBox
from ballot.intake import Intake
from ballot.store import Account
from vemre.log.encoding import MAX_SIZE
from vemre.params import MAX_ENTRY_BYTES
from vemre.service.middleware import BodyRule

BODIES: Final = {
    **api_passkeys.BODIES,
    **access_api.BODIES,
    # One byte more than an entry may have, so that the rule of the protocol says what is wrong.
    "/ballots": BodyRule(MAX_ENTRY_BYTES + 1),
    "/official/roster": BodyRule(MAX_ROSTER_BYTES),
}
RECEIPT: Final = "text/plain; charset=utf-8"
# A receipt tells nothing that the log does not, so any page may read it. One with its quorum stays good; one without
# may be complete the next moment.
_PUBLIC: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
_COMPLETE: Final = {**_PUBLIC, "Cache-Control": "public, max-age=300"}
_PENDING: Final = {**_PUBLIC, "Cache-Control": "no-cache"}

Hex16 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Order(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class RosterEntry(_Order):
    """One voter, as the registry names one."""

    pseudonym: Hex16
    urn: Annotated[str, Field(max_length=32)]
    contact: Annotated[str, Field(max_length=254)]
    phone: Annotated[str, Field(max_length=16)]
    credential: Hex32


class RosterOrder(_Order):
    """The roster, or nothing: then it is fetched from the registry."""

    entries: list[RosterEntry] | None = None


class Accounts(BaseModel):
    """How many accounts are new."""

    new: int


class Cast(BaseModel):
    """A ballot in the log. `receipt` is a tlog-proof; `tracker` the short form of `leaf_hash`."""

    index: int
    leaf_hash: str
    tracker: str
    receipt: str


class Closed(BaseModel):
    """Where the close stands."""

    index: int
    leaf_hash: str
    new: bool


class Help(BaseModel):
    """A telephone number and its hours, say; null where the settings name none."""

    contact: str | None


class Turnout(BaseModel):
    """Ballots by urn, in manifest order."""

    ballots: dict[str, int]


def routes(box: BallotBox, official: Official, help_contact: str | None) -> APIRouter:
    """The routes. `official` lets officials pass, and gives who it is."""
    router = APIRouter(tags=["voting"])

    @router.get("/election", summary="What is elected, and where the logs are")
    def election() -> dict[str, Any]:
        return box.election()

    @router.post(
        "/ballots",
        status_code=201,
        response_model=Cast,
        responses={200: {"model": Cast}},
        summary="Cast a ballot",
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
    )
    async def ballots(request: Request) -> Response:
        return await cast(box.intake, request)

    @router.get("/receipts/{leaf_hash}", response_class=Response, summary="A receipt")
    def receipt(
        leaf_hash: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
        size: Annotated[int | None, Query(ge=1, le=MAX_SIZE)] = None,
    ) -> Response:
        found, reached = box.receipt(bytes.fromhex(leaf_hash), size)
        return Response(found, media_type=RECEIPT, headers=_COMPLETE if reached else _PENDING)

    @router.get("/turnout", summary="Ballots by urn")
    def turnout() -> Turnout:
        return Turnout(ballots=box.turnout())

    @router.get("/help", summary="Where voters get help")
    def help_() -> Help:
        return Help(contact=help_contact)

    router.include_router(_official_routes(box, official))
    return router


async def cast(intake: Intake, request: Request) -> Response:
    """The answer to ``POST /ballots``, the one route that is hot: its document is a `Cast`."""
    token = session_token(request)
    taken = await intake.cast(await request.body(), token)
    document = {
        "index": taken.appended.index,
        "leaf_hash": taken.appended.leaf_hash.hex(),
        "tracker": taken.tracker,
        "receipt": taken.receipt.decode(),
    }
    status = 201 if taken.appended.new else 200
    return Response(msgspec.json.encode(document), status, media_type="application/json")


def first_route(intake: Intake) -> Route:
    """``POST /ballots`` once more, for the head of the routes: found first, and without what declared routes cost.

    The declared one stays for whoever reads the description, and answers other methods."""

    async def ballots(request: Request) -> Response:
        request.scope["route"] = route
        return await cast(intake, request)

    route = Route("/ballots", ballots, methods=["POST"], include_in_schema=False)
    return route


def _official_routes(box: BallotBox, official: Official) -> APIRouter:
    acts = APIRouter(prefix="/official", tags=["official"], dependencies=[Depends(official)])

    @acts.post("/roster", summary="Take the roster of voters")
    async def roster(order: RosterOrder) -> Accounts:
        accounts = None
        if order.entries is not None:
            accounts = [
                Account(e.pseudonym, e.urn, e.contact, e.phone, bytes.fromhex(e.credential)) for e in order.entries
            ]
        return Accounts(new=await box.take_roster(accounts))

    @acts.post("/close", summary="End the vote")
    async def close() -> Closed:
        closed = await box.close()
        return Closed(index=closed.index, leaf_hash=closed.leaf_hash.hex(), new=closed.new)

    return acts
