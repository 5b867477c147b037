"""What the parts of a witness share: its logs, its memory, its key, its clock, its listeners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from audit.hooks.events import CheckpointEvent, Event, Listener
from audit.witness.findings import Findings
from audit.witness.store import ELECTION, Store
from vemre.election.rules.view import Anchors
from vemre.errors import StoreError
from vemre.log.checkpoint import Checkpoint
from vemre.log.note import SignatureLine, Vkey
from vemre.log.signer import Cosigner
from vemre.log.witness import Cosigned
from vemre.service.sources import LogSource
from vemre.types import LOG_NAMES, WRITERS, Clock, LogName

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Foreign:
    """A log that is cosigned for its consistency alone; `source` gives its tiles, where its address is known."""

    vkey: Vkey
    source: LogSource | None = None


class Ground:
    """Safe from several threads."""

    def __init__(
        self,
        folder: Path,
        database: str,
        anchors: Anchors | None,
        foreign: Sequence[Foreign],
        cosigner: Cosigner | None,
        clock: Clock,
    ) -> None:
        """Opens the database. Raises StoreError, OSError."""
        self.foreign: Mapping[str, Foreign] = {one.vkey.name: one for one in foreign}
        self.logs: dict[str, Vkey] = {origin: one.vkey for origin, one in self.foreign.items()}
        self.names: dict[str, LogName] = {}
        """The logs of the election, by origin."""
        if anchors is not None:
            self.names = {anchors.logs[name].name: name for name in LOG_NAMES}
            self.logs |= {vkey.name: vkey for vkey in anchors.logs.values()}
        self.cosigner = cosigner
        self._clock = clock
        self._listeners: list[Listener] = []
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.store = Store(database, self.logs)
        self._floor = self.store.latest_time()
        self.findings = Findings(folder / "evidence", self.store, self.now, self.tell)

    def now(self) -> int:
        """The time, which never goes back, whatever the clock does."""
        self._floor = max(self._floor, self._clock())
        return self._floor

    def listen(self, listener: Listener) -> None:
        """Tell a listener from now on."""
        self._listeners.append(listener)

    def tell(self, event: Event) -> None:
        """Tell every listener; what one of them raises is its own affair."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception as error:
                _logger.error("listener-failed", exc_info=error)

    def place(self, origin: str) -> tuple[str, str | None]:
        """Where a finding about a log's checkpoint is, and who answers for it."""
        name = self.names.get(origin)
        return (origin, None) if name is None else (f"{name}/checkpoint", WRITERS[name])

    def is_stopped(self, origin: str) -> bool:
        """Whether a finding forbids to cosign this log for good.

        A foreign log is answered as C2SP says, whatever was found: no gate rests on it, and what it signs beside the
        history that is cosigned is refused each time.
        """
        return origin in self.names and not self.store.stopped().isdisjoint({origin, ELECTION})

    def see(self, checkpoint: Checkpoint, note: bytes) -> None:
        """Keep a checkpoint that bears its log's signature; `note` has the log's line alone."""
        now = self.now()
        if self.store.see(checkpoint, note, now):
            self._tell_checkpoint(checkpoint, note, now, cosigned=False)

    def cosign(self, known: Cosigned, checkpoint: Checkpoint, note: bytes) -> SignatureLine | None:
        """The cosignature of a checkpoint in the place of `known`, once that is durable; None where somebody else was
        faster. Raises StoreError where there is no key."""
        if self.cosigner is None:
            raise StoreError("there is no key to cosign with")
        time = self.store.cosign(known, checkpoint, note, self.now())
        if time is None:
            return None
        self._tell_checkpoint(checkpoint, note, time, cosigned=True)
        return self.cosigner.cosign(checkpoint, time)

    def _tell_checkpoint(self, checkpoint: Checkpoint, note: bytes, time: int, *, cosigned: bool) -> None:
        root = checkpoint.root.hex()
        self.tell(CheckpointEvent(checkpoint.origin, checkpoint.size, root, time, cosigned, note.decode()))
