"""Who takes letters: a mail server, a sender of text messages, or folders for trials."""

from __future__ import annotations

import json
import os
import re
import ssl
import tomllib
from collections.abc import Callable, Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from functools import partial
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path
from typing import Any, Final, Protocol

from vemre.errors import Refused, VemreError
from vemre.service.delivery.letters import Letter
from vemre.service.delivery.message import Channel
from vemre.service.delivery.settings import DeliverySettings

SMS_SENDERS: Final = "vemre.sms_senders"
"""The group of entry points; each is a function that takes a mapping (its TOML file) and gives a `Sender`."""
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}")
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")


class NotTaken(VemreError):
    """A letter was not taken. `code` is short and technical, and repeats nothing of the letter or its address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Rejected(NotTaken):
    """It never will be: the address does not exist, say. Officials have to look."""


class Postponed(NotTaken):
    """Not now; another address may be served meanwhile."""


class SenderDown(NotTaken):
    """Nothing is taken from us at present."""


class Sender(Protocol):
    """An open connection to whoever takes letters."""

    def send(self, letter: Letter) -> None:
        """Returns once the letter was taken: from then on it is somebody else's to deliver.

        Raises Rejected, Postponed, SenderDown.
        """

    def close(self) -> None:
        """Give the connection up."""


Opener = Callable[[], Sender]
"""Opens a connection. Raises SenderDown."""


def open_senders(settings: DeliverySettings) -> dict[Channel, Opener]:
    """Who takes letters, by channel; a channel that nobody serves is left out, and its messages wait.

    Raises Refused("settings-unusable") where two are named for one channel, or one that is not installed.
    """
    found: dict[Channel, Opener] = {}
    if settings.mail_folder is not None and settings.smtp_host is not None:
        raise Refused("settings-unusable", fields="mail_folder, smtp_host")
    if settings.sms_folder is not None and settings.sms_sender is not None:
        raise Refused("settings-unusable", fields="sms_folder, sms_sender")
    if settings.mail_folder is not None:
        found["mail"] = partial(MailFolder, settings.mail_folder, settings.mail_from)
    if settings.sms_folder is not None:
        found["sms"] = partial(SmsFolder, settings.sms_folder)
    if settings.smtp_host is not None:
        found["mail"] = _smtp(settings, settings.smtp_host)
    if settings.sms_sender is not None:
        found["sms"] = _sms(settings.sms_sender, settings.sms_config)
    return found


def _smtp(settings: DeliverySettings, host: str) -> Opener:
    from vemre.service.delivery.smtp import SmtpSender

    try:
        context = ssl.create_default_context(cafile=settings.smtp_ca_file)
    except OSError:
        raise Refused("settings-unusable", fields="smtp_ca_file") from None
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    login = (settings.smtp_user, password) if settings.smtp_user is not None and password is not None else None
    return partial(
        SmtpSender,
        host,
        settings.smtp_port,
        sender=settings.mail_from,
        context=context,
        implicit=settings.smtp_tls == "implicit",
        login=login,
    )


def _sms(name: str, config: Path | None) -> Opener:
    point = next(iter(entry_points(group=SMS_SENDERS, name=name)), None)
    if point is None:
        raise Refused("settings-unusable", fields="sms_sender")
    try:
        values: Mapping[str, Any] = tomllib.loads(config.read_text(encoding="utf-8")) if config is not None else {}
    except (OSError, ValueError):
        raise Refused("settings-unusable", fields="sms_config") from None
    made: Opener = partial(point.load(), values)
    return made


# --- what goes out ------------------------------------------------------------------------------------------------


def check_address(letter: Letter) -> None:
    """Raises Rejected for an address that is none: it may come from a list that somebody else made, and must name one
    mailbox or one telephone and put nothing into a header."""
    form = _ADDRESS if letter.channel == "mail" else _NUMBER
    if not form.fullmatch(letter.to):
        raise Rejected("address-unusable")


def mail_of(letter: Letter, sender: str) -> EmailMessage:
    """The mail, as a server takes it. Raises Rejected for an address that is none."""
    check_address(letter)
    mail = EmailMessage(policy=SMTP)
    try:
        mail["To"] = Address(addr_spec=letter.to)
    except (ValueError, IndexError):
        raise Rejected("address-unusable") from None
    mail["From"] = sender
    mail["Subject"] = letter.subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">") or "localhost")
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    mail["Content-Language"] = "es, en"
    return mail


class MailFolder:
    """Writes mails into a folder (0700) as ``<name>-<n>.eml`` (0600), n counting from 1."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = _made(folder)
        self._sender = sender

    def send(self, letter: Letter) -> None:
        """See `Sender`."""
        _add(self._folder, letter.name, ".eml", mail_of(letter, self._sender).as_bytes())

    def close(self) -> None:
        """See `Sender`."""


class SmsFolder:
    """Writes text messages into a folder (0700) as ``<name>-<n>.json`` (0600): ``{"to", "text"}``."""

    def __init__(self, folder: Path) -> None:
        self._folder = _made(folder)

    def send(self, letter: Letter) -> None:
        """See `Sender`."""
        check_address(letter)
        content = json.dumps({"to": letter.to, "text": letter.text}, ensure_ascii=False).encode()
        _add(self._folder, letter.name, ".json", content)

    def close(self) -> None:
        """See `Sender`."""


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SenderDown(type(error).__name__) from None
    return folder


def _add(folder: Path, name: str, suffix: str, content: bytes) -> None:
    """Write a new file that is whole as soon as it has its name."""
    try:
        aside = folder / f".{name}{suffix}.part"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
        for number in count(1):
            try:
                os.link(aside, folder / f"{name}-{number}{suffix}")
                break
            except FileExistsError:
                continue
        aside.unlink()
    except OSError as error:
        raise SenderDown(type(error).__name__) from None
