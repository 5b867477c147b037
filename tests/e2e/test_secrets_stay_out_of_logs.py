"""Whatever the services deliver, and whatever people send them: nothing of it in a log, before anything is taken out of
it, and nothing of it in an address."""

import base64
import hashlib
import logging
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import certificates
import entering
import pytest
import structlog
from applying import Applicant
from entering import Person
from mail_server import MailServer
from served import BallotBoxUnderTest, RegistryUnderTest, roll_file, roll_line, token_of
from simulator import Simulator

from vemre.demo import voters
from vemre.service import logs
from vemre.service.middleware import RequestFrame

_STANDS_ALONE = re.compile(r"^ {4}(\S.*?)\s*$", re.MULTILINE)
_SECRETS_NAMES = re.compile(r"token|code|pass|secret|credential|mail|phone|user|ticket|digit", re.IGNORECASE)


@dataclass
class Heard:
    """All that was logged, as it came from the code, and every address that was asked for."""

    events: list[Any] = field(default_factory=list)
    records: list[logging.LogRecord] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    @property
    def logged(self) -> str:
        """As text; of exceptions their whole texts too."""
        parts = [repr(event) for event in self.events]
        parts += [f"{record.getMessage()} {record.__dict__!r}" for record in self.records]
        return "\n".join(parts)


class _Keeping(logging.Handler):
    def __init__(self, records: list[logging.LogRecord]) -> None:
        super().__init__(logging.DEBUG)
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("mail.", "httpx", "asyncio")):
            # Those are the tests' own: the other mail server, the client.
            self._records.append(record)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    found = Heard()
    logs.configure("debug")
    keeping = _Keeping(found.records)
    logging.getLogger().addHandler(keeping)
    called = RequestFrame.__call__

    async def recorded(self: Any, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            found.addresses.append(f"{scope['path']}?{scope['query_string'].decode()}")
        await called(self, scope, receive, send)

    monkeypatch.setattr(RequestFrame, "__call__", recorded)
    with structlog.testing.capture_logs() as events:
        found.events = events  # type: ignore[assignment]
        yield found
    logging.getLogger().removeHandler(keeping)


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def spellings(secret: str) -> set[str]:
    """A secret as it is, without dashes, hashed, and as bytes are often written."""
    data = secret.encode()
    return {
        secret,
        secret.replace("-", ""),
        hashlib.sha256(data).hexdigest(),
        data.hex(),
        base64.b64encode(data).decode().rstrip("="),
    }


def assert_unheard(heard: Heard, secrets: set[str]) -> None:
    assert len(secrets) >= 8
    logged, addresses = heard.logged, "\n".join(heard.addresses)
    assert heard.events
    assert heard.addresses
    for secret in secrets:
        assert len(secret) >= 6
        for spelling in spellings(secret):
            assert spelling not in logged
            assert spelling not in addresses


def wait(found: Any) -> None:
    deadline = time.monotonic() + 30
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_of_the_registry(tmp_path: Path, heard: Heard) -> None:
    server = MailServer(
        certificates.issue(tmp_path / "tls"),
        login=("registro", "la clave del correo"),
        answers={
            "persona2@example.org": "550 5.1.1 <persona2@example.org>: no such user",
            "solicitante2@example.org": "451 4.7.1 solicitante2@example.org greylisted",
        },
    )
    registry = RegistryUnderTest(
        Simulator().reach("keys"),
        tmp_path,
        smtp_host="127.0.0.1",
        smtp_port=0,
        smtp_user="registro",
        smtp_password="la clave del correo",
        smtp_ca_file=tmp_path / "tls" / "authority.pem",
    )
    with ExitStack() as stack:
        stack.enter_context(server.running())
        registry.settings["smtp_port"] = server.port
        stack.enter_context(registry.running())
        one, other = Applicant(registry, 1), Applicant(registry, 2)
        one.reviewed("observe", {"fields": ["city"], "note": "La ciudad no es esa."})
        other.reviewed("refuse", {"reason": "other", "note": "Una explicación privada."})
        registry.client.get("/solicitudes", headers={"Authorization": f"Bearer {one.code}X"})
        assert registry.import_roll(roll_file(roll_line(1), roll_line(2))).status_code == 200
        registry.official("credentials")
        registry.official("reissue", {"folio": "F-0001", "request": str(uuid.uuid4())})
        registry.client.get("/official/deliveries?addresses=true", headers=token_of(registry.data))
        wait(lambda: [entry.tries > 0 for entry in registry.outbox().entries("mail")] == [True] * 3)
        waiting = list(registry.outbox().waiting())
        bodies = [text_of(mail) for _, mail in server.received]
    secrets = {secret for body in bodies for secret in _STANDS_ALONE.findall(body)}
    secrets |= {
        value for message in waiting for name, value in message.values.items() if name in ("code", "credential")
    }
    secrets |= {message.to for message in waiting} | set(server.recipients)
    secrets |= {one.code, other.code, one.form["clave_de_elector"], one.form["names"], one.form["phone"]}
    secrets |= {"Una explicación privada.", "la clave del correo", token_of(registry.data)["Authorization"][7:]}
    # A folio and the reasons of others are short words of every day; they are looked for as they are.
    assert_unheard(heard, secrets)
    assert "message-refused" in heard.logged
    assert "550 5.1.1" in heard.logged


def test_of_the_ballot_box(tmp_path: Path, heard: Heard) -> None:
    box = BallotBoxUnderTest(Simulator().reach("setup"), tmp_path, **entering.posts(tmp_path))
    with box.running():
        box.open()
        assert box.official("access-links").status_code == 200
        people = [Person(box, voter) for voter in box.sim.voters[:2]]
        people[0].enter("totp")
        people[1].enter("sms")
        session = people[0].session()
        people[1].begin(token="x" * 43)
        wrong = people[0].sign_in(password="una clave que no es")
        people[0].finish(wrong.json()["ticket"], "000000")
        assert people[0].who(session).status_code == 200
        voter = box.sim.voters[0]
        assert box.cast(voter, box.ballot(voter), session).status_code == 201
        links = [person.link() for person in people]
        mails = tmp_path / "mail"
        wait(lambda: any("Encontrar mi voto" in text for text in voters.mails(mails).get(people[0].user, [])))
        texts = [text for person in people for text in person.texts()]
    secrets = {
        secret for found in voters.mails(mails).values() for text in found for secret in _STANDS_ALONE.findall(text)
    }
    # A tracker is public, but not whose it is: no log tells it either.
    secrets |= {*links, session, people[0].secret, entering.PASSWORD, "una clave que no es", wrong.json()["ticket"]}
    secrets |= {voters.code_in(text) for text in texts} | {person.user for person in people}
    secrets |= {person.phone for person in people} | {token_of(box.data)["Authorization"][7:]}
    assert_unheard(heard, secrets)


def test_no_parameter_of_an_address_is_for_a_secret(tmp_path: Path) -> None:
    registry = RegistryUnderTest(Simulator().reach("keys"), tmp_path / "registry")
    box = BallotBoxUnderTest(Simulator().reach("setup"), tmp_path / "ballot")
    with registry.running(), box.running():
        for app in (registry.station.app, box.station.app):
            for path, acts in app.openapi()["paths"].items():
                for act in acts.values():
                    names = {found["name"] for found in act.get("parameters", ()) if found["in"] in ("query", "path")}
                    assert not any(_SECRETS_NAMES.search(name) for name in names), path
