"""Keeping what a witness found: the evidence as files, and the finding in the database, each fact once."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.hooks.events import FindingEvent
from audit.witness.evidence import EVIDENCE_FILE, FORMAT, RECORD, SERVED, Evidence, PageFault, Violation
from audit.witness.store import Finding, Store
from vemre.errors import CheckFailed
from vemre.records.bundle import blob_refs
from vemre.records.record import parse
from vemre.service.export import static_files
from vemre.storage.blobs import write_durably, write_whole
from vemre.types import Clock, LogName


class Findings:
    """The findings of one witness. Safe from several threads."""

    def __init__(self, folder: Path, store: Store, clock: Clock, tell: Callable[[FindingEvent], None]) -> None:
        """`folder` is where evidence is written. Creates it where it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._store = store
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()

    def keep(
        self,
        failure: CheckFailed | PageFault,
        evidence: Evidence,
        *,
        stops: str | None = None,
        write_record: Callable[[Path], None] | None = None,
        served: Sequence[bytes | None] = (),
    ) -> bool:
        """Keep a finding unless the same fact is kept already; gives whether it was new. It is provable where `stops`
        says what is never cosigned again. `write_record` writes the record that belongs to the evidence into a folder;
        `served` is what a server sent, one file each."""
        found = Finding(failure, stops is not None, stops)
        with self._lock:
            if self._store.known(found):
                return False
            number = self._store.next_number()
            name = f"{number:04d}-{failure.check.lower()}"
            now = self._clock()
            self._write(self.folder / name, _document(failure, evidence, now), write_record, served)
            event = self._store.keep(found, number, name, now)
        if event is not None:
            self._tell(event)
        return event is not None

    def _write(
        self,
        folder: Path,
        document: bytes,
        write_record: Callable[[Path], None] | None,
        served: Sequence[bytes | None],
    ) -> None:
        # A folder of this name is what a crash left of a finding that never got its number.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        if write_record is not None:
            write_record(folder / RECORD)
        for place, data in enumerate(served):
            if data is not None:
                (folder / SERVED).mkdir(exist_ok=True)
                write_whole(folder / SERVED / f"{place:04d}.bin", data)
        write_durably(folder / EVIDENCE_FILE, document)


def record_writer(
    entries: Mapping[LogName, list[bytes]], violation: Violation, blob: Callable[[str], bytes]
) -> Callable[[Path], None]:
    """Writes entries that logs signed, and the blobs at hand that they name, as a record on disk (appendix B)."""

    def write(record: Path) -> None:
        for name, part in violation.logs.items():
            for path, data in static_files(entries[name]):
                target = record / name / path
                target.parent.mkdir(parents=True, exist_ok=True)
                write_whole(target, data)
            write_whole(record / name / "checkpoint", part.note)
        (record / "blob").mkdir()
        for digest in {digest for found in entries.values() for entry in found for digest in _named(entry)}:
            try:
                write_whole(record / "blob" / digest, blob(digest))
            except (KeyError, CheckFailed):
                # Whoever judges says what is missing.
                continue

    return write


def _named(entry: bytes) -> list[str]:
    try:
        record = parse(entry)
        return [] if record.type == "ballot" else [ref.sha256 for ref in blob_refs(record.body)]
    except CheckFailed:
        return []


def _document(failure: CheckFailed | PageFault, evidence: Evidence, now: int) -> bytes:
    value: dict[str, Any] = {
        "format": FORMAT,
        **evidence.as_json(),
        "finding": {
            "check": failure.check.value,
            "where": failure.where,
            "party": failure.party,
            "detail": failure.detail,
            "time": now,
        },
    }
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
