"""The stream of events: Server-Sent Events (WHATWG HTML, section 9.2) from an `EventHub`.

    id: <run>-<number>
    event: entry | checkpoint | gate | finding | incident
    data: <document of the event, docs/audit-hooks.md>

A reader that comes back with ``Last-Event-ID`` gets what it missed as far as it is kept. ``event: gap`` with
``{"missed": <count, or null where another run of the witness had it>}`` says that something is not. A reader that takes
nothing in for a while is let go, and comes back by itself.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from audit.witness.hub import EventHub, Reader, Told
from vemre.errors import Refused

HEARTBEAT_SECONDS: Final = 15.0
STALL_SECONDS: Final = 20.0
RETRY_SECONDS: Final = 3
_ID: Final = re.compile(r"\A([0-9a-f]{1,32})-(0|[1-9][0-9]{0,17})\Z", re.ASCII)
_PORTION: Final = 1 << 16


class EventStream(Response):
    """The answer to one reader, from `last_id` on, or from now on where that is None or none of ours."""

    def __init__(
        self,
        hub: EventHub,
        last_id: str | None,
        headers: dict[str, str],
        *,
        heartbeat: float = HEARTBEAT_SECONDS,
        stall: float = STALL_SECONDS,
    ) -> None:
        """A reader that takes nothing in for `stall` seconds is let go; silence lasts `heartbeat` seconds at most.

        Raises Refused("too-many-readers").
        """
        super().__init__(None, headers=headers, media_type="text/event-stream")
        # A stream has no length of its own.
        del self.headers["content-length"]
        self._hub = hub
        self._wish = last_id
        self._heartbeat = heartbeat
        self._stall = stall
        self._loop = asyncio.get_running_loop()
        self._new = asyncio.Event()
        self._reader = Reader(self._wake)
        if not hub.join(self._reader):
            raise Refused("too-many-readers", retry_after=RETRY_SECONDS)

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._new.set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """See `Response`."""
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await self._send(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._talk(send, gone)
            if not gone.done():
                await self._send(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            # The server closes what is not finished.
            return
        finally:
            self._hub.leave(self._reader)
            gone.cancel()

    async def _talk(self, send: Send, gone: asyncio.Future[None]) -> None:
        last, text = self._begin()
        while not self._hub.closed and not gone.done():
            self._new.clear()
            new, missed = self._hub.after(last, self._reader)
            if missed:
                text += _gap(missed)
            for told in new:
                text += _block(self._hub.run, told)
                if len(text) >= _PORTION:
                    await self._write(send, text)
                    text = b""
                last = told.number
            if text:
                await self._write(send, text)
                # Sending took its time, and there may be more by now.
                text = b""
                continue
            if not await self._something(gone):
                text = b": \n\n"

    def _begin(self) -> tuple[int, bytes]:
        """The number after which to begin, and what to say first."""
        text = b"retry: %d\n\n" % (RETRY_SECONDS * 1000)
        found = _ID.match(self._wish or "")
        if found is None:
            return self._hub.last, text
        run, number = found.groups()
        if run == self._hub.run and int(number) <= self._hub.last:
            return int(number), text
        # What this run of the witness has kept; what the other one had is not known.
        kept, _ = self._hub.after(0)
        return (kept[0].number - 1 if kept else self._hub.last), text + _gap(None)

    async def _something(self, gone: asyncio.Future[None]) -> bool:
        """Wait for news, the reader's leaving, or the time to say that we are still here (False)."""
        news = asyncio.ensure_future(self._new.wait())
        done, _ = await asyncio.wait((news, gone), timeout=self._heartbeat, return_when=asyncio.FIRST_COMPLETED)
        news.cancel()
        return bool(done)

    async def _write(self, send: Send, text: bytes) -> None:
        await self._send(send, {"type": "http.response.body", "body": text, "more_body": True})

    async def _send(self, send: Send, message: Message) -> None:
        await asyncio.wait_for(send(message), self._stall)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _block(run: str, told: Told) -> bytes:
    return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (run.encode(), told.number, told.kind.encode(), told.data)


def _gap(missed: int | None) -> bytes:
    return b"event: gap\ndata: %s\n\n" % json.dumps({"missed": missed}).encode()
