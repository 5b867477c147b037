"""One auditor at work: follows the three logs, verifies every entry, cosigns, and posts what it owes.

`Auditor.round` does everything that can be done now and returns; calling it again goes on. What it must never do is
decided in `audit.witness.core`, what it owes in `audit.opinion.core`; here is the order of the effects: verified,
then durable in the witness's memory, then signed and sent.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from audit.keys import AuditorKeys
from audit.opinion import core as opinions
from audit.opinion import documents
from audit.verify.folder import RecordFolder
from audit.verify.report import Report
from audit.verify.verifier import verify_record
from audit.witness import core as witnesses
from audit.witness.memory import Memory
from vemre.election import drafts
from vemre.election.rules import engine
from vemre.election.rules.view import Anchors, View
from vemre.errors import CheckFailed, Refused
from vemre.group import Group
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.election_source import ElectionSource
from vemre.service.export import export
from vemre.service.sources import LogSource
from vemre.types import LOG_NAMES, Clock, LogName, Random

TEXT: Final = "text/plain; charset=utf-8"


class Seen:
    """A source that remembers the last checkpoint it gave, as evidence."""

    def __init__(self, source: LogSource) -> None:
        self._source = source
        self.last = b""

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        """See `LogSource`."""
        self.last = self._source.checkpoint(cosigned=cosigned, covering=covering)
        return self.last

    def tile(self, path: str) -> bytes:
        """See `LogSource`."""
        return self._source.tile(path)

    def blob(self, digest: str, limit: int) -> bytes:
        """See `LogSource`."""
        return self._source.blob(digest, limit)


class Auditor:
    """For one thread. `clients` are the three services, by the name of their log."""

    def __init__(
        self,
        folder: Path,
        keys: AuditorKeys,
        anchors: Anchors,
        clients: Mapping[LogName, ServiceClient],
        group: Group,
        random: Random,
        clock: Clock,
    ) -> None:
        """Raises Refused("auditor-not-in-policy"), StoreError where the witness's memory is damaged, OSError."""
        self.role = keys.role_in(anchors.policy)
        self.memory = Memory(folder)
        self._records = folder / "records"
        self._keys = keys
        self._anchors = anchors
        self._clients = clients
        self._group = group
        self._random = random
        self._clock = clock
        self._seen = {name: Seen(HttpSource(client)) for name, client in clients.items()}
        self._source = ElectionSource(anchors, self._seen, group, random, cosigned_only=False)
        self._roots = {name: witnesses.Roots(self.view.logs[name].records) for name in LOG_NAMES}
        self._kept = {name: self.memory.recall(name, anchors.logs[name].name) for name in LOG_NAMES}
        self._verified = 0
        self.verdict: Report | None = None
        """The report of the full verification behind the opinion, once it was made."""

    @property
    def view(self) -> View:
        """What is followed. Verified once `round` has returned."""
        return self._source.view

    def round(self) -> list[str]:
        """Everything that can be done now; gives what was done, in technical words.

        Raises CheckFailed for a finding: nothing is cosigned any more, and the evidence is kept. What can be waited
        for (a service that does not answer, logs out of step) comes as Refused, RemoteProblem or Unreachable.
        """
        try:
            return self._round()
        except CheckFailed as failure:
            seen = {name: source.last.decode("utf-8", "replace") for name, source in self._seen.items()}
            self.memory.accuse(failure, seen, self._kept, self._clock())
            raise

    def cosigned_all(self) -> bool:
        """Whether this witness has cosigned everything that it has seen."""
        return all(self._kept[name].size == len(self.view.logs[name]) for name in LOG_NAMES)

    def _round(self) -> list[str]:
        self._source.take()
        if not self.view.tally.records:
            return []
        entries = sum(len(log) for log in self.view.logs.values())
        if entries != self._verified:
            engine.verify(self.view)
            self._verified = entries
        done = [f"{name} {size}" for name in LOG_NAMES if (size := self._cosign(name)) is not None]
        act = opinions.due(self.view, self.role)
        if act is not None and self._act(act):
            done.append(act)
        return done

    # --- the witness ----------------------------------------------------------------------------------------

    def _cosign(self, name: LogName) -> int | None:
        """Cosign what is new in a log; gives the size."""
        follower = self._source.follower(name)
        offered = follower.checkpoint if follower is not None else None
        if offered is None:
            return None
        kept = self._kept[name]
        try:
            if not witnesses.decide(kept, offered, self._roots[name], self._keys.witness.vkey):
                return None
        except CheckFailed as failure:
            raise failure.located(where=f"{name}/checkpoint", party=self.view.logs[name].writer) from None
        kept = witnesses.keep(kept, offered, self._clock())
        self.memory.remember(name, kept)
        self._kept[name] = kept
        line = self._keys.witness.cosign(offered.checkpoint, kept.time)
        self._clients[name].post("/log/cosignatures", str(line).encode(), TEXT, {"size": offered.size})
        return offered.size

    # --- plans, reports, opinions ---------------------------------------------------------------------------

    def _act(self, act: opinions.Act) -> bool:
        """Post what is due; False where it has to wait."""
        if act == "audit-plan":
            self._post(drafts.audit_plan(documents.plan(self.role), documents.SCOPE))
        elif act == "system-opinion":
            report = documents.system_report(self.view, self.role)
            self._post(drafts.system_opinion(self.view, favourable=True, report=report))
        else:
            return self._give_opinion()
        return True

    def _give_opinion(self) -> bool:
        """Fetch the whole record anew, at cosigned checkpoints, verify it from nothing, and say what was found."""
        needed = opinions.needed_sizes(self.view)
        fresh = ElectionSource(self._anchors, self._sources(), self._group, self._random)
        try:
            fresh.take()
            checkpoints: dict[str, str] = {name: fresh.gate(name, size) for name, size in needed.items()}
        except Refused as reason:
            if reason.code != "not-cosigned-yet":
                raise
            return False
        if any(len(fresh.view.logs[name]) < size for name, size in needed.items()):
            return False
        folder = self._records / str(len(fresh.view.tally))
        shutil.rmtree(folder, ignore_errors=True)
        sizes = export(fresh, folder)
        report = verify_record(RecordFolder(folder), self._anchors, self._group, self._random)
        self.verdict = report
        text = documents.count_report(report, self.role, sizes)
        draft = drafts.opinion(
            self.view, favourable=report.valid, checkpoints=checkpoints, report=text, tool=documents.TOOL
        )
        self._post(draft)
        if report.failure is not None:
            raise report.failure
        return True

    def _sources(self) -> dict[LogName, LogSource]:
        return {name: HttpSource(client) for name, client in self._clients.items()}

    def _post(self, draft: drafts.Draft) -> None:
        origin = self._anchors.logs["tally"].name
        self._clients["tally"].submit(drafts.sign(draft, log=origin, signer=self.role, key=self._keys.sign))


def reached(view: View, stage: str) -> bool:
    """Whether the election has come as far as `stage` (a name of `engine.STAGE_NAMES`)."""
    order = [name for _, _, name in engine.STAGE_NAMES]
    now = engine.stage_reached(view)
    return now in order and order.index(now) <= order.index(stage)


__all__ = ["Auditor", "reached"]
