"""Verification of an election that grows, at a cost that grows with what is new.

The rules are those of `vemre.election.rules.engine`, and so are the verdicts. Source: docs/spec/gates-and-order.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election.rules import ballots, cited, engine
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.records.record import Record
from vemre.types import LOG_NAMES, LogName


class Incremental:
    """Verifies a view that grows. One per view, for one thread at a time.

    `verified` is what holds: the sizes of the logs at the last `verify` that passed.
    """

    def __init__(self, view: View, *, verified: Mapping[LogName, int] | None = None) -> None:
        """`verified` are the sizes of a prefix that this very machine verified before, such as before it was started
        again: its entries are taken into the state without their signatures and proofs. Whoever gives it vouches that
        the view holds the same entries (by the roots that it kept). Raises ValueError where the view has fewer."""
        self.view = view
        self.verified: dict[LogName, int] = {name: (verified or {}).get(name, 0) for name in LOG_NAMES}
        if any(size > len(view.logs[name]) for name, size in self.verified.items()):
            raise ValueError("more entries were verified than the view holds")
        self._failure: tuple[CheckFailed, dict[LogName, Record]] | None = None

    def verify(self) -> None:
        """Verify everything that is new in the view.

        Raises CheckFailed as `engine.verify` does. A failure stands: it is raised again for as long as the view holds
        the entries that it was found in, whatever came after them. Only what may be cured by waiting is looked at
        again: a blob that is missing, and logs of which one cites what the view does not have of another.
        """
        if self._failure is not None and self._stands(self._failure[1]):
            raise self._failure[0]
        self._failure = None
        try:
            engine.verify(self.view)
        except CheckFailed as failure:
            if failure.check is not Check.BLOB_DIGEST and not self._out_of_step():
                self._failure = failure, {name: log.records[-1] for name, log in self.view.logs.items() if len(log)}
            raise
        self.verified = {name: len(log) for name, log in self.view.logs.items()}

    def _stands(self, last: Mapping[LogName, Record]) -> bool:
        return all(self.view.logs[name].find(record.leaf_hash) is not None for name, record in last.items())

    def _out_of_step(self) -> bool:
        if not self.view.tally.records:
            return True
        try:
            return bool(cited.beyond(self.view))
        except CheckFailed:
            return False

    def digest(self) -> bytes:
        """SHA-256 over the canonical description of the state at `verified`: two machines that verified the same
        entries, in whatever steps, have the same. Costs by the size of the state."""
        return hashlib.sha256(canonical.encode(self._description())).digest()

    def _description(self) -> dict[str, Any]:
        view, sizes = self.view, self.verified
        used = {}
        for index in view.ballot.indices("ballot", "block"):
            if index < sizes["ballot"]:
                used[ballots.credential_of(view.ballot.records[index])] = index
        return {
            "logs": {name: {"root": view.logs[name].root(size).hex(), "size": size} for name, size in sizes.items()},
            "used": used,
        }
