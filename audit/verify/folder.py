"""An election record on disk, read without trusting it. Source: docs/spec/election-record.md (protocol, appendix B).

Only regular files are read, links are not followed, and nothing is read beyond a limit: a pipe, a device or a file
without end in a record's folder is damage like any other.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.tiles import MAX_BUNDLE_BYTES
from vemre.types import WRITERS, LogName

MAX_CHECKPOINT_BYTES: Final = 64 << 10
MAX_BLOB_BYTES: Final = 1 << 30
"""More than the shuffle proof of a million ballots; a larger blob is refused unread."""

_DIGEST = re.compile(r"\A[0-9a-f]{64}\Z")
_CHUNK: Final = 1 << 20
_DAMAGE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENXIO, errno.ENAMETOOLONG})
"""What opening a file gives where something else, or nothing, stands in its place."""


def is_digest(text: str) -> bool:
    """Whether a text can be the name of a blob."""
    return _DIGEST.match(text) is not None


class RecordSource(Protocol):
    """Where a record is read from. Whatever it gives is untrusted."""

    def checkpoint(self, log: LogName) -> bytes | None:
        """The latest checkpoint of a log; None where the log has not begun."""

    def read(self, log: LogName, path: str) -> bytes:
        """A file of a log's static layout. Raises FileNotFoundError, or CheckFailed(LOG) where it is too large."""

    def blob(self, digest: str) -> bytes:
        """A blob by its digest (hex). Raises KeyError where it is missing, CheckFailed(BLOB-DIGEST) where its bytes are
        not those of its name or it is too large."""

    def blobs(self) -> Iterator[str]:
        """Names of the blobs at hand that look like digests (hex)."""

    def check_blob(self, digest: str, size: int | None = None) -> None:
        """Whether a blob is whole, without holding it in memory. Raises as `blob` does."""


class RecordFolder:
    """RECORD/{registry,ballot,tally}/{checkpoint,tile/...} and RECORD/blob/<sha256>.

    Raises OSError for what cannot be read at all (exit code 2), never for what is missing or damaged (exit code 1).
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(root))
        self.root = root

    def checkpoint(self, log: LogName) -> bytes | None:
        """See `RecordSource`."""
        folder = self.root / log
        if not folder.exists() and not folder.is_symlink():
            return None
        place = f"{log}/checkpoint"
        try:
            with _regular(folder / "checkpoint") as (file, _):
                # One byte more than a note may have, so that whoever parses it refuses it.
                return file.read(MAX_CHECKPOINT_BYTES + 1)
        except FileNotFoundError:
            raise CheckFailed(Check.NOTE, "the log has no checkpoint", where=place, party=WRITERS[log]) from None

    def read(self, log: LogName, path: str) -> bytes:
        """See `RecordSource`."""
        with _regular(self.root / log / path) as (file, size):
            data = file.read(MAX_BUNDLE_BYTES + 1) if size <= MAX_BUNDLE_BYTES else b""
        if max(size, len(data)) > MAX_BUNDLE_BYTES:
            raise CheckFailed(Check.LOG, "the file is too large", where=f"{log}/{path}", party=WRITERS[log])
        return data

    def blob(self, digest: str) -> bytes:
        """See `RecordSource`."""
        return b"".join(self._chunks(digest, None))

    def blobs(self) -> Iterator[str]:
        """See `RecordSource`."""
        folder = self.root / "blob"
        if folder.is_dir():
            yield from (path.name for path in sorted(folder.iterdir()) if is_digest(path.name))

    def check_blob(self, digest: str, size: int | None = None) -> None:
        """See `RecordSource`."""
        for _ in self._chunks(digest, size):
            pass

    def _chunks(self, digest: str, wanted: int | None) -> Iterator[bytes]:
        """The bytes of a blob; ends well only if they are those of its name (and as many as wanted)."""
        where = f"blob/{digest}"
        hashed, count = hashlib.sha256(), 0
        try:
            with _regular(self.root / "blob" / digest) as (file, size):
                if size > MAX_BLOB_BYTES or wanted not in (None, size):
                    raise CheckFailed(Check.BLOB_DIGEST, f"the blob has {size} bytes", where=where)
                while count <= size and (chunk := file.read(_CHUNK)):
                    count += len(chunk)
                    hashed.update(chunk)
                    yield chunk
        except FileNotFoundError:
            raise KeyError(digest) from None
        if hashed.hexdigest() != digest:
            raise CheckFailed(Check.BLOB_DIGEST, "the bytes are not those of its name", where=where)


@contextmanager
def _regular(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """An open regular file and its size. Raises FileNotFoundError where there is none, OSError for the medium."""
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in _DAMAGE:
            raise
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path)) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        with open(descriptor, "rb", closefd=False) as file:
            yield file, status.st_size
    finally:
        os.close(descriptor)
