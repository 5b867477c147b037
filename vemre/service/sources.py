"""Where another authority's log is read from: its service over HTTP (`client.HttpSource`), or a folder on a stick.

A source is never trusted: `follower.Follower` authenticates what it gives. Its own duty is to bound what it reads.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, Protocol

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.note import MAX_NOTE_BYTES
from vemre.log.tiles import MAX_BUNDLE_BYTES
from vemre.types import LogName

MAX_BLOB_BYTES: Final = 1 << 30
"""More than the shuffle proof of a million ballots; what a record names is refused beyond it."""


class LogSource(Protocol):
    """Where a log's files come from."""

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        """The latest checkpoint; with `cosigned`, the latest that a quorum of auditors cosigned and that covers at
        least `covering` entries.

        Raises FileNotFoundError where there is none, RemoteProblem("not-cosigned-yet") where it must be waited for.
        """

    def tile(self, path: str) -> bytes:
        """The file ``tile/...``. Raises FileNotFoundError, and CheckFailed(LOG) for one that is too large."""

    def blob(self, digest: str, limit: int) -> bytes:
        """A blob of at most `limit` bytes. Raises FileNotFoundError, CheckFailed(BLOB-DIGEST) for a larger one."""


class FolderSource:
    """One log of an election record on disk: ``RECORD/<log>/...`` and ``RECORD/blob/...``.

    Only regular files are read, links are not followed.
    """

    def __init__(self, record: Path, log: LogName) -> None:
        self._log = record / log
        self._blobs = record / "blob"

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:  # noqa: ARG002  (one file is all)
        """See `LogSource`. A record has one checkpoint, and whoever needs a quorum counts it."""
        return read_regular(self._log / "checkpoint", MAX_NOTE_BYTES, Check.NOTE)

    def tile(self, path: str) -> bytes:
        """See `LogSource`."""
        return read_regular(self._log / path, MAX_BUNDLE_BYTES, Check.LOG)

    def blob(self, digest: str, limit: int) -> bytes:
        """See `LogSource`."""
        return read_regular(self._blobs / digest, limit, Check.BLOB_DIGEST)


def read_regular(path: Path, limit: int, check: Check) -> bytes:
    """A regular file of at most `limit` bytes. Raises FileNotFoundError where there is none (a folder, a link and a
    device count as none), CheckFailed(check) where it is larger."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if isinstance(error, PermissionError):
            raise
        raise FileNotFoundError(path.name) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(path.name)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1) if status.st_size <= limit else b""
    finally:
        os.close(descriptor)
    if status.st_size > limit or len(data) > limit:
        raise CheckFailed(check, f"{path.name}: more than {limit} bytes")
    return data
