"""An election record on disk, read without trusting it. Source: docs/spec/election-record.md (protocol, appendix B)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.tiles import MAX_BUNDLE_BYTES
from vemre.records.kinds import WRITERS
from vemre.types import LogName

MAX_CHECKPOINT_BYTES = 64 << 10
_DIGEST = re.compile(r"\A[0-9a-f]{64}\Z")


class RecordSource(Protocol):
    """Where a record is read from. Whatever it gives is untrusted."""

    def checkpoint(self, log: LogName) -> bytes | None:
        """The latest checkpoint of a log; None where the log has not begun."""

    def read(self, log: LogName, path: str) -> bytes:
        """A file of a log's static layout. Raises FileNotFoundError, or CheckFailed(LOG) where it is too large."""

    def blob(self, digest: str) -> bytes:
        """A blob by its digest (hex). Raises KeyError where it is missing."""

    def blobs(self) -> Iterator[str]:
        """Names of the blobs at hand that look like digests (hex)."""


class RecordFolder:
    """RECORD/{registry,ballot,tally}/{checkpoint,tile/...} and RECORD/blob/<sha256>.

    Raises OSError for what cannot be read at all (exit code 2), never for what is missing or damaged (exit code 1).
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise NotADirectoryError(f"{root} is not a folder")
        self.root = root

    def checkpoint(self, log: LogName) -> bytes | None:
        folder = self.root / log
        if not folder.exists():
            return None
        try:
            with (folder / "checkpoint").open("rb") as file:
                return file.read(MAX_CHECKPOINT_BYTES + 1)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise CheckFailed(
                Check.NOTE, "the log has no checkpoint", where=f"{log}/checkpoint", party=WRITERS[log]
            ) from None

    def read(self, log: LogName, path: str) -> bytes:
        try:
            with (self.root / log / path).open("rb") as file:
                data = file.read(MAX_BUNDLE_BYTES + 1)
        except (IsADirectoryError, NotADirectoryError):
            raise FileNotFoundError(path) from None
        if len(data) > MAX_BUNDLE_BYTES:
            raise CheckFailed(Check.LOG, "the file is too large", where=f"{log}/{path}", party=WRITERS[log])
        return data

    def blob(self, digest: str) -> bytes:
        try:
            return (self.root / "blob" / digest).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise KeyError(digest) from None

    def blobs(self) -> Iterator[str]:
        folder = self.root / "blob"
        if folder.is_dir():
            yield from (path.name for path in sorted(folder.iterdir()) if _DIGEST.match(path.name))
