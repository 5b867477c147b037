"""The load: ballots over a few keep-alive connections, each answered before the next goes out on it.

Made to cost little, because it shares the processors with what it measures: bytes are ready before the clock starts,
answers are cut by two fields of their heads, and nothing is parsed before the end.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

RETRY_SECONDS = 0.5
PATIENCE = 60.0
"""Seconds after which a ballot without an answer counts as lost."""


@dataclass
class Answer:
    """What became of one ballot: the HTTP status and body of its last answer, and the seconds from when it was due to
    that answer. `tries` counts the requests."""

    number: int
    status: int
    body: bytes
    seconds: float
    tries: int


@dataclass
class Load:
    """The ballots of a run and what came back. `hosts` are (host, port) of the instances: a connection that fails, or
    is told to come again, goes on at the next one, as behind a load balancer."""

    requests: Iterator[bytes]
    hosts: Sequence[tuple[str, int]]
    answers: list[Answer] = field(default_factory=list)
    refusals: Counter[int] = field(default_factory=Counter)
    begun: float = 0.0
    ended: float = 0.0
    ran_out: bool = False
    """Whether there were fewer ballots than there was time."""
    _number: int = 0
    _stop_at: int | None = None
    _over: bool = False
    _due: deque[tuple[int, bytes, float]] = field(default_factory=deque)

    async def closed(self, connections: int, seconds: float, most: int | None = None) -> None:
        """Every connection sends its next ballot as soon as it has the answer to the one before; `most` in all."""
        self._stop_at = None if most is None else self._number + most
        self.begun = time.monotonic()
        until = self.begun + seconds
        await asyncio.gather(*(self._connection(index, until) for index in range(connections)))
        self.ended = time.monotonic()

    async def open(self, connections: int, seconds: float, rate: float) -> None:
        """Ballots are due at `rate` a second, whatever becomes of those before; waiting for a connection counts."""
        self._stop_at = None
        self.begun = time.monotonic()
        news = asyncio.Event()
        workers = [asyncio.create_task(self._served(index, news)) for index in range(connections)]
        total = int(seconds * rate)
        for index in range(total):
            due = self.begun + index / rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if (work := self._next()) is None:
                break
            self._due.append((*work, due))
            news.set()
        # Whatever is due is still sent, and every answer waited for.
        self._over = True
        news.set()
        await asyncio.gather(*workers)
        self.ended = time.monotonic()

    def _next(self) -> tuple[int, bytes] | None:
        if self._number == self._stop_at:
            return None
        request = next(self.requests, None)
        if request is None:
            self.ran_out = True
            return None
        self._number += 1
        return self._number - 1, request

    async def _connection(self, index: int, until: float) -> None:
        line = _Line(self.hosts, index)
        while (now := time.monotonic()) < until and (work := self._next()) is not None:
            await self._send(line, *work, now)
        line.close()

    async def _served(self, index: int, news: asyncio.Event) -> None:
        line = _Line(self.hosts, index)
        while self._due or not self._over:
            if self._due:
                await self._send(line, *self._due.popleft())
            else:
                news.clear()
                await news.wait()
        line.close()

    async def _send(self, line: _Line, number: int, request: bytes, due: float) -> None:
        """Until it is answered for good: 503 and a broken connection mean to try again."""
        tries = 0
        while True:
            tries += 1
            try:
                status, body = await line.exchange(request)
            except (OSError, EOFError):
                status, body = 0, b""
            if status in (200, 201) or time.monotonic() - due > PATIENCE:
                break
            self.refusals[status] += 1
            if status not in (0, 503):
                break
            line.move_on()
            await asyncio.sleep(RETRY_SECONDS)
        self.answers.append(Answer(number, status, body, time.monotonic() - due, tries))


class Lines:
    """A few connections for whoever has something to send."""

    def __init__(self, hosts: Sequence[tuple[str, int]], count: int) -> None:
        self._free: asyncio.LifoQueue[_Line] = asyncio.LifoQueue()
        for index in range(count):
            self._free.put_nowait(_Line(hosts, index))

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer; status 0 where none came. A connection that was idle for too long is opened
        anew, as every client does."""
        line = await self._free.get()
        try:
            for _ in range(2):
                try:
                    return await line.exchange(request)
                except (OSError, EOFError):
                    line.close()
            return 0, b""
        finally:
            self._free.put_nowait(line)

    def close(self) -> None:
        """End them all."""
        while not self._free.empty():
            self._free.get_nowait().close()


class _Line:
    """One connection, opened when it is needed."""

    def __init__(self, hosts: Sequence[tuple[str, int]], index: int) -> None:
        self._hosts = hosts
        self._index = index
        self._protocol: _Protocol | None = None

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, give status and body. Raises OSError, EOFError."""
        if self._protocol is None:
            host, port = self._hosts[self._index % len(self._hosts)]
            loop = asyncio.get_running_loop()
            _, self._protocol = await loop.create_connection(_Protocol, host, port)
        return await self._protocol.exchange(request)

    def move_on(self) -> None:
        """Go on at the next instance."""
        self.close()
        self._index += 1

    def close(self) -> None:
        """End the connection."""
        if self._protocol is not None:
            self._protocol.close()
        self._protocol = None


class _Protocol(asyncio.Protocol):
    """HTTP/1.1 as the service speaks it: a head with Content-Length, then the body."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is not of asyncio's classes

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send, and wait for the whole answer."""
        if self._transport is None or self._transport.is_closing():
            raise EOFError
        self._answer = asyncio.get_running_loop().create_future()
        self._data = b""
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0 or self._answer is None or self._answer.done():
            return
        head = self._data[:end].lower()
        start = head.find(b"content-length:")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(self._data) >= end + 4 + length:
            self._answer.set_result((int(head[9:12]), self._data[end + 4 : end + 4 + length]))

    def connection_lost(self, _error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(EOFError())

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.close()
