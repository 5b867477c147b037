"""The courier: hands over what waits, in the background, and tries again what was not taken.

Each channel has a thread of its own while there is something to do, so that mails that nobody takes hold up no text
message. An address that fails is due again later and holds up no other; a server that fails is left alone for a while.
Delivery is at least once: where the connection breaks just after a letter was taken, it goes out again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from vemre.service.delivery import letters
from vemre.service.delivery.message import Channel, Message
from vemre.service.delivery.outbox import Outbox, Waiting, _now
from vemre.service.delivery.senders import NotTaken, Opener, Postponed, Rejected, Sender, SenderDown
from vemre.service.threads import seen_through
from vemre.types import Clock

ADDRESS_PAUSES: Final = (60.0, 3600.0)
"""Seconds until an address that was not served is tried again: the first time, and at most."""
SERVER_PAUSES: Final = (2.0, 300.0)
"""The same for a whole server."""
LOOK_SECONDS: Final = 30.0
"""How often the outbox is looked at even if nobody says that something was put into it."""
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Delivered:
    """What one round did: letters that were taken, attempts in vain, and what waits now, in vain or not."""

    sent: int
    failed: int
    waiting: int


@dataclass
class _Round:
    """A channel's round. `down` says that the server failed, `next` how many seconds until an address is due."""

    sent: int = 0
    failed: int = 0
    down: bool = False
    next: float = LOOK_SECONDS


@dataclass
class _Line:
    """What the courier keeps of a channel."""

    open: Opener
    busy: threading.Lock = field(default_factory=threading.Lock)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0


class Courier:
    """Hands over the messages of one outbox.

    `senders` are those that serve (see `open_senders`). `ready` says whether a message is true yet: one that is not
    waits, since the act that made it may not be done. `help_contact`: see `letters.render`.
    """

    def __init__(
        self,
        outbox: Outbox,
        senders: Mapping[Channel, Opener],
        *,
        ready: Callable[[Message], bool] = lambda _: True,
        help_contact: str | None = None,
        clock: Clock = _now,
        address_pauses: tuple[float, float] = ADDRESS_PAUSES,
        server_pauses: tuple[float, float] = SERVER_PAUSES,
    ) -> None:
        self.outbox = outbox
        self._lines = {channel: _Line(open) for channel, open in senders.items()}
        self._ready = ready
        self._help_contact = help_contact
        self._clock = clock
        self._address_pauses = address_pauses
        self._server_pauses = server_pauses
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = threading.Event()

    @property
    def channels(self) -> list[Channel]:
        """The channels that somebody serves."""
        return list(self._lines)

    def wake(self) -> None:
        """Something was put into the outbox. Never waits; safe from any thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):
                # A loop that is closed needs no waking.
                loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        for line in self._lines.values():
            line.news.set()

    async def run(self) -> None:
        """Hand over what waits, until cancelled; then the letter that is on its way is still seen through."""
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.gather(*(self._attend(channel, line) for channel, line in self._lines.items()))
        finally:
            self._loop = None

    def flush(self) -> Delivered:
        """Hand over once what waits, also what is not due yet. Blocking."""
        rounds = [self._round(channel, line, everything=True) for channel, line in self._lines.items()]
        return Delivered(sum(one.sent for one in rounds), sum(one.failed for one in rounds), self.outbox.count())

    async def _attend(self, channel: Channel, line: _Line) -> None:
        while True:
            line.news.clear()
            found = await self._in_thread(channel, line)
            line.failures = line.failures + 1 if found.down else 0
            if found.down:
                await asyncio.sleep(_pause(self._server_pauses, line.failures))
                continue
            # Not `wait_for`: before Python 3.12 it swallows a cancellation that comes together with the news.
            with suppress(TimeoutError):
                async with asyncio.timeout(found.next):
                    await line.news.wait()

    async def _in_thread(self, channel: Channel, line: _Line) -> _Round:
        try:
            return await seen_through(lambda: self._round(channel, line), self._ending.set)
        except Exception as error:
            # A fault of ours, such as a busy database, must not end deliveries.
            _logger.error("delivery-round-failed", channel=channel, exc_info=error)
            return _Round(down=True)

    def _round(self, channel: Channel, line: _Line, *, everything: bool = False) -> _Round:
        found = _Round()
        with line.busy, _Connection(line.open) as connection:
            for entry in self.outbox.entries(channel):
                if self._ending.is_set():
                    break
                if entry.refused or (not everything and entry.due > self._clock()):
                    if not entry.refused:
                        found.next = min(found.next, max(1.0, entry.due - self._clock()))
                    continue
                try:
                    self._hand_over(connection, entry, found)
                except SenderDown as failure:
                    _logger.warning("sender-down", channel=channel, reason=failure.code)
                    found.failed += 1
                    found.down = True
                    break
        return found

    def _hand_over(self, connection: _Connection, entry: Waiting, found: _Round) -> None:
        message = self.outbox.open(entry)
        if message is None or not self._ready(message):
            return
        now = self._clock()
        if message.until is not None and now >= message.until:
            _logger.info("message-outdated", message=entry.name)
            self.outbox.done(entry)
            return
        try:
            connection.send(letters.render(message, self._help_contact))
        except Rejected as failure:
            _logger.warning("message-refused", message=entry.name, reason=failure.code)
            self.outbox.note(entry, failure.code, due=now, refused=True)
            found.failed += 1
        except Postponed as failure:
            pause = _pause(self._address_pauses, entry.tries + 1)
            _logger.warning("message-postponed", message=entry.name, reason=failure.code)
            self.outbox.note(entry, failure.code, due=now + int(pause))
            found.failed += 1
            found.next = min(found.next, pause)
        else:
            self.outbox.done(entry)
            found.sent += 1


class _Connection:
    """Opened with the first letter, and once more where the other side gave it up after it had taken some."""

    def __init__(self, open: Opener) -> None:
        self._open = open
        self._sender: Sender | None = None
        self._taken = 0

    def __enter__(self) -> _Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def send(self, letter: letters.Letter) -> None:
        """Raises Rejected, Postponed, SenderDown."""
        try:
            self._send(letter)
        except SenderDown:
            taken = self._taken
            self._close()
            if not taken:
                raise
            self._send(letter)

    def _send(self, letter: letters.Letter) -> None:
        if self._sender is None:
            with _faults_are(SenderDown):
                self._sender, self._taken = self._open(), 0
        # Whatever goes wrong about one letter must not keep the others.
        with _faults_are(Postponed):
            self._sender.send(letter)
        self._taken += 1

    def _close(self) -> None:
        if self._sender is not None:
            with suppress(Exception):
                self._sender.close()
        self._sender, self._taken = None, 0


@contextmanager
def _faults_are(meaning: type[NotTaken]) -> Iterator[None]:
    """A sender may be somebody else's program, with faults of its own."""
    try:
        yield
    except NotTaken:
        raise
    except Exception as error:
        _logger.error("sender-failed", exc_info=error)
        raise meaning(type(error).__name__) from None


def _pause(bounds: tuple[float, float], failures: int) -> float:
    first, most = bounds
    return float(min(most, first * 2 ** min(failures - 1, 30)))
