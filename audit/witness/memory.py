"""What a witness keeps on disk: per log the last checkpoint that it cosigned, and the evidence of every finding.

A memory is durable before the cosignature leaves the machine: after a crash a witness knows at least what others may
have seen of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from audit.witness.core import Kept, nothing_kept
from vemre.cli import files
from vemre.errors import CheckFailed, StoreError
from vemre.types import LogName

_MAX_BYTES: Final = 1 << 20


class Memory:
    """The folder of one witness."""

    def __init__(self, folder: Path) -> None:
        """Creates the folders where they are missing."""
        self._logs = folder / "cosigned"
        self._evidence = folder / "evidence"
        for made in (self._logs, self._evidence):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)

    def recall(self, log: LogName, origin: str) -> Kept:
        """What was cosigned last. Raises StoreError where the file is damaged: then nothing may be cosigned."""
        path = self._logs / f"{log}.json"
        if not path.exists():
            return nothing_kept(origin)
        try:
            value = json.loads(files.read(path, limit=_MAX_BYTES))
            kept = Kept(
                str(value["origin"]), int(value["size"]), bytes.fromhex(value["root"]), value["note"], value["time"]
            )
        except (ValueError, KeyError, TypeError):
            raise StoreError(f"{path}: what was cosigned cannot be read") from None
        if kept.origin != origin:
            raise StoreError(f"{path}: this is the memory of another log")
        return kept

    def remember(self, log: LogName, kept: Kept) -> None:
        """Make it durable; returns only then."""
        value = {
            "origin": kept.origin, "size": kept.size, "root": kept.root.hex(), "note": kept.note, "time": kept.time,
        }  # fmt: skip
        files.write(self._logs / f"{log}.json", _json(value), overwrite=True)

    def accuse(
        self, failure: CheckFailed, seen: Mapping[LogName, str], cosigned: Mapping[LogName, Kept], now: int
    ) -> Path:
        """Keep the evidence of a finding: what was seen now, and what was cosigned before. Gives the file."""
        value = {
            "check": failure.check.value,
            "where": failure.where,
            "party": failure.party,
            "detail": failure.detail,
            "time": now,
            "seen": dict(seen),
            "cosigned": {name: kept.note for name, kept in cosigned.items()},
        }
        number = 1 + sum(1 for _ in self._evidence.glob("*.json"))
        path = self._evidence / f"{number:04d}-{failure.check.value.lower()}.json"
        files.write(path, _json(value))
        return path


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
