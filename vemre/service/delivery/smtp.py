"""A mail server over SMTP, with TLS always: after STARTTLS or from the first byte on."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from vemre.service.delivery.letters import Letter
from vemre.service.delivery.senders import Postponed, Rejected, SenderDown, mail_of

_TIMEOUT: Final = 20.0
"""Seconds that the server may be silent."""
_WHOLE: Final = 60.0
"""Seconds that one step may take in all, however lively the server is."""
_ENHANCED: Final = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}(?!\S)")


class SmtpSender:
    """One connection (see `senders.Sender`). A server without TLS, or whose certificate does not verify, is refused."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        context: ssl.SSLContext,
        implicit: bool = False,
        login: tuple[str, str] | None = None,
        timeout: float = _TIMEOUT,
        whole: float = _WHOLE,
    ) -> None:
        """Raises SenderDown."""
        self._sender = sender
        self._whole = whole
        self._smtp = smtplib.SMTP_SSL(timeout=timeout, context=context) if implicit else smtplib.SMTP(timeout=timeout)
        # The certificate is checked against this name, which smtplib sets only where its constructor connects; that
        # could not be watched.
        self._smtp._host = host  # type: ignore[attr-defined]
        try:
            with self._watched(), _translated():
                self._smtp.connect(host, port)
                if not implicit:
                    self._smtp.starttls(context=context)
                if login is not None:
                    self._smtp.login(*login)
        except BaseException:
            self._smtp.close()
            raise

    def send(self, letter: Letter) -> None:
        """See `senders.Sender`."""
        mail = mail_of(letter, self._sender)
        with self._watched(), _translated():
            self._smtp.send_message(mail, to_addrs=[letter.to])

    def close(self) -> None:
        """See `senders.Sender`."""
        with suppress(OSError, smtplib.SMTPException), self._watched():
            self._smtp.quit()
        self._smtp.close()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Break the connection off where a step takes too long in all: one that sends a byte now and then is never
        silent."""
        watch = threading.Timer(self._whole, self._break_off)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _break_off(self) -> None:
        connection = self._smtp.sock
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def _translated() -> Iterator[None]:
    """What smtplib raises as what it means. The server's words are dropped: they repeat addresses."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _of_a_letter(code, words) from None
    except smtplib.SMTPDataError as error:
        raise _of_a_letter(error.smtp_code, error.smtp_error) from None
    except smtplib.SMTPResponseException as error:
        raise SenderDown(_short(error.smtp_code, error.smtp_error)) from None
    except (OSError, smtplib.SMTPException) as error:
        raise SenderDown(type(error).__name__) from None


def _of_a_letter(code: int, words: bytes | str) -> Rejected | Postponed | SenderDown:
    short = _short(code, words)
    if code == 421:
        return SenderDown(short)
    return Rejected(short) if code >= 500 else Postponed(short)


def _short(code: int, words: bytes | str) -> str:
    data = words if isinstance(words, bytes) else words.encode("ascii", "replace")
    enhanced = _ENHANCED.match(data)
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)
