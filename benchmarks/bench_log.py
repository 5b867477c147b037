"""The log: signatures, checkpoints, proofs, reading, and appending with a durable commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vemre.crypto import ed25519
from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, OpenedCheckpoint, open_checkpoint
from vemre.log.note import Note
from vemre.log.proof import Receipt
from vemre.log.reader import LogReader
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.storage.engine import open_engine, sqlite_url
from vemre.storage.group_commit import GroupCommitter
from vemre.storage.log_store import LogStore
from vemre.storage.schema import upgrade

Benchmark = Any

ENTRY = bytes(range(256)) * 8  # 2 KiB, the size of a ballot of a few contests
LOG = LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes([1]) * 32))
WITNESSES = [Ed25519Cosigner(f"auditor{i}.example/w", SigningKey.from_seed(bytes([i + 2]) * 32)) for i in range(2)]
KEYS = [witness.vkey for witness in WITNESSES]
READ_ENTRIES = 10_000


def entry(index: int) -> bytes:
    return index.to_bytes(8, "big") + ENTRY


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    engine = open_engine(sqlite_url(tmp_path / "log.sqlite"))
    upgrade(engine)
    yield LogStore.create(engine, LOG)
    engine.dispose()


@pytest.fixture(scope="module")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogStore]:
    """A log of 10,000 entries."""
    engine = open_engine(sqlite_url(tmp_path_factory.mktemp("log") / "log.sqlite"))
    upgrade(engine)
    store = LogStore.create(engine, LOG)
    with store.transaction() as transaction:
        transaction.append(entry(i) for i in range(READ_ENTRIES))
    yield store
    engine.dispose()


def cosigned() -> bytes:
    note = Note.parse(LOG.sign(7, bytes(32)))
    checkpoint = Checkpoint.parse(note.text)
    return note.with_lines(witness.cosign(checkpoint, 1_700_000_000) for witness in WITNESSES).encode()


@pytest.mark.benchmark(group="log: signatures and checkpoints")
class TestCheckpoints:
    def test_ed25519_sign(self, benchmark: Benchmark) -> None:
        key = SigningKey.from_seed(bytes(32))
        benchmark(key.sign, ENTRY)

    def test_ed25519_verify_strict(self, benchmark: Benchmark) -> None:
        key = SigningKey.from_seed(bytes(32))
        benchmark(ed25519.verify, key.public, ENTRY, key.sign(ENTRY))

    def test_ed25519_check_public(self, benchmark: Benchmark) -> None:
        benchmark(ed25519.check_public, SigningKey.from_seed(bytes(32)).public)

    def test_checkpoint_sign(self, benchmark: Benchmark) -> None:
        benchmark(LOG.sign, 7, bytes(32))

    def test_checkpoint_open_with_two_cosignatures(self, benchmark: Benchmark) -> None:
        opened: OpenedCheckpoint = benchmark(open_checkpoint, cosigned(), LOG.vkey, KEYS)
        assert len(opened.cosigners) == 2

    def test_cosign(self, benchmark: Benchmark) -> None:
        benchmark(WITNESSES[0].cosign, Checkpoint(LOG.origin, 7, bytes(32)), 1_700_000_000)


@pytest.mark.benchmark(group="log: proofs and receipts (10,000 entries)")
class TestProofs:
    def test_inclusion_proof(self, benchmark: Benchmark, full_store: LogStore) -> None:
        proof = benchmark(full_store.inclusion_proof, 4321, READ_ENTRIES)
        assert len(proof) == 14

    def test_consistency_proof(self, benchmark: Benchmark, full_store: LogStore) -> None:
        benchmark(full_store.consistency_proof, 4321, READ_ENTRIES)

    def test_receipt(self, benchmark: Benchmark, full_store: LogStore) -> None:
        benchmark(full_store.receipt, READ_ENTRIES - 1)

    def test_receipt_verify(self, benchmark: Benchmark, full_store: LogStore) -> None:
        data, leaf = full_store.receipt(4321).encode(), merkle.leaf_hash(entry(4321))
        benchmark(lambda: Receipt.parse(data).verify(leaf, LOG.vkey))


@pytest.mark.benchmark(group="log: reading and starting (10,000 entries)")
class TestReading:
    def test_read_and_authenticate_all_entries(self, benchmark: Benchmark, full_store: LogStore) -> None:
        checkpoint = Checkpoint(LOG.origin, READ_ENTRIES, full_store.root_at(READ_ENTRIES))
        files: dict[str, bytes] = {}

        def fetch(path: str) -> bytes:
            if path not in files:
                files[path] = full_store.read_path(path)
            return files[path]

        def read() -> int:
            return sum(1 for _ in LogReader(fetch, checkpoint, name="ballot").entries())

        read()
        assert benchmark.pedantic(read, rounds=5) == READ_ENTRIES

    def test_open_the_store(self, benchmark: Benchmark, full_store: LogStore) -> None:
        benchmark.pedantic(lambda: LogStore(full_store._engine, LOG), rounds=5)


@pytest.mark.benchmark(group="log: append and commit (SQLite, synchronous=FULL)")
class TestAppending:
    @pytest.mark.parametrize("batch", [1, 8, 64, 256])
    def test_append_and_commit(self, benchmark: Benchmark, store: LogStore, batch: int) -> None:
        entries = [entry(i) for i in range(batch)]

        def append() -> None:
            with store.transaction() as transaction:
                transaction.append(entries)

        benchmark.extra_info["entries"] = batch
        benchmark(append)

    def test_256_requests_by_group_commit(self, benchmark: Benchmark, store: LogStore) -> None:
        with GroupCommitter(store) as committer:

            def serve() -> None:
                futures = [committer.submit(lambda t, i=i: t.append([entry(i)])) for i in range(256)]  # type: ignore[misc]
                for future in futures:
                    future.result()

            benchmark.extra_info["entries"] = 256
            benchmark(serve)
