"""Following a log that nobody is trusted to serve: every lie of a server is found, and changes nothing."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vemre.checks import Check
from vemre.errors import CheckFailed, Refused
from vemre.messages import RemoteProblem, Unreachable, problem
from vemre.records.fields import Blob
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.follower import Follower
from vemre.service.sources import FolderSource, LogSource, read_regular
from vemre.storage.static_log import export_log


class Liar:
    """Serves a log, with some files replaced."""

    def __init__(self, served: Any) -> None:
        self.served = served
        self.files: dict[str, bytes | None] = {}

    def checkpoint(self, *, cosigned: bool = False, covering: int = 0) -> bytes:
        if cosigned:
            opened = self.served.store.latest_cosigned(self.served.auditors, 2, covering=covering)
            if opened is None:
                raise RemoteProblem(problem("not-cosigned-yet"))
            return bytes(opened.note.encode())
        return self._file("checkpoint")

    def tile(self, path: str) -> bytes:
        return self._file(path)

    def blob(self, digest: str, limit: int) -> bytes:
        return self.files.get(digest) or bytes(self.served.blobs.get(digest))

    def _file(self, path: str) -> bytes:
        if path in self.files:
            data = self.files[path]
            if data is None:
                raise FileNotFoundError(path)
            return data
        return bytes(self.served.store.read_path(path))


@pytest.fixture
def liar(served: Any) -> Liar:
    return Liar(served)


def follow(served: Any, source: LogSource, **options: Any) -> Follower:
    return Follower("tally", served.store.vkey, source, auditors=served.auditors, **options)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def take(follower: Follower) -> list[bytes]:
    follower.refresh()
    given = list(follower.new_entries())
    assert [index for index, _ in given] == list(range(follower.size - len(given), follower.size))
    assert follower.position == follower.size
    return [entry for _, entry in given]


def fails(follower: Follower, check: Check) -> CheckFailed:
    """Following fails so, and names the log."""
    with pytest.raises(CheckFailed) as failed:
        take(follower)
    assert failed.value.check is check
    assert failed.value.party == "tally"
    assert failed.value.where is not None
    assert failed.value.where.startswith("tally")
    return failed.value


def test_new_entries_are_given_once(served: Any, liar: Liar) -> None:
    follower = follow(served, liar)
    assert (take(follower), follower.size) == ([], 0)
    served.append(b"a", b"b")
    assert take(follower) == [b"a", b"b"]
    assert take(follower) == []
    served.append(*(b"%d" % number for number in range(300)))
    assert len(take(follower)) == 300
    assert follower.size == 302


def test_entry_whose_consumer_failed_is_given_again(served: Any, liar: Liar) -> None:
    follower = follow(served, liar)
    assert list(follower.new_entries()) == []
    served.append(b"a", b"b", b"c")
    follower.refresh()
    entries = follower.new_entries()
    assert (next(entries), next(entries)) == ((0, b"a"), (1, b"b"))
    entries.close()
    served.append(b"d")
    assert take(follower) == [b"b", b"c", b"d"]


def test_following_goes_on_in_another_run(served: Any, liar: Liar) -> None:
    first = follow(served, liar)
    served.append(b"a", b"b")
    take(first)
    served.append(b"c")
    second = follow(served, liar, seen=first.checkpoint_bytes, position=1)
    assert list(second.new_entries()) == [(1, b"b")]
    assert take(second) == [b"c"]
    with pytest.raises(ValueError, match="taken over"):
        follow(served, liar, seen=first.checkpoint_bytes, position=3)
    with pytest.raises(ValueError, match="taken over"):
        follow(served, liar, position=1)


def test_refused_checkpoint_changes_nothing(served: Any, liar: Liar) -> None:
    follower = follow(served, liar)
    served.append(b"a", b"b")
    take(follower)
    before = follower.checkpoint_bytes
    liar.files["checkpoint"] = served.store.checkpoint_at(0)
    fails(follower, Check.CHECKPOINT)
    assert (follower.checkpoint_bytes, follower.size) == (before, 2)
    assert follower.position == 2
    assert list(follower.new_entries()) == []


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/001.p/44", "tile/entries/000", "tile/entries/001.p/44", "tile/1/000.p/1"]
)
def test_flipped_tile(served: Any, liar: Liar, path: str) -> None:
    follower = follow(served, liar)
    served.append(b"first")
    take(follower)
    served.append(*(b"%d" % number for number in range(299)))
    honest = served.store.read_path(path)
    for place in (0, len(honest) // 2, len(honest) - 1):
        liar.files[path] = flipped(honest, place)
        fails(follower, Check.LOG)
    for wrong in (b"", honest[:-1], honest + b"\0", None):
        liar.files[path] = wrong
        fails(follower, Check.LOG)
        # What was given before the lie is authentic, and nothing after it was given.
        assert follower.position in (1, 256)
    del liar.files[path]
    assert take(follower)[-1] == b"298"
    assert follower.position == 300


def test_flipped_checkpoint(served: Any, liar: Liar) -> None:
    served.append(b"a")
    follower = follow(served, liar)
    honest = served.store.published_checkpoint()
    for place in range(len(honest)):
        liar.files["checkpoint"] = flipped(honest, place)
        fails(follower, Check.NOTE)
    liar.files["checkpoint"] = None
    fails(follower, Check.NOTE)


def test_rolled_back_log(served: Any, liar: Liar) -> None:
    follower = follow(served, liar)
    served.append(b"a", b"b")
    take(follower)
    liar.files["checkpoint"] = served.store.checkpoint_at(0)
    assert "went back" in fails(follower, Check.CHECKPOINT).detail


def test_split_view_of_the_same_size(served: Any, liar: Liar, serve_log: Callable[..., Any]) -> None:
    follower = follow(served, liar)
    served.append(b"a", b"b")
    take(follower)
    other = serve_log("other")
    other.append(b"a", b"x")
    liar.served = other
    assert "two roots" in fails(follower, Check.CHECKPOINT).detail


@pytest.mark.parametrize("size", [3, 256, 300])
def test_split_view_of_a_larger_size(served: Any, liar: Liar, serve_log: Callable[..., Any], size: int) -> None:
    follower = follow(served, liar)
    served.append(b"a", b"b")
    take(follower)
    other = serve_log("other")
    other.append(b"a", b"x", *(b"%d" % number for number in range(size - 2)))
    liar.served = other
    assert "does not continue" in fails(follower, Check.CHECKPOINT).detail


def test_another_logs_key(served: Any, liar: Liar, serve_log: Callable[..., Any]) -> None:
    other = serve_log("other", 2)
    other.append(b"a")
    liar.served = other
    fails(follow(served, liar), Check.NOTE)


def test_cosigned_checkpoint(served: Any, liar: Liar) -> None:
    follower = follow(served, liar)
    served.append(b"a")
    served.cosign(1, "auditor/1")
    with pytest.raises(Refused) as refused:
        follower.cosigned(1)
    assert refused.value.code == "not-cosigned-yet"
    assert refused.value.params == {"log": "tally", "size": 1, "missing": "auditor/2"}
    served.cosign(1, "auditor/2")
    assert follower.cosigned(1).startswith("localhost/8f14e45f/tally\n1\n")
    served.append(b"b")
    take(follower)
    assert follower.cosigned(1).count("\n\u2014 ") == 3
    with pytest.raises(Refused, match="not-cosigned-yet"):
        follower.cosigned(2)
    again = follow(served, liar, seen=follower.checkpoint_bytes, position=2)
    assert again.cosigned(0) == follower.cosigned(1)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_cosigned_checkpoint_of_another_log_is_found(
    served: Any, liar: Liar, serve_log: Callable[..., Any], size: int
) -> None:
    """Even where both auditors were made to sign a second log."""
    follower = follow(served, liar)
    served.append(b"a", b"b")
    take(follower)
    other = serve_log("other")
    other.append(*[b"x", b"y", b"z"][:size])
    other.cosign(size)
    liar.served = other
    with pytest.raises(CheckFailed) as failed:
        follower.cosigned(1)
    assert failed.value.check is Check.CHECKPOINT


def test_following_cosigned_checkpoints_alone(served: Any, liar: Liar) -> None:
    follower = follow(served, liar, cosigned_only=True)
    served.append(b"a")
    with pytest.raises(Refused, match="not-cosigned-yet"):
        take(follower)
    served.cosign(1)
    served.append(b"b")
    assert take(follower) == [b"a"]
    assert take(follower) == []
    served.cosign(2)
    assert take(follower) == [b"b"]


def test_remote_failures_other_than_waiting_go_through(
    served: Any, liar: Liar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> bytes:
        raise RemoteProblem(problem("internal"))

    monkeypatch.setattr(liar, "checkpoint", fail)
    with pytest.raises(RemoteProblem):
        follow(served, liar).cosigned(0)


def test_blobs_are_verified(served: Any, liar: Liar) -> None:
    follower = follow(served, liar)
    digest = served.blobs.put(b"shares")
    assert follower.blob(Blob(digest, 6)) == b"shares"
    for wrong in (Blob(digest, 5), Blob(digest, 7), Blob(digest, 1 << 40), Blob("00" * 32, 6)):
        with pytest.raises(CheckFailed) as failed:
            follower.blob(wrong)
        assert (failed.value.check, failed.value.where) == (Check.BLOB_DIGEST, f"blob/{wrong.sha256}")
        assert failed.value.party == "tally"
    liar.files[digest] = b"sharez"
    with pytest.raises(CheckFailed):
        follower.blob(Blob(digest, 6))


# --- the two sources ----------------------------------------------------------------------------------------------


def http_source(served: Any) -> HttpSource:
    client = ServiceClient("http://testserver", transport=served.client._transport, attempts=1)
    return HttpSource(client)


def folder_source(served: Any, folder: Path) -> FolderSource:
    export_log(served.store, folder / "tally")
    os.symlink(served.blobs.folder, folder / "blob")
    return FolderSource(folder, "tally")


@pytest.mark.parametrize("kind", ["http", "folder"])
def test_both_sources_serve_the_same(served: Any, tmp_path: Path, kind: str) -> None:
    entries = [b"%d" % number for number in range(260)]
    digest = served.blobs.put(b"shares")
    served.append(*entries)
    served.cosign(260)
    source: LogSource = http_source(served) if kind == "http" else folder_source(served, tmp_path / "record")
    follower = follow(served, source)
    assert take(follower) == entries
    assert follower.blob(Blob(digest, 6)) == b"shares"
    assert follower.cosigned(200).startswith("localhost/8f14e45f/tally\n260\n")
    with pytest.raises(Refused) as refused:
        follower.cosigned(261)
    assert refused.value.code == "not-cosigned-yet"
    for limit, other in ((5, digest), (6, "00" * 32)):
        with pytest.raises(CheckFailed) as failed:
            follower.blob(Blob(other, limit))
        assert failed.value.check is Check.BLOB_DIGEST
    with pytest.raises(FileNotFoundError):
        source.tile("tile/7/000")


def test_folder_with_too_few_cosignatures(served: Any, tmp_path: Path) -> None:
    served.append(b"a")
    served.cosign(1, "auditor/2")
    follower = follow(served, folder_source(served, tmp_path / "record"))
    with pytest.raises(Refused) as refused:
        follower.cosigned(1)
    assert refused.value.params["missing"] == "auditor/1"


def test_empty_folder(served: Any, tmp_path: Path) -> None:
    fails(follow(served, FolderSource(tmp_path, "tally")), Check.NOTE)
    with pytest.raises(CheckFailed):
        follow(served, FolderSource(tmp_path, "tally")).cosigned(0)


def test_only_regular_files_of_their_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    os.symlink(tmp_path / "file", tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    assert read_regular(tmp_path / "file", 5, Check.LOG) == b"12345"
    for name in ("link", "pipe", "none", ".", "file/x"):
        with pytest.raises(FileNotFoundError):
            read_regular(tmp_path / name, 5, Check.LOG)
    with pytest.raises(FileNotFoundError):
        read_regular(Path("/dev/zero"), 5, Check.LOG)
    with pytest.raises(CheckFailed) as failed:
        read_regular(tmp_path / "file", 4, Check.BLOB_DIGEST)
    assert failed.value.check is Check.BLOB_DIGEST


def test_server_that_is_not_there(served: Any) -> None:
    client = ServiceClient("http://127.0.0.1:1", attempts=1)
    with client, pytest.raises(Unreachable):
        follow(served, HttpSource(client)).refresh()
