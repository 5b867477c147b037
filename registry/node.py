"""The registry's log: commitments go in many at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from vemre.election import drafts
from vemre.election.rules import engine
from vemre.errors import Refused
from vemre.records.fields import Body
from vemre.records.record import parse
from vemre.service.node import ElectionNode
from vemre.storage.log_store import LogTransaction


class RegistryNode(ElectionNode):
    """`ElectionNode` that appends several records of its own role in one step, all or none."""

    async def append_all(self, bodies: Sequence[Body], rows: Callable[[Connection, int], None]) -> None:
        """Append records of these bodies, in order; `rows` writes the service's own rows in the same transaction, given
        the place of the first. Raises Refused("no-manifest"), CheckFailed."""
        if self.look(lambda view: not view.tally.records):
            await run_in_threadpool(self.sync)

        def decide(transaction: LogTransaction) -> None:
            with self._lock:
                if not self._view.tally.records:
                    raise Refused("no-manifest")
                entries = [
                    drafts.sign_entry(body, log=self.store.origin, signer=self.role, key=self._key) for body in bodies
                ]
                places = transaction.append(entries)
                rows(transaction.connection, places.start)
                for entry in entries:
                    self.own.append(parse(entry))
                try:
                    engine.verify(self._view)
                except BaseException:
                    for _ in entries:
                        self.own.pop()
                    raise

        await self._writer.submit(decide)
