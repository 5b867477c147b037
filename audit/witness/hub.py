"""What happened lately at a witness, for whoever reads its stream of events: bounded, and numbered to go on from.

The witness's thread puts events in; readers live in the server's event loop, look at what is new and wait for more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Final

from audit.hooks.document import encode, kind_of
from audit.hooks.events import Event

MAX_EVENTS: Final = 2_000
MAX_BYTES: Final = 4 << 20
MAX_READERS: Final = 64


@dataclass(frozen=True)
class Told:
    """One event with its number in this run of the witness, from 1, and its document as one line of JSON."""

    number: int
    event: Event
    data: bytes

    @property
    def kind(self) -> str:
        """Which of `audit.hooks.document.KINDS`."""
        return kind_of(self.event)


class Reader:
    """Somebody who reads along. `wake` is called from any thread when there is something new, once until the next
    `EventHub.after`."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake
        self.woken = False


class EventHub:
    """A `Listener` (`audit.hooks.events`). Safe from any thread; never waits for a reader.

    `run` names this run of the witness: numbers of another run say nothing here.
    """

    def __init__(
        self, run: str, *, events: int = MAX_EVENTS, size: int = MAX_BYTES, readers: int = MAX_READERS
    ) -> None:
        """At most so many events, of so many bytes in all, are kept, and so many readers let in."""
        self.run = run
        self._most = events
        self._room = size
        self._seats = readers
        self._lock = Lock()
        self._kept: deque[Told] = deque()
        self._size = 0
        self._last = 0
        self._readers: set[Reader] = set()
        self._closed = False

    def __call__(self, event: Event) -> None:
        """Keep an event and wake who reads along."""
        data = encode(event)
        with self._lock:
            self._last += 1
            self._kept.append(Told(self._last, event, data))
            self._size += len(data)
            while len(self._kept) > self._most or self._size > self._room:
                self._size -= len(self._kept.popleft().data)
            self._wake()

    @property
    def closed(self) -> bool:
        """Whether the witness ends."""
        return self._closed

    @property
    def last(self) -> int:
        """The number of the latest event, 0 before the first."""
        return self._last

    def after(self, number: int, reader: Reader | None = None) -> tuple[list[Told], int]:
        """The events after that number, and how many between are not kept any more."""
        with self._lock:
            if reader is not None:
                reader.woken = False
            new = [told for told in self._kept if told.number > number]
            first = new[0].number if new else self._last + 1
            return new, max(0, first - number - 1)

    def join(self, reader: Reader) -> bool:
        """Wake this reader from now on; False where all seats are taken or the witness ends."""
        with self._lock:
            if self._closed or len(self._readers) >= self._seats:
                return False
            self._readers.add(reader)
            return True

    def leave(self, reader: Reader) -> None:
        """Wake it no more."""
        with self._lock:
            self._readers.discard(reader)

    def close(self) -> None:
        """Let all readers end."""
        with self._lock:
            self._closed = True
            for reader in self._readers:
                reader.woken = False
            self._wake()

    def _wake(self) -> None:
        for reader in self._readers:
            if not reader.woken:
                reader.woken = True
                # Its event loop may be gone already.
                with suppress(RuntimeError):
                    reader.wake()
