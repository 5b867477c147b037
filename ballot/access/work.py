"""Blocking work of access: bounded, apart from that of casting, and by turns among clients.

Hashing a password takes 20 ms of a processor. It runs in threads of its own that give way to all others, and few
requests have a place at a time. Who waits, waits in the line of their own network: one network that sends many requests
makes its own line long and keeps others waiting for one of them at a time.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import sys
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Final, TypeVar

from vemre.errors import Refused

T = TypeVar("T")
PLACES: Final = 8
LONGEST_LINE: Final = 256
MOST_WAITING: Final = 2048
_ROW_THREADS: Final = 4
_NICE: Final = 3
_BUSY_SECONDS: Final = 2


class Turns:
    """Places for a few at a time, given in turn to the lines that wait. For one event loop."""

    def __init__(self, places: int, longest_line: int = LONGEST_LINE, most_waiting: int = MOST_WAITING) -> None:
        self._free = places
        self._longest_line = longest_line
        self._most_waiting = most_waiting
        self._waiting = 0
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, line: str) -> AsyncIterator[None]:
        """A place, once it is this line's turn. Raises Refused("access-busy") where too many wait."""
        await self._wait(line)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, line: str) -> None:
        if self._free:
            self._free -= 1
            return
        if len(self._lines.get(line, ())) >= self._longest_line or self._waiting >= self._most_waiting:
            raise Refused("access-busy", retry_after=_BUSY_SECONDS)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(line, deque()).append(turn)
        self._waiting += 1
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # The place was given just before whoever waited for it went away.
                self._next()
            else:
                self._leave(line, turn)
            raise

    def _leave(self, line: str, turn: asyncio.Future[None]) -> None:
        with suppress(KeyError, ValueError):
            self._lines[line].remove(turn)
            self._waiting -= 1
            if not self._lines[line]:
                del self._lines[line]

    def _next(self) -> None:
        """A place is free: the line whose turn it is goes to the end of the lines."""
        while self._lines:
            line, queue = self._lines.popitem(last=False)
            turn = queue.popleft()
            self._waiting -= 1
            if queue:
                self._lines[line] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Work:
    """Where access works."""

    def __init__(self, places: int = PLACES) -> None:
        self.turns = Turns(places)
        self._hashing = ThreadPoolExecutor(os.cpu_count() or 1, "hashing", initializer=_give_way)
        self._rows = ThreadPoolExecutor(_ROW_THREADS, "access")

    async def hash(self, act: Callable[[], T]) -> T:
        """Arithmetic that takes long."""
        return await _run(self._hashing, act)

    async def rows(self, act: Callable[[], T]) -> T:
        """Something with the database or the outbox."""
        return await _run(self._rows, act)

    def shut(self) -> None:
        """End the threads, once what they do is done."""
        for threads in (self._hashing, self._rows):
            threads.shutdown(wait=True, cancel_futures=True)


async def _run(threads: ThreadPoolExecutor, act: Callable[[], T]) -> T:
    # What is logged there belongs to the request.
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(threads, context.run, act)


def _give_way() -> None:
    """Let all other threads of the process run first, whatever priority the process has. Only Linux counts this by
    thread."""
    if sys.platform == "linux":
        with suppress(OSError):
            this = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, this, os.getpriority(os.PRIO_PROCESS, this) + _NICE)
