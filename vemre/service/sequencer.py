"""Which of several instances of a service writes its log, and how the others keep up.

On PostgreSQL several instances may run over one database. The one that has the lease (`vemre.storage.lease`) writes;
the others follow the log, answer reads, sessions included, refuse what would be appended (503, "log-elsewhere"), and
take the lease when it is given back or its time is over. On SQLite there is one instance, and it always writes.

Whoever loses the lease stops its process, and does not become a standby again: state in memory may be ahead of the
database (docs/spec/log.md, writer protocol). The next start reads the truth.

An instance believes in its lease for less long than the database does: it counts from before it asked, by a clock that
goes on while the process or the machine is stopped.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool

from vemre.service.app import Stop
from vemre.service.metrics import Metrics
from vemre.storage.lease import Lease

RENEW_SECONDS: Final = 1.5
"""How often the lease is renewed: a quarter of its time, so that a database may be slow for a while."""
FOLLOW_SECONDS: Final = 0.25
"""How often a standby looks at the log and the lease."""
FRESH_SECONDS: Final = 0.05
"""So fresh is what a standby has whenever somebody asks for more than it knows."""
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_logger = structlog.get_logger(__name__)


def elapsed() -> float:
    """Seconds that also count while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


def new_holder() -> str:
    """A name for this run of an instance, never used before."""
    return f"vemre-{secrets.token_hex(8)}"


class Sequencer:
    """The lease of one instance, in a thread of its own. An async context manager for the application's lifespan.

    Without a lease this is the only instance. `follow`, which must be set before it is entered, takes over what
    another instance appended; it blocks.
    """

    def __init__(
        self,
        lease: Lease | None,
        stop: Stop,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = elapsed,
    ) -> None:
        self.follow: Callable[[], None] = lambda: None
        self._lease = lease
        self._stop = stop
        self._metrics = metrics
        self._clock = clock
        self._until = 0.0
        self._followed = 0.0
        self._following = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sequencer", daemon=True)
        self._show()

    @property
    def holds(self) -> bool:
        """Whether this instance may write now."""
        return self._lease is None or (self._clock() < self._until and self._stop.reason is None)

    def freshen(self) -> None:
        """Look at what another instance appended, where this one does not write; never waits for another look.

        Blocking. Raises StoreError where the log is not what it was.
        """
        if self.holds or self._clock() - self._followed < FRESH_SECONDS:
            return
        if self._following.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._following.release()

    async def __aenter__(self) -> Sequencer:
        """Takes the lease if it is free, so that a single instance writes as soon as it serves."""
        if self._lease is not None:
            await run_in_threadpool(self._step)
            self._thread.start()
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._lease is not None:
            self._closing.set()
            await run_in_threadpool(self._end, self._lease)

    def _end(self, lease: Lease) -> None:
        self._thread.join()
        self._until = 0.0
        try:
            lease.release()
        except DBAPIError as error:
            _logger.warning("lease-not-released", exc_info=error)
        lease.close()

    # --- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closing.wait(RENEW_SECONDS if self.holds else FOLLOW_SECONDS):
            if self._stop.reason is not None:
                return
            self._step()

    def _step(self) -> None:
        """Renew the lease, or follow and try to take it."""
        assert self._lease is not None
        held, begun = self._until > 0.0, self._clock()
        try:
            if held:
                self._renew(self._lease, begun)
            else:
                self._wait_for(self._lease, begun)
        except DBAPIError as error:
            # It is asked again soon; a writer whose time is over meanwhile stops.
            _logger.warning("lease-not-asked", exc_info=error)
            if held and self._clock() >= self._until:
                self._stop.request("the lease could not be renewed in time")
        except BaseException as error:
            _logger.critical("log-not-followed", exc_info=error)
            self._stop.request(f"the log could not be followed: {type(error).__name__}")
        self._show()

    def _renew(self, lease: Lease, begun: float) -> None:
        if lease.renew():
            self._until = begun + lease.seconds
        else:
            self._until = 0.0
            self._stop.request("another instance has taken the lease")

    def _wait_for(self, lease: Lease, begun: float) -> None:
        with self._following:
            self._look()
            if not lease.take():
                return
            # What its last holder committed at the end.
            self._look()
        if self._clock() >= begun + lease.seconds:
            begun = self._clock()
            if not lease.renew():
                return
        self._until = begun + lease.seconds
        _logger.info("lease-held", holder=lease.holder)

    def _look(self) -> None:
        self.follow()
        self._followed = self._clock()

    def _show(self) -> None:
        if self._metrics is not None:
            self._metrics.log_writer.set(self.holds)
