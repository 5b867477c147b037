"""Verification of an election that grows, at a cost that grows with what is new.

The rules are those of `vemre.election.rules.engine`, and so are the verdicts. Source: docs/spec/gates-and-order.md,
"Running elections".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.election.rules import ballots, cited, decrypting, engine, keygen, mixing, results, roll
from vemre.election.rules.log_view import LogView, Mark
from vemre.election.rules.view import Batch, View
from vemre.errors import CheckFailed
from vemre.types import LOG_NAMES, LogName


class Incremental:
    """Verifies a view that grows. One per view, for one thread at a time.

    Each call of `verify` costs by the entries that came since the one before, ballots in chunks of one equation each;
    see `vemre.election.rules.growth`. Entries that were not verified may be taken out of the view again.
    """

    def __init__(self, view: View, *, verified: Mapping[LogName, int] | None = None) -> None:
        """`verified` are the sizes of a prefix that this very machine verified before, such as before it was started
        again: its entries are taken into the state without their signatures, proofs and recounts. Whoever gives it
        vouches that the view holds the same entries (by the roots that it kept). Raises ValueError where the view has
        fewer."""
        if any(size > len(view.logs[name]) for name, size in (verified or {}).items()):
            raise ValueError("more entries were verified than the view holds")
        self.view = view
        self._failure: tuple[CheckFailed, dict[LogName, Mark]] | None = None
        view.trust(verified or {})

    @property
    def verified(self) -> dict[LogName, int]:
        """What holds: the sizes of the logs at the last `verify` that passed (or that were given to begin with)."""
        logs = self.view.logs
        return {name: self.view.settled.size(name) or self.view.trusted(logs[name]) for name in LOG_NAMES}

    def verify(self) -> None:
        """Verify everything that is new in the view.

        Raises CheckFailed as `engine.verify` does. A failure stands: it is raised again for as long as the view holds
        the entries that it was found in, whatever came after them. Only what waiting may cure is looked at again: a
        blob that is missing, a log that is behind another one which cites it.
        """
        logs = self.view.logs
        if self._failure is not None and all(logs[name].holds(mark) for name, mark in self._failure[1].items()):
            raise self._failure[0]
        self._failure = None
        try:
            engine.verify(self.view)
        except CheckFailed as failure:
            if failure.check is not Check.BLOB_DIGEST and not self._behind():
                self._failure = failure, {name: log.mark(len(log)) for name, log in logs.items()}
            raise

    def _behind(self) -> bool:
        """Whether some log is not as far as another one says."""
        if not self.view.tally.records:
            return True
        try:
            return bool(cited.beyond(self.view))
        except CheckFailed:
            return False

    def digest(self) -> bytes:
        """SHA-256 over a canonical description of the state at `verified`: whoever verified the same entries, in
        whatever steps, has the same.

        Costs by the size of the state, and as much as taking the prefix in anew where the view holds entries that are
        not verified, or none that were verified by this object.
        """
        sizes, view = self.verified, self.view
        if any(len(log) != view.settled.size(name) for name, log in view.logs.items()):
            logs = {name: LogView(name, log.records[: sizes[name]]) for name, log in view.logs.items()}
            view = view.over(logs)
            view.trust(sizes)
            if view.tally.records:
                engine.verify(view)
        return hashlib.sha256(canonical.encode(_description(view))).digest()


def _description(view: View) -> dict[str, Any]:
    """What the rules know of a view that is settled."""
    used, seen = ballots.taken(view)
    eligible = roll.current_roll(view).urn_of
    return {
        "attempts": [[record.leaf_hash.hex() for _, record in attempt.records] for attempt in keygen.attempts(view)]
        if view.tally.records
        else [],
        "ballots": dict(view.ballot_counts),
        "context": view.context.hex() if view.context else "",
        "decisions": _by_batch(decrypting.decisions(view)),
        "decryptions": _by_batch({b: [place for place, _ in all_] for b, all_ in decrypting.decryptions(view).items()}),
        "logs": {name: {"root": log.root(len(log)).hex(), "size": len(log)} for name, log in view.logs.items()},
        "mixers": _by_batch(mixing.mixers_of(view)),
        "outputs": _by_batch({batch: ref.sha256 for batch, ref in mixing.last_outputs(view).items()}),
        "results": _by_batch(results.result_batches(view)),
        "roll": _digest(f"{credential.hex()} {urn}" for credential, urn in eligible.items()),
        "seen": _digest(point.hex() for point in seen),
        "stage": engine.stage_reached(view),
        "used": _digest(f"{credential.hex()} {index}" for credential, index in used.items()),
    }


def _by_batch(found: Mapping[Batch, Any]) -> dict[str, Any]:
    return {f"{urn} {contest}": value for (urn, contest), value in found.items()}


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
