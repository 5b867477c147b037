"""Mail goes to a real server over TLS or not at all; one address that fails is nobody else's business."""

import asyncio
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import certificates
import pytest
from mail_server import MailServer

from vemre.service import vault as vaults
from vemre.service.delivery import Courier, Delivered, DeliverySettings, Message, Outbox, open_senders
from vemre.service.delivery.letters import Letter
from vemre.service.delivery.senders import SenderDown
from vemre.service.delivery.smtp import SmtpSender


@pytest.fixture
def issued(tmp_path: Path) -> certificates.Issued:
    return certificates.issue(tmp_path / "tls")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    vaults.create(tmp_path / "vault")
    return Outbox(tmp_path / "outbox", vaults.load(tmp_path / "vault"))


def mail(number: int, to: str) -> Message:
    return Message(f"{number:032x}", "mail", to, "credential", {"credential": "SECRET-1", "election": "E"})


def courier_of(outbox: Outbox, server: MailServer, issued: certificates.Issued | None, **given: Any) -> Courier:
    settings = DeliverySettings(
        data_dir=outbox.folder,
        smtp_host="127.0.0.1",
        smtp_port=server.port,
        smtp_ca_file=issued.authority if issued is not None else None,
        smtp_tls=server.kind,
        mail_from="Voto en el extranjero <voto@example.net>",
        **given,
    )
    return Courier(outbox, open_senders(settings), server_pauses=(0.02, 0.1))


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
def test_mail_goes_out_over_tls(outbox: Outbox, issued: certificates.Issued, kind: Any) -> None:
    for number, to in enumerate(("ana@example.org", "beto@example.org")):
        outbox.put(mail(number, to))
    with MailServer(issued, kind).running() as server:
        assert courier_of(outbox, server, issued).flush() == Delivered(2, 0, 0)
    assert server.recipients == ["ana@example.org", "beto@example.org"]
    assert server.connections == 1
    assert all(server.secret)
    _, message = server.received[0]
    assert (message["To"], message["From"]) == ("ana@example.org", "Voto en el extranjero <voto@example.net>")
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "es, en")
    assert "SECRET" not in str(message["Subject"])
    text = message.get_body(("plain",))
    assert text is not None
    assert "    SECRET-1" in text.get_content().splitlines()


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
def test_certificate_that_nobody_vouches_for(outbox: Outbox, issued: certificates.Issued, kind: Any) -> None:
    outbox.put(mail(1, "ana@example.org"))
    with MailServer(issued, kind).running() as server:
        assert courier_of(outbox, server, None).flush() == Delivered(0, 1, 1)
    assert server.received == []


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
def test_certificate_of_another_name(tmp_path: Path, outbox: Outbox, kind: Any) -> None:
    issued = certificates.issue(tmp_path / "other", "mail.example.org")
    outbox.put(mail(1, "ana@example.org"))
    with MailServer(issued, kind).running() as server:
        assert courier_of(outbox, server, issued).flush() == Delivered(0, 1, 1)
    assert server.received == []


def test_server_without_tls(outbox: Outbox, issued: certificates.Issued) -> None:
    outbox.put(mail(1, "ana@example.org"))
    with MailServer(None).running() as server:
        assert courier_of(outbox, server, issued, smtp_user="u", smtp_password="p").flush() == Delivered(0, 1, 1)
    assert server.received == []


@pytest.mark.parametrize("kind", ["starttls", "implicit"])
def test_login(outbox: Outbox, issued: certificates.Issued, kind: Any) -> None:
    outbox.put(mail(1, "ana@example.org"))
    with MailServer(issued, kind, login=("service", "right")).running() as server:
        wrong = courier_of(outbox, server, issued, smtp_user="service", smtp_password="wrong")
        assert wrong.flush() == Delivered(0, 1, 1)
        (entry,) = outbox.entries("mail")
        assert not entry.refused
        right = courier_of(outbox, server, issued, smtp_user="service", smtp_password="right")
        assert right.flush() == Delivered(1, 0, 0)


