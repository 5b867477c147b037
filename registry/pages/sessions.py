"""Who is signed in on the pages, kept by the service: the browser has a random name in a cookie and nothing else.

A session ends after 30 minutes without use, after twelve hours, or by signing out. Every sign-in makes a new name, so
that a name that somebody planted before opens nothing. A draft is an application that was filled in and not sent yet.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import Engine, delete, insert, select, update

from registry.tables import page_session
from vemre.service.official import new_token
from vemre.service.vault import Place, Vault
from vemre.storage.engine import writing
from vemre.types import Clock, Random

IDLE_SECONDS: Final = 30 * 60
LONGEST_SECONDS: Final = 12 * 3_600
_TOUCH_SECONDS: Final = 60
"""Not every request is worth a write."""
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{43}")
Role = Literal["draft", "applicant", "official", "party"]


@dataclass(frozen=True)
class Session:
    """A session. `content` is what the pages of its role know of it."""

    digest: bytes = field(repr=False)
    role: Role
    content: dict[str, Any] = field(repr=False)


class Sessions:
    """The rows. Every method is one transaction and blocks."""

    def __init__(self, engine: Engine, vault: Vault, clock: Clock, random: Random) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._random = random

    def new_name(self) -> str:
        """A name for a cookie (43 characters), which opens nothing yet."""
        return new_token(self._random)

    def form_token(self, name: str) -> str:
        """What a form carries to show that it is a page of ours, shown to the browser that has the cookie `name`."""
        return self._vault.index("page-form", name).hex()

    def open(self, role: Role, content: dict[str, Any]) -> str:
        """Begin a session; gives the name for the cookie. Sessions that have ended are forgotten on the way."""
        name, now = self.new_name(), self._clock()
        digest = _digest(name)
        with writing(self._engine) as connection:
            ended = (page_session.c.used <= now - IDLE_SECONDS) | (page_session.c.began <= now - LONGEST_SECONDS)
            connection.execute(delete(page_session).where(ended))
            sealed = self._vault.seal(_place(digest), json.dumps(content))
            row = {"session": digest, "role": role, "content": sealed, "began": now, "used": now}
            connection.execute(insert(page_session).values(**row))
        return name

    def find(self, name: str) -> Session | None:
        """The session of a cookie, unless it has ended; using it keeps it open."""
        digest, now = _digest(name), self._clock()
        mine = page_session.c.session == digest
        with self._engine.connect() as connection:
            row = connection.execute(select(page_session).where(mine)).one_or_none()
        if row is None or now - row.used >= IDLE_SECONDS or now - row.began >= LONGEST_SECONDS:
            return None
        if now - row.used >= _TOUCH_SECONDS:
            with writing(self._engine) as connection:
                connection.execute(update(page_session).where(mine).values(used=now))
        return Session(digest, row.role, json.loads(self._vault.open(_place(digest), row.content)))

    def end(self, name: str) -> None:
        """Forget a session."""
        with writing(self._engine) as connection:
            connection.execute(delete(page_session).where(page_session.c.session == _digest(name)))


def is_name(value: str) -> bool:
    """Whether a cookie's value may be the name of a session."""
    return _NAME.fullmatch(value) is not None


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode("ascii")).digest()


def _place(digest: bytes) -> Place:
    return Place("page_session", "content", digest.hex())
