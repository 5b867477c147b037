"""The parts of access by themselves: passwords, turns, limits, and what two instances do at the same moment."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace
from typing import Any, cast

import pytest
from served import ManualClock
from sqlalchemy import Engine, event, select, text
from starlette.requests import Request

from ballot.access import factors, letters, limits, passwords, rows
from ballot.access.addresses import masked_mail, network
from ballot.access.first import FirstAccess
from ballot.access.letters import Occasion
from ballot.access.means import Means
from ballot.access.recovery import Recoveries
from ballot.access.rows import Access
from ballot.access.signing_in import Client, SigningIn
from ballot.access.tickets import Ticket
from ballot.access.work import Turns, Work
from ballot.sessions import StoredSessions
from ballot.store import Account, BallotStore
from ballot.tables import COMPONENT, account, session
from vemre.errors import Refused
from vemre.service.delivery import Courier, Outbox
from vemre.storage import schema
from vemre.storage.engine import open_engine, writing

PASSWORD = "zanahoria lenta sobre el tejado"
HERE = Client("192.0.2.1")


# --- passwords -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "P@ssw0rd2027!",
        "ContraseñaSegura",
        "contrasen\u0303a segura",
        "MéxicoLindo1810",
        "qwertyuiop12",
        "1qaz2wsx3edc",
        "aaaaaaaaaaaaaaaa",
        "abcabcabcabc",
        "123456789012",
        "483920174650",
        "Guadalajara1990",
        "TeAmoMiAmor123",
        "xochitl.brisa27",
        "brisa-xochitl-1",
        "vemrevoto2027",
    ],
)
def test_common_passwords(password: str) -> None:
    with pytest.raises(Refused, match="password-common"):
        passwords.check(password, "Xochitl.Brisa@example.org")


@pytest.mark.parametrize(
    "password",
    [
        "zanahoria lenta sobre el tejado",
        "kQ7vXz2pLm9R",
        "la rana canta de noche",
        "amor vida casa perro gato",
        "правильная лошадь",
        "🦜🌵🎺🪅🌮🧉🎲🪁🛶🧵🪗🧭",
    ],
)
def test_good_passwords(password: str) -> None:
    passwords.check(password, "ana@example.org")
    assert passwords.matches(passwords.hashed(password), password)


def test_spelling_of_a_letter_does_not_matter() -> None:
    kept = passwords.hashed("cañón lejano y azul")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.matches(kept, "can\u0303o\u0301n lejano\u00a0y azul")
    assert not passwords.matches(kept, "canon lejano y azul")
    assert not passwords.matches(passwords.nobodys(), "")


# --- codes -----------------------------------------------------------------------------------------------------------


def test_totp_is_that_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert factors.totp_code(secret, 59) == "287082"
    assert factors.totp_code(secret, 1_111_111_109) == "081804"
    now = 1_111_111_109
    step = now // 30
    assert factors.totp_step(secret, "081804", now, after=-1) == step
    for drift, found in ((-60, None), (-30, step), (30, step), (60, None)):
        assert factors.totp_step(secret, "081804", now + drift, after=-1) == found
    assert factors.totp_step(secret, "081804", now, after=step) is None


# --- turns -----------------------------------------------------------------------------------------------------------


def test_turns_go_round_the_lines() -> None:
    async def run() -> list[str]:
        turns, served = Turns(1), list[str]()

        async def one(line: str) -> None:
            async with turns.turn(line):
                served.append(line)
                await asyncio.sleep(0)

        async with turns.turn("first"):
            waiting = [asyncio.create_task(one(line)) for line in ["loud"] * 5 + ["a", "b"]]
            await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        return served

    assert asyncio.run(run()) == ["loud", "a", "b", "loud", "loud", "loud", "loud"]


def test_turns_are_limited_and_given_back() -> None:
    async def run() -> None:
        turns = Turns(2, longest_line=2, most_waiting=3)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with turns.turn("x"):
                    1 / 0  # noqa: B018
        async with turns.turn("x"), turns.turn("x"):
            waiting = [asyncio.create_task(_take(turns, line)) for line in ("x", "x", "y")]
            await asyncio.sleep(0)
            for line in ("x", "z"):
                with pytest.raises(Refused, match="access-busy"):
                    await _take(turns, line)
            waiting[0].cancel()
            await asyncio.gather(waiting[0], return_exceptions=True)
            more = asyncio.create_task(_take(turns, "x"))
            await asyncio.sleep(0)
        await asyncio.gather(*waiting[1:], more)
        async with turns.turn("x"), turns.turn("y"):
            pass

    asyncio.run(run())


def test_place_that_nobody_takes_goes_on() -> None:
    """Whoever waits goes away just when the turn comes."""

    async def run() -> None:
        turns = Turns(1)
        async with turns.turn("x"):
            gone = asyncio.create_task(_take(turns, "x"))
            waits = asyncio.create_task(_take(turns, "y"))
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        await asyncio.wait_for(waits, 10)
        await asyncio.wait_for(_take(turns, "z"), 10)

    asyncio.run(run())


async def _take(turns: Turns, line: str) -> None:
    async with turns.turn(line):
        await asyncio.sleep(0)


# --- addresses -------------------------------------------------------------------------------------------------------


def test_networks() -> None:
    def seen(host: str | None) -> str:
        return network(Request({"type": "http", "client": None if host is None else (host, 1), "headers": []}))

    assert seen("192.0.2.7") == seen("::ffff:192.0.2.7") == "192.0.2.7"
    assert seen("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert seen("fe80::1%eth0") == "fe80::/64"
    assert (seen("testclient"), seen(None)) == ("testclient", "")


def test_masks() -> None:
    assert masked_mail("ana.lopez@mail.example.mx") == "a•••@m•••.mx"
    assert masked_mail("x") == "•••@x•••.x"


# --- two instances on one database -----------------------------------------------------------------------------------


@dataclass
class Boxes:
    """Two instances over one database, each with connections of its own."""

    url: str
    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)
    engines: list[Engine] = field(default_factory=list)

    def instance(self) -> Means:
        engine = open_engine(self.url)
        self.engines.append(engine)
        schema.upgrade(engine, COMPONENT)
        store = BallotStore(engine, self.folder / "vault")
        courier = Courier(Outbox(self.folder / "outbox", store.vault, self.clock), {}, clock=self.clock)
        sessions = StoredSessions(engine, self.clock, os.urandom)
        served = frozenset({"mail", "sms"})
        return Means(
            store, sessions, courier, cast(Any, served), None, lambda: False, self.clock, self.clock, os.urandom, Work()
        )


@pytest.fixture
def boxes(database_url: str, tmp_path: Path) -> Iterator[tuple[Means, Means]]:
    made = Boxes(database_url, tmp_path)
    pair = made.instance(), made.instance()
    pair[0].store.take_roster(
        [Account(f"{n:032x}", "urna-09", f"v{n}@example.net", "+13125550199", bytes([n]) * 32) for n in range(1, 4)]
    )
    yield pair
    for means, engine in zip(pair, made.engines, strict=True):
        means.work.shut()
        engine.dispose()


def together(acts: list[Callable[[], Any]]) -> list[Any]:
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return act()
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def entered(means: Means) -> str:
    """The TOTP secret of an account that has an access."""
    with writing(means.store.engine) as connection:
        made = Access(f"{1:032x}", "ab" * 16, passwords.hashed(PASSWORD), "totp", "A" * 32, -1, 0, 0)
        rows.put_access(connection, means.vault, made, means.clock())
    return made.secret


def test_one_code_opens_one_session(boxes: tuple[Means, Means]) -> None:
    code = factors.totp_code(entered(boxes[0]), boxes[0].clock())
    sides = [SigningIn(means) for means in boxes] * 3
    tickets = [side.begin("V1@example.net ", PASSWORD, HERE).ticket for side in sides]
    found = together([lambda s=s, t=t: s.finish(t, code, HERE) for s, t in zip(sides, tickets, strict=True)])  # type: ignore[misc]
    assert found.count("sign-in-failed") == 5
    with boxes[0].store.engine.connect() as connection:
        assert len(connection.execute(select(session)).all()) == 1


def test_guesses_that_come_together_are_all_counted(boxes: tuple[Means, Means]) -> None:
    entered(boxes[0])
    sides = [SigningIn(means) for means in boxes]
    count = limits.PAIR.most + 4
    tickets = [sides[n % 2].begin("v1@example.net", PASSWORD, HERE).ticket for n in range(count)]
    guesses = [lambda n=n, t=t: sides[n % 2].finish(t, "000000", HERE) for n, t in enumerate(tickets)]  # type: ignore[misc]
    found = together(guesses)  # type: ignore[arg-type]
    assert found.count("too-many-tries") >= 3
    with boxes[0].store.engine.connect() as connection:
        access = rows.access_of(connection, boxes[0].vault, f"{1:032x}")
    assert access is not None
    assert access.failures == found.count("sign-in-failed")


def test_link_makes_one_access(boxes: tuple[Means, Means]) -> None:
    sent = letters.send_lacking(boxes[0], Occasion("E", "E", boxes[0].clock() + 1000, "https://x.example"))
    assert (sent.sent, sent.without_phone) == (3, 0)
    (message,) = [m for m in boxes[0].courier.outbox.waiting() if m.to == "v1@example.net"]
    assert letters.is_ready(boxes[1].store.engine, message)
    token = message.values["url"].partition("#")[2]
    sides = [FirstAccess(means) for means in boxes] * 2
    tickets = [side.begin(token, "0199").ticket for side in sides]

    def confirm(side: FirstAccess, ticket: str) -> str:
        found: Any = side.factor(ticket, "totp")
        code = factors.totp_code(found.secret, boxes[0].clock())
        return side.confirm(ticket, code, PASSWORD, side.prepare(ticket, PASSWORD))

    found = together([lambda s=s, t=t: confirm(s, t) for s, t in zip(sides, tickets, strict=True)])  # type: ignore[misc]
    assert sorted(found) == ["access-refused"] * 3 + ["v1@example.net"]
    assert not letters.is_ready(boxes[1].store.engine, message)


def test_recovery_is_confirmed_once(boxes: tuple[Means, Means]) -> None:
    entered(boxes[0])
    occasion = Occasion("E", "E", boxes[0].clock() + 1000, "https://x.example")
    id = Recoveries(boxes[0]).open("v1@example.net", "perdió el teléfono", "official").id
    sides = [Recoveries(means) for means in boxes] * 2
    assert together([lambda s=s: s.confirm(id, "official/otra", occasion) for s in sides]) == [None] * 4  # type: ignore[misc]
    (message,) = boxes[0].courier.outbox.waiting()
    assert message.template == "recovery"
    assert letters.is_ready(boxes[0].store.engine, message)


def test_letter_of_an_act_that_was_cut_off_is_not_sent(boxes: tuple[Means, Means]) -> None:
    means, occasion = boxes[0], Occasion("E", "E", boxes[0].clock() + 1000, "https://x.example")
    account_ = means.store.account(f"{1:032x}")
    assert account_ is not None
    stray = letters.link_message("access-link", account_, "nobody-knows-this-token", occasion)
    means.send(stray)
    assert not letters.is_ready(means.store.engine, stray)
    letters.send_lacking(means, occasion)
    waiting = {m.to: m for m in means.courier.outbox.waiting()}
    assert len(waiting) == 3
    assert all(letters.is_ready(means.store.engine, message) for message in waiting.values())


def test_rows_of_an_older_version_are_found_by_address(database_url: str, tmp_path: Path) -> None:
    made = Boxes(database_url, tmp_path)
    first = made.instance()
    first.store.take_roster([Account("ab" * 16, "urna-09", "Ana@example.net", "+13125550199", bytes(32))])
    with writing(first.store.engine) as connection:
        connection.execute(account.update().values(user=None))
    assert first.store.account_of_user("ana@example.net") is None
    again = made.instance()
    assert again.store.account_of_user("ANA@example.net") == again.store.account("ab" * 16)
    for means, engine in zip((first, again), made.engines, strict=True):
        means.work.shut()
        engine.dispose()


def test_accounts_that_leave_the_roster_take_everything_with_them(boxes: tuple[Means, Means]) -> None:
    means = boxes[0]
    entered(means)
    with writing(means.store.engine) as connection:
        token = means.sessions.open(connection, f"{1:032x}").token
    assert boxes[1].sessions.find(token) is not None
    stays = means.store.account(f"{2:032x}")
    assert stays is not None
    assert means.store.take_roster([stays]) == 0
    assert boxes[1].sessions.find(token) is None
    with means.store.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM access")) == 0


def test_finding_a_session_is_one_read(boxes: tuple[Means, Means]) -> None:
    means = boxes[0]
    with writing(means.store.engine) as connection:
        token = means.sessions.open(connection, f"{1:032x}").token
    asked: list[str] = []
    event.listen(means.store.engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
    assert means.sessions.find(token) is not None
    assert [statement.split()[0] for statement in asked if statement != "BEGIN"] == ["SELECT"]


# --- values in the database ------------------------------------------------------------------------------------------


def test_tickets_have_one_length_and_open_once_made(boxes: tuple[Means, Means]) -> None:
    signing = SigningIn(boxes[0])
    secret = entered(boxes[0])
    lengths = {len(signing.begin(user, PASSWORD, HERE).ticket) for user in ("v1@example.net", "nobody@example.net")}
    assert len(lengths) == 1
    ticket = signing.begin("v1@example.net", PASSWORD, HERE).ticket
    for kind in ("first-access", "passkey", "sign-in-passkey"):
        with pytest.raises(Refused, match="ticket-over"):
            Ticket.open(boxes[0].vault, cast(Any, kind), ticket, boxes[0].clock())
    kept = "".join(str(row) for row in _everything(boxes[0].store.engine))
    assert secret not in kept
    assert "argon2id" not in kept
    assert repr(SimpleNamespace(t=Ticket.open(boxes[0].vault, "sign-in", ticket, 0))).count("Ticket(sign-in)") == 1


def _everything(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return [row for table in COMPONENT_TABLES for row in connection.execute(text(f'SELECT * FROM "{table}"'))]


COMPONENT_TABLES = ("account", "link", "access", "code", "session", "spent", "tries", "passkey", "recovery")