def test_single_addresses_are_refused_or_put_off(outbox: Outbox, issued: certificates.Issued) -> None:
    for number, to in enumerate(("gone@x.org", "full@x.org", "ana@x.org", "spam@x.org", "later@x.org", "beto@x.org")):
        outbox.put(mail(number, to))
    server = MailServer(
        issued,
        answers={"gone@x.org": "550 5.1.1 <gone@x.org>: no such user", "full@x.org": "452 4.2.2 mailbox full"},
        after_data={"spam@x.org": "554 message refused", "later@x.org": "451 4.7.1 greylisted"},
    )
    with server.running():
        assert courier_of(outbox, server, issued).flush() == Delivered(2, 4, 4)
    assert server.recipients == ["ana@x.org", "beto@x.org"]
    assert server.connections == 1
    found = {int(entry.name, 16): (entry.refused, entry.problem) for entry in outbox.entries("mail")}
    assert found == {0: (True, "550 5.1.1"), 1: (False, "452 4.2.2"), 3: (True, "554"), 4: (False, "451 4.7.1")}


def test_a_server_that_asks_us_to_come_back_is_left_alone(outbox: Outbox, issued: certificates.Issued) -> None:
    for number, to in enumerate(("busy@x.org", "ana@x.org")):
        outbox.put(mail(number, to))
    server = MailServer(issued, answers={"busy@x.org": "421 4.3.2 closing"})
    with server.running():
        assert courier_of(outbox, server, issued).flush() == Delivered(0, 1, 2)
    assert all((entry.tries, entry.refused) == (0, False) for entry in outbox.entries("mail"))


def test_server_down_then_up(outbox: Outbox, issued: certificates.Issued) -> None:
    server = MailServer(issued)
    with server.running():
        pass
    courier = courier_of(outbox, server, issued)
    outbox.put(mail(1, "ana@example.org"))
    assert courier.flush() == Delivered(0, 1, 1)

    async def main() -> None:
        task = asyncio.create_task(courier.run())
        await asyncio.sleep(0.1)
        assert list(outbox.waiting())
        with server.running():
            deadline = time.monotonic() + 20
            while list(outbox.waiting()):
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert server.recipients == ["ana@example.org"]


@contextmanager
def talking(act: Any) -> Iterator[int]:
    """A port where `act` gets the first connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                act(connection)

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(10)


def test_a_server_that_says_nothing(issued: certificates.Issued) -> None:
    with talking(lambda connection: connection.recv(1)) as port, pytest.raises(SenderDown):
        SmtpSender("127.0.0.1", port, sender="a@example.net", context=ssl.create_default_context(), timeout=0.2)


def test_a_server_that_talks_without_end(issued: certificates.Issued) -> None:
    """One that sends a little now and then is never silent, and never done."""

    def drip(connection: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection.sendall(b"220-wait\r\n")
                time.sleep(0.02)

    with talking(drip) as port, pytest.raises(SenderDown):
        SmtpSender("127.0.0.1", port, sender="a@example.net", context=ssl.create_default_context(), whole=0.3)


def test_words_of_a_server_are_not_logged(
    outbox: Outbox, issued: certificates.Issued, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox.put(mail(1, "gone@x.org"))
    outbox.put(mail(2, "ana@x.org"))
    with (
        caplog.at_level(logging.DEBUG, logger="vemre"),
        MailServer(issued, answers={"gone@x.org": "550 no gone@x.org here, told SECRET-1"}).running() as server,
    ):
        courier_of(outbox, server, issued).flush()
    out = capsys.readouterr()
    logged = out.out + out.err + "".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    assert "550" in logged
    for hidden in ("gone@", "ana@", "SECRET"):
        assert hidden not in logged


def test_what_stands_in_an_address_does_not_get_into_the_mail(outbox: Outbox, issued: certificates.Issued) -> None:
    injected = ("a@x.org\r\nBcc: all@x.org", "a@x.org>\r\nRCPT TO:<all@x.org", "a@x.org,all@x.org", "a@x.org\r\n.\r\n")
    for number, to in enumerate(injected):
        outbox.put(mail(number, to))
    outbox.put(mail(99, "ana@x.org"))
    with MailServer(issued).running() as server:
        assert courier_of(outbox, server, issued).flush() == Delivered(1, len(injected), len(injected))
    assert server.recipients == ["ana@x.org"]


def test_the_sender_checks_addresses_itself(issued: certificates.Issued) -> None:
    with MailServer(issued).running() as server:
        context = ssl.create_default_context(cafile=str(issued.authority))
        sender = SmtpSender("127.0.0.1", server.port, sender="a@example.net", context=context)
        with pytest.raises(Exception, match="address-unusable"):
            sender.send(Letter("0f" * 16, "mail", "a@x.org\r\nRCPT TO:<b@x.org>", "s", "t", "<p>t</p>"))
        sender.close()
    assert server.received == []
