"""Blobs where several instances of a service share one database: one instance keeps what another was sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.storage.blobs import FileBlobStore
from vemre.storage.engine import writing
from vemre.storage.models import log_blob


class SharedBlobStore:
    """Blobs in a database that several instances share, with each instance's own files before it."""

    def __init__(self, files: FileBlobStore, engine: Engine) -> None:
        """Puts into the database what only the files have."""
        self._files = files
        self._engine = engine
        for digest in set(files.digests()) - set(self._stored()):
            self._share(digest, files.get(digest))

    def put(self, data: bytes) -> str:
        """See `BlobStore`."""
        digest = self._files.put(data)
        if not self._is_stored(digest):
            self._share(digest, data)
        return digest

    def get(self, digest: str) -> bytes:
        """See `BlobStore`."""
        try:
            return self._files.get(digest)
        except FileNotFoundError:
            with self._engine.connect() as connection:
                data: bytes | None = connection.scalar(select(log_blob.c.data).where(log_blob.c.digest == digest))
            if data is None:
                raise
        if hashlib.sha256(data).hexdigest() != digest:
            raise CheckFailed(Check.BLOB_DIGEST, "the blob does not have its digest", where=f"blob/{digest}")
        self._files.put(data)
        return data

    def has(self, digest: str) -> bool:
        """See `BlobStore`."""
        return self._files.has(digest) or self._is_stored(digest)

    def digests(self) -> Iterator[str]:
        """See `BlobStore`."""
        return iter(sorted({*self._files.digests(), *self._stored()}))

    def _stored(self) -> list[str]:
        with self._engine.connect() as connection:
            return list(connection.scalars(select(log_blob.c.digest)))

    def _is_stored(self, digest: str) -> bool:
        with self._engine.connect() as connection:
            return connection.scalar(select(log_blob.c.digest).where(log_blob.c.digest == digest)) is not None

    def _share(self, digest: str, data: bytes) -> None:
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        with writing(self._engine) as connection:
            connection.execute(dialect.insert(log_blob).values(digest=digest, data=data).on_conflict_do_nothing())
