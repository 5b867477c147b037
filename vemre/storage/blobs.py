"""Blobs: large values named by their SHA-256. They are stored before the record that names them is appended.

Source: protocol, sections 3 and appendix B [BLOB-DIGEST].
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

from vemre.checks import Check
from vemre.errors import CheckFailed

_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class BlobStore(Protocol):
    """Where blobs are kept. When `put` returns, the blob is durable; what `get` gives has the digest asked for."""

    def put(self, data: bytes) -> str:
        """Keep a blob; gives its SHA-256 in hex. Keeping it again changes nothing."""

    def get(self, digest: str) -> bytes:
        """The blob. Raises FileNotFoundError where it is not kept, CheckFailed(BLOB-DIGEST) where it was altered."""

    def has(self, digest: str) -> bool:
        """Whether the blob is kept."""

    def digests(self) -> Iterator[str]:
        """The digests of all blobs, sorted."""


class FileBlobStore:
    """Blobs as files of a folder, under their digests: the `blob` folder of an election record."""

    def __init__(self, folder: Path) -> None:
        """Creates the folder where it is missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    def put(self, data: bytes) -> str:
        """See `BlobStore`."""
        digest = hashlib.sha256(data).hexdigest()
        if not self._holds(digest, data):
            write_durably(self.folder / digest, data)
        return digest

    def get(self, digest: str) -> bytes:
        """See `BlobStore`."""
        data = self._path(digest).read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise CheckFailed(Check.BLOB_DIGEST, "the blob does not have its digest", where=f"blob/{digest}")
        return data

    def has(self, digest: str) -> bool:
        """See `BlobStore`."""
        return bool(_DIGEST.fullmatch(digest)) and (self.folder / digest).is_file()

    def digests(self) -> Iterator[str]:
        """See `BlobStore`."""
        return iter(sorted(name for name in os.listdir(self.folder) if _DIGEST.fullmatch(name)))

    def _path(self, digest: str) -> Path:
        # A name that is not a digest never reaches the file system.
        if not _DIGEST.fullmatch(digest):
            raise FileNotFoundError(digest)
        return self.folder / digest

    def _holds(self, digest: str, data: bytes) -> bool:
        """Whether the very bytes are there (a damaged file is written anew)."""
        try:
            return (self.folder / digest).read_bytes() == data
        except FileNotFoundError:
            return False


def write_durably(path: Path, data: bytes) -> None:
    """Write a public file so that after a loss of power it is there whole or not at all (mode 0644)."""
    write_whole(path, data, sync=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_whole(path: Path, data: bytes, *, sync: bool = False) -> None:
    """Write a public file so that no reader ever sees a part of it (mode 0644)."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
