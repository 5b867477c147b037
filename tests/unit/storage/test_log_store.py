"""The writer of a log: all or nothing, compare-and-swap, and what it finds when it starts again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, RootTransaction, Table, func, insert, select, text

from vemre.checks import Check
from vemre.errors import CheckFailed, StoreError
from vemre.log import merkle
from vemre.log.checkpoint import open_checkpoint
from vemre.log.signer import LogSigner
from vemre.storage.engine import writing
from vemre.storage.log_store import LogStore
from vemre.storage.stored_log import StoredLog

Append = Callable[..., range]


def rows(engine: Engine, table: Table) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def entries(count: int, start: int = 0) -> list[bytes]:
    return [b"entry %d" % i for i in range(start, start + count)]


def root(items: list[bytes]) -> bytes:
    return merkle.root(map(merkle.leaf_hash, items))


def test_a_new_log_is_empty_and_signed(store: LogStore, signer: LogSigner) -> None:
    opened = open_checkpoint(store.published_checkpoint(), signer.vkey)
    assert (opened.size, opened.root) == (0, merkle.EMPTY_ROOT)
    assert list(store.entries()) == []


def test_a_log_begins_once(store: LogStore, engine: Engine, signer: LogSigner) -> None:
    with pytest.raises(StoreError, match="exists already"):
        LogStore.create(engine, signer)


def test_a_missing_log_is_not_begun_by_opening(engine: Engine, signer: LogSigner) -> None:
    with pytest.raises(StoreError, match="no such log"):
        LogStore(engine, signer)


def test_two_logs_share_a_database(store: LogStore, engine: Engine, append: Append) -> None:
    from vemre.crypto.signing import SigningKey

    append(b"a", b"b")
    other = LogStore.create(engine, LogSigner("vemre.example/tally", SigningKey.from_seed(bytes([2]) * 32)))
    with other.transaction() as transaction:
        transaction.append([b"c"])
    assert (list(store.entries()), list(other.entries())) == ([b"a", b"b"], [b"c"])
    assert other.root_at(1) == root([b"c"])


@pytest.mark.parametrize("batches", [[1], [255], [256], [257], [100, 100, 100], [255, 1, 1], [600, 0, 300]])
def test_batches_of_any_size(store: LogStore, engine: Engine, signer: LogSigner, batches: list[int]) -> None:
    written: list[bytes] = []
    for batch in batches:
        with store.transaction() as transaction:
            indices = transaction.append(entries(batch, len(written)))
        assert indices == range(len(written), len(written) + batch)
        written += entries(batch, len(written))
        opened = open_checkpoint(store.checkpoint, signer.vkey)
        assert (opened.size, opened.root) == (len(written), root(written))
    for again in (store, LogStore(engine, signer), StoredLog(engine, signer.vkey)):
        assert again.size == len(written)
        assert list(again.entries()) == written
        assert again.checkpoint == store.checkpoint


def test_a_service_row_and_its_entry_commit_together(store: LogStore, engine: Engine, voted: Table) -> None:
    with store.transaction() as transaction:
        transaction.connection.execute(insert(voted).values(credential="c1"))
        transaction.append([b"ballot"])
    assert (store.size, rows(engine, voted)) == (1, 1)
    with pytest.raises(KeyError), store.transaction() as transaction:  # noqa: PT012
        transaction.connection.execute(insert(voted).values(credential="c2"))
        transaction.append([b"ballot 2"])
        raise KeyError("a fault of the caller")
    assert (store.size, rows(engine, voted)) == (1, 1)
    with store.transaction() as transaction:
        transaction.append([b"ballot 3"])
    assert list(store.entries()) == [b"ballot", b"ballot 3"]


def test_a_transaction_without_entries_signs_nothing(store: LogStore, engine: Engine, voted: Table) -> None:
    before = store.checkpoint
    with store.transaction() as transaction:
        transaction.connection.execute(insert(voted).values(credential="c1"))
    assert (store.checkpoint, rows(engine, voted)) == (before, 1)


def test_a_savepoint_is_taken_back_alone(store: LogStore, engine: Engine, voted: Table) -> None:
    with store.transaction() as transaction:
        with transaction.savepoint():
            assert transaction.append(entries(300)) == range(300)
        with pytest.raises(ValueError, match="no"), transaction.savepoint():  # noqa: PT012
            transaction.connection.execute(insert(voted).values(credential="c1"))
            assert transaction.append(entries(300, 300)) == range(300, 600)
            raise ValueError("no")
        with transaction.savepoint():
            assert transaction.append([b"last"]) == range(300, 301)
    assert list(store.entries()) == [*entries(300), b"last"]
    assert store.root_at(301) == root([*entries(300), b"last"])
    assert rows(engine, voted) == 0


def test_the_longest_entry_and_one_byte_more(store: LogStore, append: Append) -> None:
    append(b"x" * 65_535)
    with pytest.raises(CheckFailed) as caught:
        append(b"fits", b"x" * 65_536)
    assert caught.value.check == Check.LOG
    assert store.size == 1
    assert store.entry(0) == b"x" * 65_535


# --- failures ---


class Failing(LogStore):
    """A store whose next commit fails: before it took place, or after it."""

    mode: str = ""

    def _commit(self, database: RootTransaction) -> None:
        if self.mode == "failed":
            raise OSError("the disk is gone")
        super()._commit(database)
        if self.mode == "failed but persisted":
            raise OSError("the answer was lost")


@pytest.mark.parametrize(("mode", "size"), [("failed", 1), ("failed but persisted", 3)])
def test_a_commit_of_unknown_outcome_stops_the_store(
    engine: Engine, signer: LogSigner, append: Append, mode: str, size: int
) -> None:
    append(b"first")
    store = Failing(engine, signer)
    store.mode = mode
    published = store.checkpoint
    with pytest.raises(StoreError, match="outcome is not known"), store.transaction() as transaction:
        transaction.append([b"second", b"third"])
    assert isinstance(store.failure, OSError)
    assert store.checkpoint == published, "what may not have been committed is not published"
    store.mode = ""
    with pytest.raises(StoreError, match="opened again"), store.transaction():
        pass
    again = LogStore(engine, signer)
    assert list(again.entries()) == [b"first", b"second", b"third"][:size]
    with again.transaction() as transaction:
        assert transaction.append([b"next"]) == range(size, size + 1)


def test_a_second_writer_stops_the_first(store: LogStore, engine: Engine, signer: LogSigner) -> None:
    other = LogStore(engine, signer)
    with other.transaction() as transaction:
        transaction.append([b"theirs"])
    with pytest.raises(StoreError, match="another writer"), store.transaction() as transaction:
        transaction.append([b"ours"])
    assert store.failure is not None
    assert list(LogStore(engine, signer).entries()) == [b"theirs"]


def test_a_lost_compare_and_swap_rolls_everything_back(
    store: LogStore, engine: Engine, signer: LogSigner, voted: Table
) -> None:
    with pytest.raises(StoreError, match="compare-and-swap"), store.transaction() as transaction:  # noqa: PT012
        transaction.connection.execute(insert(voted).values(credential="c1"))
        transaction.append([b"ours"])
        # What a second writer would do that slipped by the lock.
        transaction.connection.execute(text("UPDATE log_checkpoint SET size = 7"))
    assert store.failure is not None
    assert rows(engine, voted) == 0
    assert LogStore(engine, signer).size == 0


def test_two_checkpoints_of_one_size_are_never_kept(store: LogStore, engine: Engine, append: Append) -> None:
    append(b"a")
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO log_note (log_id, size, note) VALUES (1, 2, :note)"), {"note": b"other"})
    with pytest.raises(StoreError):
        append(b"b")
    assert store.failure is not None


def test_interrupts_during_the_commit_stop_the_store_too(engine: Engine, signer: LogSigner, store: LogStore) -> None:
    class Interrupted(LogStore):
        def _commit(self, database: RootTransaction) -> None:
            raise KeyboardInterrupt

    interrupted = Interrupted(engine, signer)
    with pytest.raises(KeyboardInterrupt), interrupted.transaction() as transaction:
        transaction.append([b"a"])
    assert isinstance(interrupted.failure, KeyboardInterrupt)
    assert LogStore(engine, signer).size == 0


# --- starting again ---

DAMAGE = {
    "an entry removed": "DELETE FROM log_entry WHERE position = 5",
    "the last entry removed": "DELETE FROM log_entry WHERE position = 599",
    "an entry moved beyond the end": "UPDATE log_entry SET position = 700 WHERE position = 5",
    "a leaf hash altered": "UPDATE log_entry SET leaf = :zeros WHERE position = 5",
    "the last leaf hash altered": "UPDATE log_entry SET leaf = :zeros WHERE position = 599",
    "a tile hash altered": "UPDATE log_hash SET hash = :zeros WHERE position = 0",
    "a tile hash removed": "DELETE FROM log_hash WHERE position = 1",
    "a tile hash added": "INSERT INTO log_hash (log_id, level, position, hash) VALUES (1, 1, 2, :zeros)",
    "the lock row rolled back": "UPDATE log_checkpoint SET size = 599",
    "another root in the lock row": "UPDATE log_checkpoint SET root = :zeros",
    "another note in the lock row": "UPDATE log_checkpoint SET note = :zeros",
    "an older note in the lock row": "UPDATE log_checkpoint SET note = (SELECT note FROM log_note WHERE size = 300)",
    "the lock row gone": "UPDATE log_checkpoint SET origin = 'other'",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_store_refuses_to_start(
    store: LogStore, append: Append, engine: Engine, signer: LogSigner, damage: str
) -> None:
    append(*entries(300))
    append(*entries(300, 300))
    LogStore(engine, signer)
    with writing(engine) as connection:
        parameters: dict[str, Any] = {"zeros": bytes(32)} if ":zeros" in DAMAGE[damage] else {}
        connection.execute(text(DAMAGE[damage]), parameters)
    with pytest.raises(StoreError):
        LogStore(engine, signer)


def test_a_store_that_was_rolled_back_is_found_by_a_checkpoint_that_is_out(
    store: LogStore, append: Append, engine: Engine, signer: LogSigner
) -> None:
    append(*entries(5))
    opened = open_checkpoint(store.checkpoint, signer.vkey)
    store.confirm(opened)
    append(b"later")
    store.confirm(opened)
    with pytest.raises(StoreError, match="another root"):
        store.confirm(open_checkpoint(signer.sign(5, bytes(32)), signer.vkey))
    with pytest.raises(StoreError, match="the store has 6"):
        store.confirm(open_checkpoint(signer.sign(7, bytes(32)), signer.vkey))


def test_altered_entries_are_found_on_reading(store: LogStore, append: Append, engine: Engine) -> None:
    append(*entries(5))
    with writing(engine) as connection:
        connection.execute(text("UPDATE log_entry SET data = :data WHERE position = 3"), {"data": b"forged"})
    assert store.entry(2) == b"entry 2"
    with pytest.raises(StoreError, match="entry 3 was altered"):
        list(store.entries())
    with pytest.raises(StoreError, match="entry 3 was altered"):
        store.read_path("tile/entries/000.p/5")


def test_a_reader_sees_what_another_process_commits(
    store: LogStore, append: Append, engine: Engine, signer: LogSigner
) -> None:
    reader = StoredLog(engine, signer.vkey)
    append(*entries(300))
    assert reader.size == 0
    reader.refresh()
    assert (reader.size, reader.checkpoint) == (300, store.checkpoint)
    assert reader.root_at(300) == root(entries(300))


def test_a_reader_refuses_a_log_that_shrank(store: LogStore, append: Append, engine: Engine, signer: LogSigner) -> None:
    before = store.checkpoint
    append(b"a")
    reader = StoredLog(engine, signer.vkey)
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM log_entry"))
        connection.execute(
            text("UPDATE log_checkpoint SET size = 0, root = :root, note = :note"),
            {"root": merkle.EMPTY_ROOT, "note": before},
        )
    with pytest.raises(StoreError, match="shrank"):
        reader.refresh()
