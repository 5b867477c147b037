"""From asyncio handlers to the one writer thread of a log, and back after the commit.

    committed = await writer.submit(decide, apply)      # see vemre.storage.group_commit for the two functions
    receipt = await run_in_threadpool(writer.store.receipt, committed.indices[0])

The answer comes after the commit or not at all. Where the outcome of a commit is not known, the writer ends the
process (`Stop`): all waiting requests get `Refused("log-stopped")` (503), and the next start reads the truth from the
database. A client that sends the same bytes again then learns what became of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Final, TypeVar

import structlog
from starlette.concurrency import run_in_threadpool

from vemre.errors import Refused
from vemre.service.app import Stop
from vemre.service.metrics import Metrics
from vemre.storage.group_commit import Committed, GroupCommitter
from vemre.storage.log_store import LogStore, LogTransaction

T = TypeVar("T")
_ELSEWHERE_SECONDS: Final = 1
_logger = structlog.get_logger(__name__)


class Writer:
    """The writer of one log, for one application. An async context manager: use it in the application's lifespan."""

    def __init__(
        self,
        store: LogStore,
        stop: Stop,
        metrics: Metrics | None = None,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        """`may_write` says whether this instance has the lease of the log (`vemre.service.sequencer`)."""
        self.store = store
        self._may_write = may_write
        self._stop = stop
        self._metrics = metrics
        self._committer = GroupCommitter(store, on_failure=self._failed)
        self._listeners: list[Callable[[], None]] = []
        self._show_size(store.size)

    def on_commit(self, act: Callable[[], None]) -> None:
        """Call `act`, which must not wait, in the event loop after commits."""
        self._listeners.append(act)

    async def __aenter__(self) -> Writer:
        self._committer.start()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # What was accepted is still committed and answered.
        await run_in_threadpool(self._committer.close)

    async def submit(
        self, decide: Callable[[LogTransaction], T], apply: Callable[[T], None] | None = None
    ) -> Committed[T]:
        """Decide and append in the writer thread; returns after the commit.

        Raises what `decide` raised, Refused("log-busy") where too many wait, Refused("log-stopped") where nothing
        is accepted any more or the outcome is not known, Refused("log-elsewhere") where another instance writes.
        """
        self.check()
        committed = await asyncio.wrap_future(self._committer.submit(decide, apply))
        self._show_size(committed.size)
        for act in self._listeners:
            act()
        if self._stop.reason is not None:
            # Committed, and yet nothing to promise: the log may turn out to be a fork of what others have seen.
            raise Refused("log-stopped")
        return committed

    def check(self) -> None:
        """Raises Refused("log-stopped"), or Refused("log-elsewhere") where another instance writes the log."""
        if self._stop.reason is not None:
            raise Refused("log-stopped")
        if not self._may_write():
            raise Refused("log-elsewhere", retry_after=_ELSEWHERE_SECONDS)

    def _show_size(self, size: int) -> None:
        if self._metrics is not None:
            self._metrics.log_size.set(size)

    def _failed(self, error: BaseException) -> None:
        """Called once, in the writer thread."""
        _logger.critical("log-stopped", exc_info=error)
        self._stop.request(f"the log stopped: {type(error).__name__}")
