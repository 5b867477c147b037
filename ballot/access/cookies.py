"""Where a session is in a request: a bearer token of a command-line client, or the cookie of a browser.

What a browser sends along by itself changes nothing: whoever acts by cookie has to send the header ``X-VeMRE: 1``,
which no other page can (there is no CORS for it), beside the cookie's own SameSite.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from starlette.concurrency import run_in_threadpool

from ballot.sessions import Session, Sessions
from vemre.errors import Refused
from vemre.service.official import bearer, unauthorized

SESSION: Final = "__Host-vemre"
DEVICE: Final = "__Host-vemre-device"
HEADER: Final = "X-VeMRE"
_DEVICE_SECONDS: Final = 90 * 86_400
_MAX_COOKIE: Final = 128
_READING: Final = frozenset({"GET", "HEAD"})


def session_token(request: Request) -> str:
    """The token of the session. Raises HTTPException 401 where there is none, Refused("header-missing")."""
    if "authorization" in request.headers:
        return bearer(request)
    token = session_cookie(request)
    if not token:
        raise unauthorized()
    if request.method not in _READING and request.headers.get(HEADER) != "1":
        raise Refused("header-missing")
    return token


def session_cookie(request: Request) -> str:
    """What the browser has; "" where it has nothing that can be a session's token."""
    return _short(request.cookies.get(SESSION, ""))


def device_cookie(request: Request) -> str:
    """What the browser has as a device; "" where there is nothing."""
    return _short(request.cookies.get(DEVICE, ""))


def set_session(response: Response, token: str) -> None:
    """Give the browser a session: it ends with the browser, and no script reads it."""
    response.set_cookie(SESSION, token, path="/", secure=True, httponly=True, samesite="strict")


def set_device(response: Response, value: str) -> None:
    """Let the browser be known the next time."""
    response.set_cookie(DEVICE, value, max_age=_DEVICE_SECONDS, path="/", secure=True, httponly=True, samesite="strict")


def forget_session(response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(SESSION, path="/", secure=True, httponly=True, samesite="strict")


def signed_in(sessions: Sessions) -> Callable[[Request], Coroutine[Any, Any, Session]]:
    """A dependency that gives the voter's session; 401 without one."""

    async def find(request: Request) -> Session:
        session = await run_in_threadpool(sessions.find, session_token(request))
        if session is None:
            raise unauthorized()
        return session

    return find


def _short(value: str) -> str:
    return value if len(value) <= _MAX_COOKIE else ""
