"""HTTP connections that nobody can hold by being slow.

uvicorn waits without end for a request that began, and its own limit on connections lets whoever holds them turn
everybody else away. Here a head, a body and an answer each have their time, a head its size, and where connections grow
too many the one that has been waiting longest for its request makes place.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass, field
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from vemre.service.metrics import Metrics
from vemre.service.protection import MAX_CONNECTIONS

_SPARE_FILES: Final = 256


@dataclass(frozen=True)
class Patience:
    """How long a connection is waited for (seconds) and how much it may send.

    `head` is for the head of a request from its first byte, or from the start of the connection; `body` for the body,
    and longer by what came at `rate` bytes a second; `reading` for a client that takes nothing of an answer.
    """

    head: float = 20.0
    body: float = 30.0
    rate: int = 8 * 1024
    reading: float = 60.0
    head_bytes: int = 32 * 1024
    connections: int = MAX_CONNECTIONS


@dataclass
class _Shared:
    """What the connections of one server share: those whose request is not whole yet, the oldest first."""

    patience: Patience
    metrics: Metrics | None
    waiting: dict[PatientHttp, None] = field(default_factory=dict)


class PatientHttp(HttpToolsProtocol):
    """One connection. Use `patient` to make the class for a server."""

    shared: _Shared

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._incoming: asyncio.TimerHandle | None = None
        self._outgoing: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0
        self._body_began = 0.0
        self._body_bytes = 0

    # --- coming and going ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._await_head()
        shared = self.shared
        while len(self.connections) > shared.patience.connections and shared.waiting:
            oldest = next(iter(shared.waiting))
            oldest._give_up("crowded")

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._rest()
        self._cancel_outgoing()
        super().connection_lost(exc)

    # --- requests -----------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.shared.patience.head_bytes:
                self._give_up("head-too-large")

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        super().on_headers_complete()
        self._body_began, self._body_bytes = self.loop.time(), 0
        self._arm(self.shared.patience.body, self._check_body)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._rest()
        super().on_message_complete()

    def _await_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self.shared.waiting.pop(self, None)
        self.shared.waiting[self] = None
        self._arm(self.shared.patience.head, self._give_up, "head")

    def _check_body(self) -> None:
        patience, now = self.shared.patience, self.loop.time()
        if self.flow.read_paused:
            # It is the service that does not read.
            self._body_began, self._body_bytes = now, 0
        end = self._body_began + patience.body + self._body_bytes / patience.rate
        if now >= end:
            self._give_up("body")
        else:
            self._arm(end - now, self._check_body)

    # --- answers ------------------------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """The client takes nothing for now."""
        super().pause_writing()
        self._cancel_outgoing()
        self._outgoing = self.loop.call_later(self.shared.patience.reading, self._give_up, "answer")

    def resume_writing(self) -> None:
        """The client took something."""
        self._cancel_outgoing()
        super().resume_writing()

    # --- time ---------------------------------------------------------------------------------------------------

    def _arm(self, seconds: float, act: Any, *arguments: Any) -> None:
        if self._incoming is not None:
            self._incoming.cancel()
        self._incoming = self.loop.call_later(seconds, act, *arguments)

    def _rest(self) -> None:
        self._in_head = False
        self.shared.waiting.pop(self, None)
        if self._incoming is not None:
            self._incoming.cancel()
            self._incoming = None

    def _cancel_outgoing(self) -> None:
        if self._outgoing is not None:
            self._outgoing.cancel()
            self._outgoing = None

    def _give_up(self, reason: str) -> None:
        self._rest()
        self.connections.discard(self)
        if not self.transport.is_closing():
            if self.shared.metrics is not None:
                self.shared.metrics.dropped.labels(reason).inc()
            self.transport.abort()


def patient(patience: Patience, metrics: Metrics | None = None) -> type[PatientHttp]:
    """The protocol of one server, with what its connections share."""
    return type("PatientHttp", (PatientHttp,), {"shared": _Shared(patience, metrics)})


def open_files(wanted: int) -> int:
    """Let the process open as many files as connections need; gives how many connections that leaves room for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _SPARE_FILES
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, min(wanted, soft - _SPARE_FILES))
