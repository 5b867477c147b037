"""Who may do what over HTTP: bearer tokens, compared by their digests.

A token is 32 random bytes in URL-safe base64. A service keeps SHA-256 of it and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from fastapi import Request
from starlette.exceptions import HTTPException

from vemre.types import Random

TOKEN_BYTES: Final = 32
_MAX_HEADER: Final = 512


def new_token(random: Random) -> str:
    """A fresh token (43 characters)."""
    return base64.urlsafe_b64encode(random(TOKEN_BYTES)).rstrip(b"=").decode("ascii")


def digest(token: str) -> bytes:
    """What a service keeps of a token. Any text has one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def bearer(request: Request) -> str:
    """The token of ``Authorization: Bearer ...``. Raises HTTPException 401 where there is none."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or len(header) > _MAX_HEADER:
        raise unauthorized()
    return token


def unauthorized() -> HTTPException:
    """The one answer to a missing and to a wrong token."""
    return HTTPException(401, headers={"WWW-Authenticate": "Bearer"})


def holder_of(kept: bytes) -> Callable[[Request], None]:
    """A FastAPI dependency that lets only the holder of one token pass; `kept` is its digest."""

    def check(request: Request) -> None:
        if not hmac.compare_digest(digest(bearer(request)), kept):
            raise unauthorized()

    return check
