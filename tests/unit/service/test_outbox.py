"""Deliveries: files that only their owner reads, and a mail server that must speak TLS."""

import datetime
import ipaddress
import smtplib
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from vemre.service.outbox import Delivery, MailSettings, Outbox, SmtpMailer, send_by_settings, send_waiting

NAME = "0f" * 16


def delivery(name: str = NAME, to: str = "ana@example.org") -> Delivery:
    return Delivery(name, to, "Credencial / Credential", "Su credencial: ÑANDÚ-1\n", "ÑANDÚ-1")


def test_files_are_private_and_replaced(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(delivery(to="old@example.org"))
    outbox.put(delivery())
    outbox.sync()
    (path,) = outbox.folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(outbox.waiting()) == [delivery()]
    outbox.remove(NAME)
    outbox.remove(NAME)
    assert list(outbox.waiting()) == []


def test_names_are_pseudonyms_alone(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for name in ("../x", "", NAME.upper(), NAME + "/"):
        with pytest.raises(ValueError):
            outbox.remove(name)
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / f".{NAME}.aa").write_text("half")
    assert list(outbox.waiting()) == []


def test_nothing_of_it_shows() -> None:
    assert "ÑANDÚ" not in repr(delivery())
    assert "ana" not in repr(delivery())


def test_one_refused_address_keeps_nobody_waiting(tmp_path: Path) -> None:
    class Picky:
        def __init__(self) -> None:
            self.taken: list[str] = []

        def send(self, found: Delivery) -> None:
            if found.to.startswith("bad"):
                raise smtplib.SMTPRecipientsRefused({})
            self.taken.append(found.to)

    outbox, mailer = Outbox(tmp_path), Picky()
    for number, to in enumerate(("a@x.org", "bad@x.org", "c@x.org")):
        outbox.put(delivery(f"{number:032x}", to))
    assert send_waiting(outbox, mailer) == (2, 1)
    assert mailer.taken == ["a@x.org", "c@x.org"]
    assert [found.to for found in outbox.waiting()] == ["bad@x.org"]


def test_without_a_server_files_stay(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(delivery())
    assert send_by_settings(outbox, MailSettings(data_dir=tmp_path)) is None


def test_server_that_is_not_there_leaves_everything(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(delivery())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert send_by_settings(outbox, MailSettings(data_dir=tmp_path, smtp_host="127.0.0.1", smtp_port=port)) == (0, 1)
    assert list(outbox.waiting())


# --- a small mail server --------------------------------------------------------------------------------------------


def certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


@contextmanager
def mail_server(pem: Path | None) -> Iterator[tuple[int, list[EmailMessage]]]:
    """Speaks as much SMTP as one client needs; without `pem`, no TLS."""
    received: list[EmailMessage] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                talk(connection)

    def talk(connection: socket.socket) -> None:
        stream = connection.makefile("rwb")

        def say(text: str) -> None:
            stream.write(f"{text}\r\n".encode())
            stream.flush()

        say("220 mail")
        while line := stream.readline():
            match line.split()[0].upper():
                case b"EHLO":
                    say("250-mail\r\n250 STARTTLS" if pem and not isinstance(connection, ssl.SSLSocket) else "250 mail")
                case b"STARTTLS":
                    assert pem is not None
                    say("220 go")
                    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                    context.load_cert_chain(pem)
                    stream.close()
                    try:
                        connection = context.wrap_socket(connection, server_side=True)
                    except (ssl.SSLError, OSError):
                        return
                    stream = connection.makefile("rwb")
                case b"DATA":
                    say("354 go")
                    body = b""
                    while (more := stream.readline()) != b".\r\n":
                        body += more
                    message = message_from_bytes(body, policy=default)
                    assert isinstance(message, EmailMessage)
                    received.append(message)
                    say("250 ok")
                case b"QUIT":
                    say("221 bye")
                    break
                case _:
                    say("250 ok")
        stream.close()
        connection.close()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], received
    finally:
        listener.close()
        thread.join(5)


def test_mail_goes_out_over_tls(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(delivery())
    pem = certificate(tmp_path)
    with mail_server(pem) as (port, received):
        context = ssl.create_default_context(cafile=str(pem))
        with SmtpMailer("127.0.0.1", port, "ine@example.net", None, None, context) as mailer:
            assert send_waiting(outbox, mailer) == (1, 0)
    (message,) = received
    assert (message["To"], message["From"]) == ("ana@example.org", "ine@example.net")
    assert message.get_content().splitlines() == ["Su credencial: ÑANDÚ-1"]
    assert list(outbox.waiting()) == []


def test_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(delivery())
    with mail_server(certificate(tmp_path)) as (port, received):
        settings = MailSettings(data_dir=tmp_path, smtp_host="127.0.0.1", smtp_port=port)
        assert send_by_settings(outbox, settings) == (0, 1)
    assert received == []


def test_server_without_tls_is_refused(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(delivery())
    with mail_server(None) as (port, received):
        settings = MailSettings(data_dir=tmp_path, smtp_host="127.0.0.1", smtp_port=port)
        assert send_by_settings(outbox, settings) == (0, 1)
    assert received == []
