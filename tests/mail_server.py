"""A real mail server for tests (aiosmtpd), which does to some addresses what a test tells it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from threading import Event, Thread
from typing import Any, Literal

import certificates
from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class MailServer:
    """What a server took, and how it answers. `answers` gives the reply to a recipient, `after_data` that to what was
    sent; both are 250 where nothing stands. `login` is the one that is let in; without it anybody is."""

    tls: certificates.Issued | None
    kind: Literal["starttls", "implicit"] = "starttls"
    login: tuple[str, str] | None = None
    answers: dict[str, str] = field(default_factory=dict)
    after_data: dict[str, str] = field(default_factory=dict)
    port: int = 0
    received: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    connections: int = 0
    secret: list[bool] = field(default_factory=list)

    @property
    def recipients(self) -> list[str]:
        """Who got mail, in order."""
        return [to for envelope, _ in self.received for to in envelope]

    # --- what aiosmtpd calls --------------------------------------------------------------------------------------

    async def handle_RCPT(self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Any) -> str:
        answer = self.after_data.get(envelope.rcpt_tos[0], "250 OK")
        if answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            assert server.transport is not None
            self.secret.append(server.transport.get_extra_info("ssl_object") is not None)
            self.received.append((list(envelope.rcpt_tos), message))
        return answer

    # --- running ----------------------------------------------------------------------------------------------------

    @contextmanager
    def running(self) -> Iterator[MailServer]:
        """Serve on 127.0.0.1, again at the same port where it did before."""
        started, loop = Event(), asyncio.new_event_loop()
        thread = Thread(target=self._serve, args=(loop, started), daemon=True)
        thread.start()
        assert started.wait(20)
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _serve(self, loop: asyncio.AbstractEventLoop, started: Event) -> None:
        context = None
        if self.tls is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(self.tls.certificate, self.tls.key)
        implicit = context if self.kind == "implicit" else None
        server = loop.run_until_complete(
            loop.create_server(lambda: self._protocol(loop, context), "127.0.0.1", self.port, ssl=implicit)
        )
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    def _protocol(self, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext | None) -> SMTP:
        self.connections += 1
        starttls = self.kind == "starttls"
        return SMTP(
            self,
            hostname="mail.test",
            loop=loop,
            tls_context=context if starttls else None,
            require_starttls=starttls and context is not None,
            authenticator=self._let_in,
            # Over implicit TLS aiosmtpd does not know that the connection is secret.
            auth_required=self.login is not None and starttls,
            auth_require_tls=starttls,
        )

    def _let_in(self, _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.login, handled=False)
