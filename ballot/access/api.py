"""How voters come in, over HTTP. Bodies are JSON; refusals are problem documents.

POST   /access/begin            {"token","digits"}: the access link, the last four digits of the telephone
POST   /access/factor           {"ticket","method"}: a TOTP secret, or a code by text message
POST   /access/confirm          {"ticket","code","password"}: the access is made, the link used up
POST   /session                 {"user","password"}: always a ticket, of one form
POST   /session/code            {"ticket","code","bearer"?}: the session
GET    /session                 who is signed in, and whether the credential was used
POST   /session/extend          30 minutes from now
DELETE /session                 the session ends
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response

from ballot.access import cookies
from ballot.access.addresses import network
from ballot.access.api_models import (
    BeginOrder,
    BegunAnswer,
    CodeOrder,
    ConfirmOrder,
    FactorAnswer,
    FactorOrder,
    SessionAnswer,
    SignInOrder,
    SmsAnswer,
    TicketAnswer,
    Times,
    TotpAnswer,
    UserAnswer,
    Voted,
    WhoAnswer,
)
from ballot.access.first import FirstAccess, Totp
from ballot.access.means import Means
from ballot.access.signing_in import Client, SignedIn, SigningIn
from ballot.sessions import Session
from vemre.crypto import tracker
from vemre.records.fields import format_time
from vemre.service.middleware import BodyRule
from vemre.service.official import unauthorized

BODIES: Final = {"/access/{step}": BodyRule(8192), "/session": BodyRule(8192), "/session/code": BodyRule(8192)}
Find = Callable[[bytes], bytes | None]
"""The leaf hash of a credential's ballot in the log."""


def routes(means: Means, voted: Find) -> APIRouter:
    """The routes of voters."""
    router = APIRouter(tags=["access"])
    signing = SigningIn(means)
    router.include_router(_first_access(means, signing))
    router.include_router(_sign_in(means, signing))
    router.include_router(_session(means, voted))
    return router


def client_of(request: Request) -> Client:
    """From where a request comes."""
    return Client(network(request), cookies.device_cookie(request))


def welcome(means: Means, response: Response, signed_in: SignedIn, *, as_bearer: bool) -> SessionAnswer:
    """The answer to whoever is signed in now: the session as a cookie, or as a bearer token."""
    opened = signed_in.session
    if not as_bearer:
        cookies.set_session(response, opened.token)
        cookies.set_device(response, signed_in.device)
    return SessionAnswer(
        expires=format_time(opened.expires),
        now=format_time(means.clock()),
        bearer=opened.token if as_bearer else None,
    )


def _first_access(means: Means, signing: SigningIn) -> APIRouter:
    router, first, work = APIRouter(prefix="/access"), FirstAccess(means), means.work

    @router.post("/begin", summary="Begin the first access")
    async def begin(order: BeginOrder, request: Request) -> BegunAnswer:
        async with work.turns.turn(network(request)):
            found = await work.rows(lambda: first.begin(order.token, order.digits))
        return BegunAnswer(ticket=found.ticket, user=found.user, factors=list(found.factors))

    @router.post("/factor", summary="Choose the second factor", response_model_exclude_none=True)
    async def factor(order: FactorOrder, request: Request) -> FactorAnswer:
        async with work.turns.turn(network(request)):
            found = await work.rows(lambda: first.factor(order.ticket, order.method))
        now = format_time(means.devices())
        if isinstance(found, Totp):
            return FactorAnswer(totp=TotpAnswer(secret=found.secret, uri=found.uri), now=now)
        return FactorAnswer(sms=SmsAnswer(masked=found), now=now)

    @router.post("/confirm", summary="Make the access")
    async def confirm(order: ConfirmOrder, request: Request, response: Response) -> UserAnswer:
        async with work.turns.turn(network(request)):
            kept = await work.hash(lambda: first.prepare(order.ticket, order.password))
            user = await work.rows(lambda: first.confirm(order.ticket, order.code, order.password, kept))
        cookies.set_device(response, signing.new_device_of(user))
        return UserAnswer(user=user)

    return router


def _sign_in(means: Means, signing: SigningIn) -> APIRouter:
    router, work = APIRouter(prefix="/session"), means.work

    @router.post("", summary="Sign in: address and password")
    async def begin(order: SignInOrder, request: Request, afterwards: BackgroundTasks) -> TicketAnswer:
        client = client_of(request)
        async with work.turns.turn(client.network):
            started = await work.hash(lambda: signing.begin(order.user, order.password, client))
        if (account := started.send_to) is not None:

            async def send() -> None:
                await work.rows(lambda: signing.send_code(account))

            afterwards.add_task(send)
        return TicketAnswer(ticket=started.ticket, method=started.method, now=format_time(means.clock()))

    @router.post("/code", summary="Sign in: six digits", response_model_exclude_none=True)
    async def code(order: CodeOrder, request: Request, response: Response) -> SessionAnswer:
        client, previous = client_of(request), cookies.session_cookie(request)
        async with work.turns.turn(client.network):
            signed_in = await work.rows(lambda: signing.finish(order.ticket, order.code, client, previous))
        return welcome(means, response, signed_in, as_bearer=order.bearer)

    return router


def _session(means: Means, voted: Find) -> APIRouter:
    router, work = APIRouter(prefix="/session"), means.work
    current = Depends(cookies.signed_in(means.sessions))

    @router.get("", summary="Who is signed in")
    async def who(session: Session = current) -> WhoAnswer:
        account = await work.rows(lambda: means.store.account(session.pseudonym))
        if account is None:
            raise unauthorized()
        leaf = await work.rows(lambda: voted(session.credential))
        return WhoAnswer(
            user=account.contact,
            urn=account.urn,
            expires=format_time(session.expires),
            now=format_time(means.clock()),
            voted=None if leaf is None else Voted(tracker=tracker.shown(leaf), leaf_hash=leaf.hex()),
            credential=session.credential.hex(),
        )

    @router.post("/extend", summary="Let the session last longer")
    async def extend(request: Request) -> Times:
        token = cookies.session_token(request)
        expires = await work.rows(lambda: means.sessions.prolong(token))
        if expires is None:
            raise unauthorized()
        return Times(expires=format_time(expires), now=format_time(means.clock()))

    @router.delete("", status_code=204, summary="Sign out", response_class=Response)
    async def end(request: Request) -> Response:
        token = cookies.session_token(request)
        await work.rows(lambda: means.sessions.close(token))
        response = Response(status_code=204)
        cookies.forget_session(response)
        return response

    return router
