"""The courier: nobody waits for somebody else's failure, and nothing is lost."""

import asyncio
import json
import stat
import time
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from vemre.errors import Refused
from vemre.service import vault as vaults
from vemre.service.delivery import Courier, Delivered, DeliverySettings, Message, Outbox, open_senders
from vemre.service.delivery.letters import Letter
from vemre.service.delivery.senders import Postponed, Rejected, SenderDown


class Clock:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(tmp_path: Path, clock: Clock) -> Outbox:
    vaults.create(tmp_path / "vault")
    return Outbox(tmp_path / "outbox", vaults.load(tmp_path / "vault"), clock)


def mail(number: int, to: str, until: int | None = None) -> Message:
    return Message(f"{number:032x}", "mail", to, "credential", {"credential": "X-Y", "election": "E"}, until)


class Office:
    """Takes mails, and does to some addresses what their names say. `down` fails everybody."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.tried: list[str] = []
        self.opened = 0
        self.closed = 0
        self.down = False
        self.break_after = 1 << 30
        self._here = 0

    def open(self) -> "Office":
        if self.down:
            raise SenderDown("ConnectionRefusedError")
        self.opened += 1
        self._here = 0
        return self

    def send(self, letter: Letter) -> None:
        self.tried.append(letter.to)
        if self._here >= self.break_after:
            raise SenderDown("SMTPServerDisconnected")
        if letter.to.startswith("gone"):
            raise Rejected("550 5.1.1")
        if letter.to.startswith("full"):
            raise Postponed("452 4.2.2")
        self._here += 1
        self.taken.append(letter.to)

    def close(self) -> None:
        self.closed += 1


def test_failing_addresses_keep_nobody_waiting(outbox: Outbox, clock: Clock) -> None:
    office = Office()
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    for number, to in enumerate(("gone@x.org", "full@x.org", "a@x.org")):
        outbox.put(mail(number, to))
    assert courier.flush() == Delivered(1, 2, 2)
    assert office.taken == ["a@x.org"]
    entries = {entry.name[-1]: entry for entry in outbox.entries("mail")}
    assert (entries["0"].refused, entries["0"].problem) == (True, "550 5.1.1")
    assert (entries["1"].refused, entries["1"].problem, entries["1"].due) == (False, "452 4.2.2", clock.now + 60)
    assert (office.opened, office.closed) == (1, 1)


def test_what_is_refused_is_tried_again_on_order_alone(outbox: Outbox, clock: Clock) -> None:
    office = Office()
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    outbox.put(mail(1, "gone@x.org"))
    courier.flush()
    assert courier.flush() == Delivered(0, 0, 1)
    assert office.tried == ["gone@x.org"]
    (entry,) = outbox.entries("mail")
    outbox.again(entry)
    assert courier.flush() == Delivered(0, 1, 1)


def test_pauses_grow_to_a_bound(outbox: Outbox, clock: Clock) -> None:
    courier = Courier(outbox, {"mail": Office().open}, clock=clock, address_pauses=(60, 200))
    outbox.put(mail(1, "full@x.org"))
    pauses = []
    for _ in range(4):
        courier.flush()
        (entry,) = outbox.entries("mail")
        pauses.append(entry.due - clock.now)
    assert pauses == [60, 120, 200, 200]


def test_a_server_that_is_down_costs_one_attempt(outbox: Outbox, clock: Clock) -> None:
    office = Office()
    office.down = True
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    for number in range(5):
        outbox.put(mail(number, f"a{number}@x.org"))
    assert courier.flush() == Delivered(0, 1, 5)
    assert all((entry.tries, entry.refused) == (0, False) for entry in outbox.entries("mail"))
    office.down = False
    assert courier.flush() == Delivered(5, 0, 0)


def test_a_connection_that_ends_is_made_anew(outbox: Outbox, clock: Clock) -> None:
    office = Office()
    office.break_after = 2
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    for number in range(5):
        outbox.put(mail(number, f"a{number}@x.org"))
    assert courier.flush() == Delivered(5, 0, 0)
    assert sorted(office.taken) == [f"a{number}@x.org" for number in range(5)]
    assert office.opened == office.closed == 3


def test_a_message_that_is_not_true_yet_waits(outbox: Outbox, clock: Clock) -> None:
    office, true = Office(), set[str]()
    courier = Courier(outbox, {"mail": office.open}, ready=lambda message: message.to in true, clock=clock)
    outbox.put(mail(1, "a@x.org"))
    assert courier.flush() == Delivered(0, 0, 1)
    assert office.opened == 0
    true.add("a@x.org")
    assert courier.flush() == Delivered(1, 0, 0)


def test_what_is_out_of_date_is_not_sent(outbox: Outbox, clock: Clock) -> None:
    office = Office()
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    outbox.put(mail(1, "late@x.org", until=clock.now))
    outbox.put(mail(2, "timely@x.org", until=clock.now + 1))
    assert courier.flush() == Delivered(1, 0, 0)
    assert office.taken == ["timely@x.org"]


def test_a_sender_with_faults_holds_up_nobody(outbox: Outbox, clock: Clock) -> None:
    class Faulty(Office):
        def send(self, letter: Letter) -> None:
            if letter.to == "odd@x.org":
                raise KeyError("SECRET")
            super().send(letter)

    office = Faulty()
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    for number, to in enumerate(("odd@x.org", "a@x.org")):
        outbox.put(mail(number, to))
    assert courier.flush() == Delivered(1, 1, 1)
    (entry,) = outbox.entries("mail")
    assert (entry.problem, entry.refused, entry.tries) == ("KeyError", False, 1)

    def broken() -> Office:
        raise RuntimeError("SECRET")

    assert Courier(outbox, {"mail": broken}, clock=clock).flush() == Delivered(0, 1, 1)


def test_what_is_put_while_the_older_goes_out_is_not_lost(outbox: Outbox, clock: Clock) -> None:
    class Slow(Office):
        def send(self, letter: Letter) -> None:
            super().send(letter)
            if letter.to == "old@x.org":
                outbox.put(mail(1, "new@x.org"))

    office = Slow()
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    outbox.put(mail(1, "old@x.org"))
    courier.flush()
    assert [message.to for message in outbox.waiting()] == ["new@x.org"]
    courier.flush()
    assert office.taken == ["old@x.org", "new@x.org"]


def test_without_anybody_who_takes_them_messages_wait(tmp_path: Path, outbox: Outbox) -> None:
    courier = Courier(outbox, open_senders(DeliverySettings(data_dir=tmp_path)))
    outbox.put(mail(1, "a@x.org"))
    assert courier.flush() == Delivered(0, 0, 1)


# --- in the background ----------------------------------------------------------------------------------------------


async def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def in_background(courier: Courier, act: Callable[[], "asyncio.Future[None] | object"]) -> None:
    async def main() -> None:
        task = asyncio.create_task(courier.run())
        try:
            await act()  # type: ignore[misc]
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())


def test_it_sends_at_the_start_and_when_it_is_woken(outbox: Outbox, clock: Clock) -> None:
    office = Office()
    courier = Courier(outbox, {"mail": office.open}, clock=clock)
    outbox.put(mail(1, "a@x.org"))
    courier.wake()

    async def act() -> None:
        await until(lambda: office.taken == ["a@x.org"])
        outbox.put(mail(2, "b@x.org"))
        courier.wake()
        await until(lambda: office.taken == ["a@x.org", "b@x.org"])

    in_background(courier, act)


def test_down_then_up(outbox: Outbox, clock: Clock) -> None:
    office = Office()
    office.down = True
    courier = Courier(outbox, {"mail": office.open}, clock=clock, server_pauses=(0.01, 0.05))
    outbox.put(mail(1, "a@x.org"))

    async def act() -> None:
        await asyncio.sleep(0.05)
        office.down = False
        await until(lambda: office.taken == ["a@x.org"])

    in_background(courier, act)


def test_a_fault_of_ours_ends_nothing(outbox: Outbox, clock: Clock) -> None:
    office, faults = Office(), [ValueError("a database that is busy")]

    def ready(_: Message) -> bool:
        if faults:
            raise faults.pop()
        return True

    courier = Courier(outbox, {"mail": office.open}, ready=ready, clock=clock, server_pauses=(0.01, 0.05))
    outbox.put(mail(1, "a@x.org"))
    in_background(courier, lambda: until(lambda: office.taken == ["a@x.org"]))


def test_mails_that_nobody_takes_hold_up_no_text_message(tmp_path: Path, outbox: Outbox, clock: Clock) -> None:
    office = Office()
    office.down = True
    settings = DeliverySettings(data_dir=tmp_path, sms_folder=tmp_path / "sms")
    courier = Courier(outbox, {"mail": office.open, **open_senders(settings)}, clock=clock)
    outbox.put(mail(1, "a@x.org"))
    outbox.put(Message("ee" * 16, "sms", "+13125550123", "sms-code", {"code": "123456", "minutes": "5"}))
    in_background(courier, lambda: until(lambda: any((tmp_path / "sms").glob("ee*.json"))))


# --- folders --------------------------------------------------------------------------------------------------------


def test_folders_hold_what_would_have_gone_out(tmp_path: Path, outbox: Outbox, clock: Clock) -> None:
    settings = DeliverySettings(
        data_dir=tmp_path, mail_folder=tmp_path / "mails", sms_folder=tmp_path / "sms", mail_from="Voto <v@example.net>"
    )
    courier = Courier(outbox, open_senders(settings), clock=clock)
    for _ in range(2):
        outbox.put(mail(1, "ana+voto@example.org"))
        outbox.put(Message("ee" * 16, "sms", "+13125550123", "sms-code", {"code": "123456", "minutes": "5"}))
        courier.flush()
    names = {path.name for folder in ("mails", "sms") for path in (tmp_path / folder).iterdir()}
    assert names == {f"{1:032x}-{n}.eml" for n in (1, 2)} | {f"{'ee' * 16}-{n}.json" for n in (1, 2)}
    for folder in ("mails", "sms"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (tmp_path / folder).iterdir())
    data = (tmp_path / "mails" / f"{1:032x}-1.eml").read_bytes()
    found = message_from_bytes(data, policy=default)
    assert isinstance(found, EmailMessage)
    assert (found["From"], found["To"]) == ("Voto <v@example.net>", "ana+voto@example.org")
    text, html = found.get_body(("plain",)), found.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "    X-Y" in text.get_content().splitlines()
    assert '<div lang="es">' in html.get_content()
    sms = json.loads((tmp_path / "sms" / f"{'ee' * 16}-1.json").read_text())
    assert sms["to"] == "+13125550123"
    assert "123456" in sms["text"]


@pytest.mark.parametrize(
    "to",
    [
        "a@x.org\r\nBcc: all@example.org",
        "a@x.org\nBcc: all@example.org",
        "a@x.org, b@x.org",
        "<a@x.org>",
        "Ana <a@x.org>",
        "a@x.org b@x.org",
        "a@[127.0.0.1]",
        "nobody",
        "",
        "@x.org",
        "a@x@y.org",
        f"{'a' * 65}@x.org",
        "a@x.org\x00",
        '"a b"@x.org',
        "ñandú@x.org",
        "a..b@x.org",
        ".a@x.org",
    ],
)
def test_addresses_that_are_none_are_refused(tmp_path: Path, outbox: Outbox, clock: Clock, to: str) -> None:
    courier = Courier(outbox, open_senders(DeliverySettings(data_dir=tmp_path, mail_folder=tmp_path / "mails")))
    outbox.put(mail(1, to))
    assert courier.flush() == Delivered(0, 1, 1)
    (entry,) = outbox.entries("mail")
    assert (entry.refused, entry.problem) == (True, "address-unusable")
    assert not any((tmp_path / "mails").iterdir())


@pytest.mark.parametrize(
    "to", ["13125550123", "+0125550123", "+1", "+1312555012345678", "+1312 555", "+1312\n", "*#06#"]
)
def test_numbers_that_are_none_are_refused(tmp_path: Path, outbox: Outbox, to: str) -> None:
    courier = Courier(outbox, open_senders(DeliverySettings(data_dir=tmp_path, sms_folder=tmp_path / "sms")))
    outbox.put(Message("ee" * 16, "sms", to, "sms-code", {"code": "123456", "minutes": "5"}))
    assert courier.flush() == Delivered(0, 1, 1)


def test_one_sender_for_a_channel(tmp_path: Path) -> None:
    for given in (
        {"mail_folder": tmp_path, "smtp_host": "mail.example.org"},
        {"sms_folder": tmp_path, "sms_sender": "x"},
        {"sms_sender": "not-installed"},
        {"smtp_host": "mail.example.org", "smtp_ca_file": tmp_path / "none.pem"},
    ):
        with pytest.raises(Refused, match="settings-unusable"):
            open_senders(DeliverySettings(data_dir=tmp_path, **given))  # type: ignore[arg-type]
