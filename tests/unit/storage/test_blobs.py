"""Blobs are durable before their name is used, and what is read has the digest asked for."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.storage.blobs import BlobStore, FileBlobStore
from vemre.storage.engine import open_engine
from vemre.storage.models import log_blob
from vemre.storage.schema import upgrade
from vemre.storage.shared_blobs import SharedBlobStore


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobStore:
    return FileBlobStore(tmp_path / "record" / "blob")


def test_round_trip(blobs: FileBlobStore) -> None:
    store: BlobStore = blobs
    for data in (b"", b"a", bytes(range(256)) * 5000):
        digest = store.put(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert store.put(data) == digest
        assert store.get(digest) == data
        assert store.has(digest)
        assert (blobs.folder / digest).stat().st_mode & 0o777 == 0o644
    assert list(store.digests()) == sorted(os.listdir(blobs.folder))
    assert len(list(store.digests())) == 3


def test_an_altered_blob_is_refused_and_can_be_put_again(blobs: FileBlobStore) -> None:
    digest = blobs.put(b"shares")
    (blobs.folder / digest).write_bytes(b"sharez")
    with pytest.raises(CheckFailed) as caught:
        blobs.get(digest)
    assert (caught.value.check, caught.value.where) == (Check.BLOB_DIGEST, f"blob/{digest}")
    assert blobs.put(b"shares") == digest
    assert blobs.get(digest) == b"shares"


@pytest.mark.parametrize("name", ["", "..", "../secret", "a" * 63, "A" * 64, "g" * 64, "a" * 64 + "\n", "/etc/passwd"])
def test_only_digests_name_blobs(blobs: FileBlobStore, name: str) -> None:
    (blobs.folder.parent / "secret").write_bytes(b"x")
    assert not blobs.has(name)
    with pytest.raises(FileNotFoundError):
        blobs.get(name)


def test_a_missing_blob_is_not_found(blobs: FileBlobStore) -> None:
    assert not blobs.has("a" * 64)
    with pytest.raises(FileNotFoundError):
        blobs.get("a" * 64)


def test_a_write_that_fails_leaves_nothing(blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        blobs.put(b"data")
    assert os.listdir(blobs.folder) == []


def test_the_file_and_its_folder_are_synced_before_put_returns(
    blobs: FileBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("sync"), fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append("rename"), replace(a, b))[1])
    blobs.put(b"data")
    assert events == ["sync", "rename", "sync"]


def test_instances_that_share_a_database_share_blobs(tmp_path: Path, database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    files = [FileBlobStore(tmp_path / str(number)) for number in range(3)]
    before = files[0].put(b"from an earlier version")
    first, second = SharedBlobStore(files[0], engine), SharedBlobStore(files[1], engine)
    digest = first.put(b"roll")
    assert first.put(b"roll") == digest
    assert second.has(digest)
    assert not files[1].has(digest)
    assert (second.get(digest), second.get(before)) == (b"roll", b"from an earlier version")
    assert files[1].has(digest)
    assert list(second.digests()) == sorted([digest, before])
    with pytest.raises(FileNotFoundError):
        second.get("0" * 64)
    with engine.begin() as connection:
        connection.execute(log_blob.update().values(data=b"altered"))
    with pytest.raises(CheckFailed):
        SharedBlobStore(files[2], engine).get(digest)
    engine.dispose()
