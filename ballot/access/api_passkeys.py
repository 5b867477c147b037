"""Passkeys over HTTP. What is called `options` goes to ``navigator.credentials``, and what it answers comes back.

POST /access/passkey/options     in a session: {} -> {"ticket","options"}
POST /access/passkey/verify      in a session: {"ticket","credential"}: the passkey is kept
POST /session/passkey/options    {} -> {"ticket","options"}, the same for everybody
POST /session/passkey/verify     {"ticket","credential","bearer"?}: a session
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from ballot.access import cookies
from ballot.access.addresses import network
from ballot.access.api import client_of, welcome
from ballot.access.api_models import Order, PasskeyOptions, PasskeyOrder, Registered, SessionAnswer
from ballot.access.means import Means
from ballot.access.passkeys import Passkeys
from ballot.access.signing_in import SigningIn
from ballot.sessions import Session
from vemre.service.middleware import BodyRule

_BODY = BodyRule(32 * 1024)
BODIES = {f"/{place}/passkey/{step}": _BODY for place in ("access", "session") for step in ("options", "verify")}


def routes(means: Means) -> APIRouter:
    """The routes of passkeys."""
    router, work = APIRouter(tags=["access"]), means.work
    passkeys = Passkeys(means, SigningIn(means))
    current = Depends(cookies.signed_in(means.sessions))

    @router.post("/access/passkey/options", summary="Begin to add a passkey")
    async def begin_adding(_order: Order, session: Session = current) -> PasskeyOptions:
        ticket, options = await work.rows(lambda: passkeys.begin_adding(session))
        return PasskeyOptions(ticket=ticket, options=options)

    @router.post("/access/passkey/verify", summary="Add a passkey")
    async def add(order: PasskeyOrder, session: Session = current) -> Registered:
        return Registered(passkeys=await work.rows(lambda: passkeys.add(session, order.ticket, order.credential)))

    @router.post("/session/passkey/options", summary="Begin to sign in with a passkey")
    async def begin(_order: Order, request: Request) -> PasskeyOptions:
        async with work.turns.turn(network(request)):
            ticket, options = await work.rows(passkeys.begin)
        return PasskeyOptions(ticket=ticket, options=options)

    @router.post("/session/passkey/verify", summary="Sign in with a passkey", response_model_exclude_none=True)
    async def finish(order: PasskeyOrder, request: Request, response: Response) -> SessionAnswer:
        client, previous = client_of(request), cookies.session_cookie(request)
        async with work.turns.turn(client.network):
            signed_in = await work.rows(lambda: passkeys.finish(order.ticket, order.credential, client, previous))
        return welcome(means, response, signed_in, as_bearer=order.bearer)

    return router
