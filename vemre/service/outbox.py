"""Deliveries to voters: files that only the service can read, sent by mail where a mail server is configured.

A delivery holds a secret that the service itself does not keep. It is durable before the database says that the
secret exists, and its file goes away once the message was handed over. Sending twice does no harm, losing would.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Final, Protocol

import structlog

from vemre.service.delivery.settings import DeliverySettings

_NAME: Final = re.compile(r"[0-9a-f]{32}")
_SUFFIX: Final = ".json"
_TIMEOUT: Final = 30.0
_logger = structlog.get_logger(__name__)


MailSettings = DeliverySettings


@dataclass(frozen=True)
class Delivery:
    """One message to one voter. `name` is the voter's pseudonym (32 hex digits), `secret` what it delivers."""

    name: str
    to: str
    subject: str
    text: str
    secret: str

    def __repr__(self) -> str:
        return "Delivery(...)"


class Mailer(Protocol):
    """Whoever hands messages over to a mail server."""

    def send(self, delivery: Delivery) -> None:
        """Returns once the server has taken the message. Raises OSError or smtplib.SMTPException."""


class SmtpMailer:
    """Sends through an SMTP server with STARTTLS; a server without it, or with a certificate that does not verify, is
    refused. A context manager for one run."""

    def __init__(
        self, host: str, port: int, sender: str, user: str | None, password: str | None, context: ssl.SSLContext
    ) -> None:
        self._sender = sender
        self._smtp = smtplib.SMTP(host, port, timeout=_TIMEOUT)
        try:
            self._smtp.starttls(context=context)
            if user is not None and password is not None:
                self._smtp.login(user, password)
        except BaseException:
            self._smtp.close()
            raise

    def __enter__(self) -> SmtpMailer:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, smtplib.SMTPException):
            self._smtp.quit()
        self._smtp.close()

    def send(self, delivery: Delivery) -> None:
        """See `Mailer`."""
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = delivery.to
        message["Subject"] = delivery.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2] or "localhost")
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(delivery.text)
        self._smtp.send_message(message)


class Outbox:
    """The folder of deliveries that wait, one file (0600) for each voter; a newer one takes the place of an older."""

    def __init__(self, folder: Path) -> None:
        """Creates the folder (0700) where it is missing."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder

    def put(self, delivery: Delivery) -> None:
        """Write a delivery; durable after the next `sync`."""
        aside = self.folder / f".{delivery.name}.{secrets.token_hex(4)}"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(delivery), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, self._path(delivery.name))

    def sync(self) -> None:
        """Make the names of the files durable."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def waiting(self) -> Iterator[Delivery]:
        """Every delivery that was not handed over yet, sorted by name."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            if _NAME.fullmatch(path.name.removesuffix(_SUFFIX)):
                yield Delivery(**json.loads(path.read_text(encoding="utf-8")))

    def remove(self, name: str) -> None:
        """The delivery was handed over, or must not be."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("not the name of a delivery")
        return self.folder / f"{name}{_SUFFIX}"


def send_waiting(outbox: Outbox, mailer: Mailer) -> tuple[int, int]:
    """Hand over what waits; gives how many were taken and how many stay for the next time."""
    sent = failed = 0
    for delivery in outbox.waiting():
        try:
            mailer.send(delivery)
        except (OSError, smtplib.SMTPException) as error:
            # One address that is refused must not keep the others waiting.
            _logger.warning("delivery-failed", exc_info=error)
            failed += 1
        else:
            outbox.remove(delivery.name)
            sent += 1
    return sent, failed


def send_by_settings(outbox: Outbox, settings: MailSettings) -> tuple[int, int] | None:
    """`send_waiting` through the configured mail server; None where deliveries stay files.

    A server that cannot be reached leaves everything waiting.
    """
    if settings.smtp_host is None:
        return None
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    context = ssl.create_default_context()
    try:
        with SmtpMailer(
            settings.smtp_host, settings.smtp_port, settings.mail_from, settings.smtp_user, password, context
        ) as mailer:
            return send_waiting(outbox, mailer)
    except (OSError, smtplib.SMTPException) as error:
        _logger.error("mail-server-unusable", exc_info=error)
        return 0, sum(1 for _ in outbox.waiting())
