"""Verifies a witness's copy of the record from nothing, and compares the state with the one that the witness kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit.witness.mirror import Mirror
from audit.witness.store import Store
from vemre.election.rules.incremental import Incremental
from vemre.election.rules.view import Anchors, View
from vemre.errors import CheckFailed, StoreError
from vemre.group import Group
from vemre.records.record import parse
from vemre.service.settings import ServiceSettings
from vemre.types import LOG_NAMES, LogName, Random


@dataclass(frozen=True)
class Replayed:
    """What came of it: the sizes verified, the kept digest and the one found (hex), and the rule that does not hold."""

    sizes: dict[LogName, int]
    kept: str
    found: str
    failure: CheckFailed | None = None

    @property
    def same(self) -> bool:
        """Whether everything holds and the state is the kept one."""
        return self.failure is None and self.kept == self.found

    def words(self) -> dict[str, str]:
        """What the message about it says."""
        return {
            "sizes": ", ".join(f"{name} {size}" for name, size in self.sizes.items()),
            "kept": self.kept,
            "found": self.found,
            "failure": "—" if self.failure is None else str(self.failure),
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "same": self.same,
            "sizes": self.sizes,
            "kept": self.kept,
            "found": self.found,
            "failure": None if self.failure is None else str(self.failure),
        }


def open_store(settings: ServiceSettings) -> Store:
    """The database of a witness that has run before. Raises StoreError."""
    if settings.database_url is None and not (settings.data_dir / "service.sqlite3").is_file():
        raise StoreError(f"{settings.data_dir}: no witness has run here")
    return Store(settings.database, ())


def replay(settings: ServiceSettings, anchors: Anchors, group: Group, random: Random) -> Replayed:
    """Verify everything anew, to the sizes of the kept digest and then to the end. Changes nothing, and may run beside
    the witness. Raises StoreError where there is nothing to replay or the copy is damaged, OSError."""
    store = open_store(settings)
    try:

        def verified(mirror: str, log: LogName) -> tuple[int, bytes]:
            found = store.verified(mirror, anchors.logs[log].name)
            return found.size, found.root

        mirror = Mirror(settings.data_dir / "mirror", verified, read_only=True)
        try:
            kept = store.kept_digest(mirror.id)
            if kept is None:
                raise StoreError("nothing was verified yet")
            return _replay(mirror, *kept, anchors, group, random)
        finally:
            mirror.close()
    finally:
        store.close()


def _replay(
    mirror: Mirror, digest: bytes, sizes: dict[LogName, int], anchors: Anchors, group: Group, random: Random
) -> Replayed:
    view = View(anchors, mirror.blob, group, random)
    incremental = Incremental(view)
    found = ""
    try:
        for stop in (sizes, None):
            for name in LOG_NAMES:
                log = view.logs[name]
                for entry in mirror.logs[name].entries(len(log), None if stop is None else stop[name]):
                    log.append(parse(entry))
            incremental.verify()
            found = found or incremental.digest().hex()
    except CheckFailed as failure:
        return Replayed({name: len(log) for name, log in view.logs.items()}, digest.hex(), found, failure)
    return Replayed({name: len(log) for name, log in view.logs.items()}, digest.hex(), found)
