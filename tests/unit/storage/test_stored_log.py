"""What a log serves: proofs, tiles, receipts, cosigned checkpoints, static exports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.errors import CheckFailed, StoreError
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, open_checkpoint
from vemre.log.note import Vkey
from vemre.log.proof import Receipt
from vemre.log.reader import LogReader
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.log.tiles import tile_paths
from vemre.storage.log_store import LogStore
from vemre.storage.static_log import export_log
from vemre.storage.stored_log import StoredLog

Append = Callable[..., range]
WITNESSES = [Ed25519Cosigner(f"auditor{i}.example/w", SigningKey.from_seed(bytes([i + 10]) * 32)) for i in range(3)]
AUDITORS = {"auditor/1": [WITNESSES[0].vkey, WITNESSES[1].vkey], "auditor/2": [WITNESSES[2].vkey]}
KEYS = [witness.vkey for witness in WITNESSES]


def entries(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %d" % i for i in range(start, start + count)]


def cosign(store: StoredLog, size: int, *witnesses: Ed25519Cosigner, time: int = 1_700_000_000) -> str:
    checkpoint = Checkpoint(store.origin, size, store.root_at(size))
    return "".join(str(witness.cosign(checkpoint, time)) for witness in witnesses)


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1000])
def test_what_is_served_reads_back(store: LogStore, append: Append, signer: LogSigner, size: int) -> None:
    append(*entries(size))
    opened = open_checkpoint(store.read_path("checkpoint"), signer.vkey)
    reader = LogReader(store.read_path, opened.checkpoint, name="ballot")
    assert list(reader.entries()) == entries(size)


def test_earlier_partial_tiles_are_served_too(store: LogStore, append: Append, signer: LogSigner) -> None:
    append(*entries(300))
    early = open_checkpoint(store.checkpoint, signer.vkey)
    append(*entries(500, 300))
    assert list(LogReader(store.read_path, early.checkpoint, name="ballot").entries()) == entries(300)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "checkpoint/",
        "Checkpoint",
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/0/002.p/1",
        "tile/1/000",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/entries/001",
        "tile/entries/001.p/45",
        "tile/0/0",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/x000/000",
        "tile/00/000",
        "tile/63/000",
        "tile/0/../../checkpoint",
        "../test.sqlite",
    ],
)
def test_every_other_path_is_not_found(store: LogStore, append: Append, path: str) -> None:
    append(*entries(300))
    for good in ("tile/0/001.p/44", "tile/0/000.p/7", "tile/1/000.p/1", "tile/entries/001.p/44"):
        store.read_path(good)
    with pytest.raises(FileNotFoundError):
        store.read_path(path)


def test_proofs_of_all_sizes(store: LogStore, append: Append) -> None:
    append(*entries(300))
    append(*entries(300, 300))
    leaves = [merkle.leaf_hash(entry) for entry in entries(600)]
    roots = {size: merkle.root(leaves[:size]) for size in (1, 2, 255, 256, 257, 300, 511, 512, 600)}
    for size, root in roots.items():
        assert store.root_at(size) == root
        for index in {0, size // 2, size - 1}:
            assert store.leaf_hash(index) == leaves[index]
            merkle.verify_inclusion(index, size, leaves[index], store.inclusion_proof(index, size), root)
        for old, old_root in roots.items():
            if old <= size:
                merkle.verify_consistency(old, size, old_root, root, store.consistency_proof(old, size))
    for wrong in (
        lambda: store.inclusion_proof(0, 601),
        lambda: store.consistency_proof(1, 601),
        lambda: store.root_at(-1),
    ):
        with pytest.raises(ValueError):
            wrong()
    for index in (-1, 600):
        for missing in (store.entry, store.leaf_hash, store.receipt):
            with pytest.raises(IndexError):
                missing(index)


def test_entries_from_and_up_to(store: LogStore, append: Append) -> None:
    append(*entries(600))
    assert list(store.entries(250, 520)) == entries(270, 250)
    assert list(store.entries(599)) == entries(1, 599)
    assert list(store.entries(600)) == []
    assert list(store.entries(0, 9999)) == entries(600)


# --- receipts ---


def test_receipts_verify_and_stay_the_same(store: LogStore, append: Append, signer: LogSigner) -> None:
    append(*entries(10))
    early = store.receipt(3).encode()
    append(*entries(400, 10))
    assert store.receipt(3).encode() == early
    for index in (0, 9, 10, 409):
        receipt = Receipt.parse(store.receipt(index).encode())
        opened = receipt.verify(merkle.leaf_hash(b"entry %d" % index), signer.vkey)
        assert opened.size == (10 if index < 10 else 410)
    upgraded = store.receipt(3, store.checkpoint)
    assert upgraded.verify(merkle.leaf_hash(b"entry 3"), signer.vkey).size == 410
    with pytest.raises(ValueError):
        store.receipt(200, store.checkpoint_at(10))


def test_a_receipt_carries_the_cosignatures_that_came(store: LogStore, append: Append, signer: LogSigner) -> None:
    append(*entries(10))
    store.add_cosignatures(10, cosign(store, 10, WITNESSES[0]), KEYS)
    opened = store.receipt(3).verify(merkle.leaf_hash(b"entry 3"), signer.vkey, KEYS)
    assert set(opened.cosigners) == {WITNESSES[0].vkey}


def test_receipts_are_right_while_the_log_grows(store: LogStore, append: Append, signer: LogSigner) -> None:
    append(b"entry 0")
    stop, errors = threading.Event(), list[Exception]()

    def read() -> None:
        while not stop.is_set():
            try:
                for index in {0, store.size // 2, store.size - 1}:
                    store.receipt(index).verify(merkle.leaf_hash(b"entry %d" % index), signer.vkey)
                    store.receipt(index, store.checkpoint).verify(merkle.leaf_hash(b"entry %d" % index), signer.vkey)
                    store.read_path(f"tile/0/{store.size // 256:03}.p/1") if store.size % 256 else None
            except Exception as error:
                errors.append(error)
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for _ in range(60):
        append(*entries(17, store.size))
    stop.set()
    for reader in readers:
        reader.join()
    assert errors == []


# --- cosignatures ---


def test_cosigned_checkpoints_stay_retrievable(store: LogStore, append: Append, signer: LogSigner) -> None:
    append(*entries(5))
    assert store.latest_cosigned(AUDITORS, 2) is None
    assert set(store.add_cosignatures(5, cosign(store, 5, WITNESSES[0], WITNESSES[2]), KEYS)) == {KEYS[0], KEYS[2]}
    append(*entries(5, 5))
    assert set(store.add_cosignatures(10, cosign(store, 10, WITNESSES[0], WITNESSES[1]), KEYS)) == {KEYS[0], KEYS[1]}
    latest = store.latest_cosigned(AUDITORS, 2)
    assert latest is not None
    assert latest.size == 5
    assert latest.note.encode() == store.checkpoint_at(5)
    assert store.latest_cosigned(AUDITORS, 2, covering=6) is None
    one = store.latest_cosigned(AUDITORS, 1)
    assert one is not None
    assert one.size == 10
    published = open_checkpoint(store.published_checkpoint(), signer.vkey, KEYS)
    assert (published.size, set(published.cosigners)) == (10, {KEYS[0], KEYS[1]})
    store.add_cosignatures(10, cosign(store, 10, WITNESSES[2]), KEYS)
    newest = store.latest_cosigned(AUDITORS, 2, covering=6)
    assert newest is not None
    assert newest.size == 10


def test_a_newer_cosignature_replaces_an_older_one(store: LogStore, append: Append, signer: LogSigner) -> None:
    append(b"a")
    for time, kept in [(100, 100), (200, 200), (150, 200), (200, 200)]:
        store.add_cosignatures(1, cosign(store, 1, WITNESSES[0], time=time), KEYS)
        assert open_checkpoint(store.checkpoint_at(1), signer.vkey, KEYS).cosigners == {KEYS[0]: kept}


def test_wrong_and_unknown_cosignatures_are_not_kept(store: LogStore, append: Append, signer: LogSigner) -> None:
    append(b"a", b"b")
    good, other = cosign(store, 2, WITNESSES[0]), cosign(store, 2, WITNESSES[1])
    wrong = str(WITNESSES[2].cosign(Checkpoint(store.origin, 2, bytes(32)), 1))
    for lines in (wrong, good + wrong, good + good, good[:-1], "", "text\n"):
        with pytest.raises(CheckFailed) as caught:
            store.add_cosignatures(2, lines, KEYS)
        assert caught.value.check == Check.NOTE
    assert set(store.add_cosignatures(2, other, [KEYS[0]])) == set()
    own = Ed25519Cosigner("log.example/w", SigningKey.from_seed(bytes([1]) * 32))
    assert set(store.add_cosignatures(2, cosign(store, 2, own), [own.vkey])) == set()
    assert store.published_checkpoint() == store.checkpoint
    for size in (1, 3, -1):
        with pytest.raises(ValueError):
            store.add_cosignatures(size, good, KEYS)


# --- static export ---


def read_folder(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_an_export_is_the_static_log(store: LogStore, append: Append, tmp_path: Path, signer: LogSigner) -> None:
    append(*entries(300))
    store.add_cosignatures(300, cosign(store, 300, WITNESSES[0], WITNESSES[2]), KEYS)
    export_log(store, tmp_path / "record")
    files = read_folder(tmp_path / "record")
    assert set(files) == {"checkpoint", *tile_paths(300)}
    assert files["checkpoint"] == store.published_checkpoint()
    assert len(open_checkpoint(files["checkpoint"], signer.vkey, KEYS).cosigners) == 2
    export_log(store, tmp_path / "record")
    assert read_folder(tmp_path / "record") == files


def test_an_export_at_an_earlier_checkpoint(store: LogStore, append: Append, tmp_path: Path, signer: LogSigner) -> None:
    append(*entries(300))
    note = store.checkpoint
    append(*entries(300, 300))
    export_log(store, tmp_path, note)
    files = read_folder(tmp_path / "tile")
    assert {f"tile/{path}" for path in files} == set(tile_paths(300))
    opened = open_checkpoint((tmp_path / "checkpoint").read_bytes(), signer.vkey)
    reader = LogReader(lambda path: (tmp_path / path).read_bytes(), opened.checkpoint, name="ballot")
    assert list(reader.entries()) == entries(300)


def test_an_export_never_overwrites(store: LogStore, append: Append, tmp_path: Path, signer: LogSigner) -> None:
    append(*entries(10))
    export_log(store, tmp_path)
    (tmp_path / "tile/0/000.p/10").write_bytes(b"other")
    with pytest.raises(StoreError, match="other bytes"):
        export_log(store, tmp_path)
    assert (tmp_path / "tile/0/000.p/10").read_bytes() == b"other"
    with pytest.raises(StoreError):
        export_log(store, tmp_path / "b", signer.sign(11, bytes(32)))
    assert not (tmp_path / "b").exists()


def test_a_reader_has_no_way_to_write(engine: Engine, store: LogStore, signer: LogSigner) -> None:
    vkey: Vkey = signer.vkey
    assert not hasattr(StoredLog(engine, vkey), "transaction")
