"""What tests of access share: a voter who follows the link, chooses a password, and signs in with six digits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from served import BallotBoxUnderTest
from simulator import Voter
from starlette.testclient import TestClient

from ballot.access import factors
from vemre.demo import voters

T = TypeVar("T")
OTHER_PASSWORD = "marimba colgada detras del tren"
PASSWORD = "zanahoria lenta sobre el tejado"
PATIENCE = 20.0


def until(act: Callable[[], T | None]) -> T:
    """The first thing that `act` gives: letters are handed over in the background."""
    deadline = time.monotonic() + PATIENCE
    while (found := act()) is None:
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.01)
    return found


def posts(folder: Path) -> dict[str, Any]:
    """The settings of a ballot box whose letters land in folders."""
    return {"mail_folder": folder / "mail", "sms_folder": folder / "sms"}


@dataclass
class Person:
    """A voter before the ballot box: what came by mail and text message, and what the voter keeps."""

    box: BallotBoxUnderTest
    voter: Voter
    secret: str = ""
    user: str = field(init=False)
    phone: str = field(init=False)
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every request."""

    def __post_init__(self) -> None:
        entry = self.box.roster()["entries"][self.box.sim.voters.index(self.voter)]
        self.user, self.phone = entry["contact"], entry["phone"]

    def post(self, path: str, body: Any) -> Any:
        return self.box.client.post(path, json=body, headers=self.headers)

    # --- first access ---------------------------------------------------------------------------------------------

    def link(self, but: str = "") -> str:
        """The token of the newest link that came by mail, and is not `but`."""

        def look() -> str | None:
            token = voters.link_tokens(self.box.settings["mail_folder"]).get(self.user, "")
            return token if token not in ("", but) else None

        return until(look)

    def begin(self, token: str | None = None, digits: str | None = None) -> Any:
        return self.post("/access/begin", {"token": token or self.link(), "digits": digits or self.phone[-4:]})

    def factor(self, ticket: str, method: str = "totp") -> Any:
        answer = self.post("/access/factor", {"ticket": ticket, "method": method})
        if answer.status_code == 200 and method == "totp":
            self.secret = answer.json()["totp"]["secret"]
        return answer

    def confirm(self, ticket: str, code: str, password: str = PASSWORD) -> Any:
        return self.post("/access/confirm", {"ticket": ticket, "code": code, "password": password})

    def enter(self, method: str = "totp", password: str = PASSWORD) -> Person:
        """The whole first access."""
        ticket = self.begin().json()["ticket"]
        before = self.texts()
        assert self.factor(ticket, method).status_code == 200
        code = self.code(-1) if method == "totp" else self.text_code(before)
        answer = self.confirm(ticket, code, password)
        assert (answer.status_code, answer.json()) == (200, {"user": self.user})
        return self

    # --- the second factor ----------------------------------------------------------------------------------------

    def code(self, steps: int = 0) -> str:
        """The code of the voter's application, some time steps away from now."""
        return factors.totp_code(self.secret, self.box.clock.now + steps * factors.STEP_SECONDS)

    def texts(self) -> list[str]:
        """The text messages to this voter, the oldest first."""
        return voters.text_messages(self.box.settings["sms_folder"]).get(self.phone, [])

    def text_code(self, before: list[str]) -> str:
        """The code in the text message that follows those that came before."""
        found = until(lambda: texts if len(texts := self.texts()) > len(before) else None)
        return voters.code_in(found[-1])

    # --- signing in -----------------------------------------------------------------------------------------------

    def sign_in(self, password: str = PASSWORD, user: str | None = None) -> Any:
        return self.post("/session", {"user": user or self.user, "password": password})

    def finish(self, ticket: str, code: str, *, bearer: bool = True) -> Any:
        return self.post("/session/code", {"ticket": ticket, "code": code, "bearer": bearer})

    def session(self) -> str:
        """The bearer token of a session that is opened as voters open it (with TOTP)."""
        answer = self.finish(self.sign_in().json()["ticket"], self.code())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["bearer"])

    def who(self, token: str) -> Any:
        return self.box.client.get("/session", headers={"Authorization": f"Bearer {token}"})


# --- attackers -----------------------------------------------------------------------------------------------------


class _Elsewhere:
    """A ballot box, as seen from another address."""

    def __init__(self, box: BallotBoxUnderTest, address: str) -> None:
        self._box = box
        self.client = TestClient(box.client.app, client=(address, 50_000))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._box, name)


def from_address(person: Person, address: str) -> Person:
    """The same person at another network, without any cookie."""
    moved = Person(cast(BallotBoxUnderTest, _Elsewhere(person.box, address)), person.voter)
    moved.secret, moved.user = person.secret, person.user
    return moved


def stranger(box: BallotBoxUnderTest) -> Person:
    """Somebody without an account."""
    person = Person(box, box.sim.voters[1])
    person.user, person.secret = "nadie@example.net", "A" * 32
    return person


def code_of(answer: Any) -> str:
    """The code of a refusal."""
    return str(answer.json().get("code"))


def fail(person: Person, times: int, password: str = OTHER_PASSWORD) -> Any:
    """Sign in wrongly, again and again; gives the last answer."""
    answer: Any = None
    for _ in range(times):
        started = person.sign_in(password)
        if started.status_code != 200:
            return started
        answer = person.finish(started.json()["ticket"], "000000")
    return answer


def device_of(person: Person) -> str:
    """The cookie of a device where this voter has signed in, a minute ago."""
    answer = person.finish(person.sign_in().json()["ticket"], person.code(), bearer=False)
    (found,) = [kept for kept in answer.headers.get_list("set-cookie") if kept.startswith("__Host-vemre-device=")]
    person.box.clock.now += 60
    return str(found.partition(";")[0])


def refusal_of(answer: Any) -> tuple[int, str, frozenset[str]]:
    """All that an answer tells, but for what is random in every answer."""
    told = {name: value for name, value in answer.json().items() if name not in ("request_id", "ticket", "method")}
    headers = frozenset(name for name in answer.headers if name != "content-length")
    size = len(answer.json().get("ticket", ""))
    return answer.status_code, json.dumps([told, size], sort_keys=True), headers
