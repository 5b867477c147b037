"""How a client comes in, over the same interface as the voter's page: first access, and signing in.

A client that holds the secret of the second factor computes its codes itself. That is for trials: password and second
factor then lie in one place.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from ballot.access import factors
from vemre.cli import files
from vemre.errors import Refused
from vemre.messages import Unreachable
from vemre.records.fields import parse_time
from vemre.service.client import ServiceClient
from vemre.types import Random

_JSON: Final = "application/json"
_MAX_FILE: Final = 4096
_PASSWORD_BYTES: Final = 18
_NO_ANSWER: Final = "an answer of another form"
T = TypeVar("T")


@dataclass(frozen=True)
class Keep:
    """What a client keeps that computes its codes: address, password, the secret of the authenticator, and the last
    time step whose code was used, since each works once."""

    user: str
    password: str
    secret: str
    used: int

    def __repr__(self) -> str:
        return "Keep(...)"

    def write(self, path: Path) -> None:
        """As a file (0600)."""
        files.write(path, (json.dumps(asdict(self)) + "\n").encode(), private=True, overwrite=True)

    @classmethod
    def read(cls, path: Path) -> Keep:
        """Raises Refused("file-unusable")."""
        try:
            return msgspec.json.decode(files.read(path, limit=_MAX_FILE), type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refused("file-unusable", file=str(path), reason="not what «vemre voter access» keeps") from None


class Begun(msgspec.Struct, frozen=True):
    """The first access has begun."""

    ticket: str
    user: str
    factors: list[str]


class Totp(msgspec.Struct, frozen=True):
    """For an authenticator application."""

    secret: str
    uri: str


class Sms(msgspec.Struct, frozen=True):
    """Where a code was sent to."""

    masked: str


class Factor(msgspec.Struct, frozen=True):
    """The second factor that was chosen."""

    now: str
    totp: Totp | None = None
    sms: Sms | None = None


class Started(msgspec.Struct, frozen=True):
    """Signing in has begun."""

    ticket: str
    method: str
    now: str


class Session(msgspec.Struct, frozen=True):
    """A session."""

    expires: str
    bearer: str


class _User(msgspec.Struct, frozen=True):
    user: str


class Entrance:
    """The ballot box's side of access, step by step.

    Raises RemoteProblem for refusals, Unreachable for anything else that is no answer of the product.
    """

    def __init__(self, ballot_box: ServiceClient) -> None:
        self._box = ballot_box

    def begin(self, link: str, digits: str) -> Begun:
        """`link` is the address in the mail, or what follows ``#`` in it."""
        return self._post(Begun, "/access/begin", token=link.strip().rpartition("#")[2], digits=digits)

    def factor(self, ticket: str, method: str) -> Factor:
        """Choose the second factor."""
        return self._post(Factor, "/access/factor", ticket=ticket, method=method)

    def confirm(self, ticket: str, code: str, password: str) -> str:
        """Make the access; gives the address to sign in with."""
        return self._post(_User, "/access/confirm", ticket=ticket, code=code, password=password).user

    def sign_in(self, user: str, password: str) -> Started:
        """The first step of signing in."""
        return self._post(Started, "/session", user=user, password=password)

    def session(self, ticket: str, code: str) -> Session:
        """The second step."""
        return self._post(Session, "/session/code", ticket=ticket, code=code, bearer=True)

    def enter(self, link: str, digits: str, random: Random) -> Keep:
        """A whole first access with TOTP and a password that nobody chose."""
        ticket = self.begin(link, digits).ticket
        found = self.factor(ticket, "totp")
        if found.totp is None:
            raise Unreachable(self._box.place, _NO_ANSWER)
        password, step = random(_PASSWORD_BYTES).hex(), self._step(found.now)
        user = self.confirm(ticket, factors.totp_code(found.totp.secret, step * factors.STEP_SECONDS), password)
        return Keep(user, password, found.totp.secret, step)

    def session_of(self, keep: Keep) -> tuple[Session, Keep]:
        """A session, and what is to be kept from now on. Where the present code was used, the next one is taken, which
        the ballot box takes too."""
        started = self.sign_in(keep.user, keep.password)
        step = max(self._step(started.now), keep.used + 1)
        session = self.session(started.ticket, factors.totp_code(keep.secret, step * factors.STEP_SECONDS))
        return session, replace(keep, used=step)

    def _post(self, form: type[T], path: str, **body: str | bool) -> T:
        answer = self._box.decode(self._box.post(path, json.dumps(body).encode(), _JSON))
        try:
            return msgspec.convert(answer, form)
        except msgspec.ValidationError:
            raise Unreachable(self._box.place, _NO_ANSWER) from None

    def _step(self, now: str) -> int:
        try:
            return parse_time(now) // factors.STEP_SECONDS
        except ValueError:
            raise Unreachable(self._box.place, _NO_ANSWER) from None
