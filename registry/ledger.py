"""Puts commitments that wait into the registry's log."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from registry.commitments import Commitments
from registry.node import RegistryNode
from vemre.errors import CheckFailed, Refused
from vemre.messages import RemoteProblem, Unreachable
from vemre.types import Clock

_RETRY_SECONDS: Final = 30
_logger = structlog.get_logger(__name__)


class Ledger:
    """One writer of commitments at a time, so that none goes in twice."""

    def __init__(self, node: RegistryNode, commitments: Commitments, clock: Clock) -> None:
        self._node = node
        self._commitments = commitments
        self._clock = clock
        self._lock = asyncio.Lock()
        self._tried = 0

    async def write_some(self, *, everything: bool = False) -> None:
        """Put one batch into the log, or all of them, if that can be done now; what cannot waits, and nobody is refused
        for it."""
        if self._node.look(lambda view: not view.tally.records):
            # Do not ask the other services once for every applicant.
            now = self._clock()
            if now - self._tried < _RETRY_SECONDS:
                return
            self._tried = now
        try:
            while await self._write() and everything:
                pass
        except (CheckFailed, Refused, RemoteProblem, Unreachable) as error:
            _logger.warning("commitments-wait", exc_info=error)

    async def write_all(self) -> None:
        """Put every commitment into the log. Raises Refused("no-manifest"), CheckFailed, Unreachable."""
        while await self._write():
            pass

    async def _write(self) -> bool:
        """One batch; gives whether there was anything to write."""
        async with self._lock:
            waiting = await run_in_threadpool(self._commitments.waiting)
            if not waiting:
                return False

            def rows(connection: Connection, first: int) -> None:
                self._commitments.place(connection, [number for number, _ in waiting], first)

            await self._node.append_all([body for _, body in waiting], rows)
            return True
