"""The lease of a log that several instances serve: a row that says who may write it, and until when.

It is there for liveness alone: one instance writes at a time, and another goes on soon after it fell silent. That no
two logs come of one is the work of the lock row (`vemre.storage.log_store`), which holds even where two instances
believe that the lease is theirs. Time is the database's, so that the clocks of the instances do not matter.

Whoever takes the lease of another ends that one's connections: a process that was stopped in the middle of a
transaction would keep the lock row locked. Source: docs/adr/0010-a-lease-and-a-lock-row.md.
"""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

SECONDS: Final = 6.0
"""How long the lease lasts where it is not renewed."""

_TAKE: Final = text(
    """
    WITH before AS (SELECT holder FROM log_lease WHERE log_id = :log)
    INSERT INTO log_lease AS lease (log_id, holder, expires)
    VALUES (:log, :holder, clock_timestamp() + make_interval(secs => :seconds))
    ON CONFLICT (log_id) DO UPDATE SET holder = excluded.holder, expires = excluded.expires
    WHERE lease.holder = excluded.holder OR lease.expires <= clock_timestamp()
    RETURNING (SELECT holder FROM before)
    """
)
_RENEW: Final = text(
    """
    UPDATE log_lease SET expires = clock_timestamp() + make_interval(secs => :seconds)
    WHERE log_id = :log AND holder = :holder
    """
)
_RELEASE: Final = text("DELETE FROM log_lease WHERE log_id = :log AND holder = :holder")
_END: Final = text(
    """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = :holder AND pid <> pg_backend_pid()
    """
)
_logger = structlog.get_logger(__name__)


class Lease:
    """The lease of one log, as one instance asks for it. Its methods block, for some seconds at most."""

    def __init__(self, engine: Engine, log_id: int, holder: str, seconds: float = SECONDS) -> None:
        """`holder` names the instance, and is the name of all of its connections (`open_engine`); the engine is for the
        lease alone."""
        # Statements that commit themselves: whoever stops between two of them holds no lock.
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        self.holder = holder
        self.seconds = seconds
        self._names = {"log": log_id, "holder": holder}
        self._values = {**self._names, "seconds": seconds}

    def take(self) -> bool:
        """Whether the lease is this instance's from now on: it was nobody's, or its time was over."""
        with self._engine.connect() as connection:
            row = connection.execute(_TAKE, self._values).one_or_none()
            if row is None:
                return False
            if row.holder not in (None, self.holder):
                _logger.warning("lease-taken-over", before=row.holder, holder=self.holder)
        if row.holder not in (None, self.holder):
            self._end(row.holder)
        return True

    def renew(self) -> bool:
        """Whether the lease is still this instance's; then it lasts `seconds` from now on."""
        with self._engine.connect() as connection:
            return connection.execute(_RENEW, self._values).rowcount == 1

    def release(self) -> None:
        """Give the lease back, if it is this instance's: another may take it at once."""
        with self._engine.connect() as connection:
            connection.execute(_RELEASE, self._names)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _end(self, holder: str) -> None:
        """End the connections of the instance that had the lease."""
        try:
            with self._engine.connect() as connection:
                connection.execute(_END, {"holder": holder})
        except DBAPIError as error:
            # Another role's, say. The lock row decides all the same, only later.
            _logger.warning("lease-connections-not-ended", before=holder, exc_info=error)
