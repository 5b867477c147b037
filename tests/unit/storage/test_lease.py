"""The lease of a log, and two writers on one database, which make one log whatever they believe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from vemre.errors import Refused, StoreError
from vemre.log import merkle
from vemre.log.checkpoint import open_checkpoint
from vemre.log.signer import LogSigner
from vemre.storage.engine import open_engine
from vemre.storage.group_commit import GroupCommitter
from vemre.storage.lease import Lease
from vemre.storage.log_store import LogStore
from vemre.storage.models import log_entry, log_note
from vemre.storage.schema import upgrade

Asking = Callable[..., Lease]


@pytest.fixture
def asking(postgres_url: str, signer: LogSigner) -> Iterator[Asking]:
    """Makes leases of one log, each with an engine of its own."""
    made: list[Lease] = []
    engine = open_engine(postgres_url)
    upgrade(engine)
    store = LogStore.create(engine, signer)

    def ask(holder: str, seconds: float = 60.0) -> Lease:
        made.append(Lease(open_engine(postgres_url, holder), store.log_id, holder, seconds))
        return made[-1]

    yield ask
    for lease in made:
        lease.close()
    engine.dispose()


def test_one_has_it_until_it_is_given_back(asking: Asking) -> None:
    first, second = asking("first"), asking("second")
    assert first.take()
    assert first.take()
    assert not second.take()
    assert not second.renew()
    second.release()
    assert first.renew()
    first.release()
    assert not first.renew()
    assert second.take()
    assert not first.take()


def test_whose_time_is_over_loses_it_to_whoever_asks(asking: Asking) -> None:
    first, second = asking("first", 0.0), asking("second")
    assert first.take()
    # Nobody asked meanwhile, so it goes on.
    assert first.renew()
    assert second.take()
    assert not first.renew()
    assert not first.take()


def test_the_connections_of_whoever_lost_it_are_ended(asking: Asking, postgres_url: str) -> None:
    assert asking("first", 0.0).take()
    stopped, bystander = open_engine(postgres_url, "first"), open_engine(postgres_url, "third")
    with stopped.connect() as writing, bystander.connect() as reading:
        writing.execute(text("SELECT * FROM log_checkpoint FOR UPDATE"))
        reading.execute(text("SELECT 1"))
        assert asking("second").take()
        # The row is free for the new holder, and the old one cannot commit.
        with bystander.connect() as other:
            other.execute(text("SET lock_timeout = '20s'"))
            other.execute(text("SELECT * FROM log_checkpoint FOR UPDATE"))
        with pytest.raises(DBAPIError):
            writing.execute(text("SELECT 1"))
        assert reading.scalar(text("SELECT 1")) == 1
    stopped.dispose()
    bystander.dispose()


def test_a_standby_takes_over_what_the_other_appended(engine: Engine, signer: LogSigner, store: LogStore) -> None:
    standby = LogStore(engine, signer)
    entries = [b"entry %d" % number for number in range(600)]
    for start in range(0, 600, 200):
        with store.transaction() as transaction:
            transaction.append(entries[start : start + 200])
        assert standby.catch_up() == entries[start : start + 200]
        assert standby.catch_up() == []
        assert standby.checkpoint == store.checkpoint
        assert standby.root_at(standby.size) == store.root_at(store.size)
        assert standby.inclusion_proof(start, standby.size) == store.inclusion_proof(start, store.size)
    with standby.transaction() as transaction:
        transaction.append([b"now the other writes"])
    assert list(LogStore(engine, signer).entries()) == [*entries, b"now the other writes"]


def test_what_was_altered_is_not_taken_over(engine: Engine, signer: LogSigner, store: LogStore) -> None:
    standby = LogStore(engine, signer)
    with store.transaction() as transaction:
        transaction.append([b"true"])
    with engine.begin() as connection:
        connection.execute(log_entry.update().values(data=b"false"))
    with pytest.raises(StoreError, match="appended elsewhere"):
        standby.catch_up()
    with pytest.raises(StoreError, match="failed before"), standby.transaction():
        pass


class Instance:
    """A writer that believes that it alone writes, and is opened again whenever it had to stop."""

    def __init__(self, engine: Engine, signer: LogSigner, name: str) -> None:
        self.engine, self.signer, self.name = engine, signer, name
        self.told: dict[bytes, tuple[int, bytes]] = {}
        self.stops = 0

    def run(self, entries: int) -> None:
        """Append so many entries, each until it is told of."""
        number = 0
        while number < entries:
            with GroupCommitter(LogStore(self.engine, self.signer)) as committer:
                while number < entries:
                    entry = b"%s %d" % (self.name.encode(), number)
                    known = self._standing(entry)
                    if known is None:
                        try:
                            done = committer.submit(lambda transaction, e=entry: transaction.append([e]))  # type: ignore[misc]
                            committed = done.result(60)
                        except Refused:
                            self.stops += 1
                            break
                        self.told[entry] = (committed.indices[0], committed.note)
                    number += 1
                    time.sleep(0.001)

    def _standing(self, entry: bytes) -> int | None:
        """What sending the same bytes again finds out."""
        with self.engine.connect() as connection:
            return connection.scalar(select(log_entry.c.position).where(log_entry.c.data == entry))


def test_two_that_both_believe_to_write_make_one_log(
    engine: Engine, signer: LogSigner, store: LogStore, database_url: str
) -> None:
    engines = [open_engine(database_url) for _ in range(2)]
    instances = [Instance(own, signer, f"instance {number}") for number, own in enumerate(engines)]
    threads = [Thread(target=instance.run, args=(40,)) for instance in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
        assert not thread.is_alive()
    assert sum(instance.stops for instance in instances), "the two never met"
    log = list(LogStore(engine, signer).entries())
    assert len(log) == len(set(log)) == 80
    for instance in instances:
        for entry, (index, note) in instance.told.items():
            opened = open_checkpoint(note, signer.vkey)
            assert log[index] == entry
            assert merkle.root(map(merkle.leaf_hash, log[: opened.size])) == opened.root
    with engine.connect() as connection:
        notes = list(connection.scalars(select(log_note.c.note)))
    for note in notes:
        opened = open_checkpoint(note, signer.vkey)
        assert merkle.root(map(merkle.leaf_hash, log[: opened.size])) == opened.root
    for own in engines:
        own.dispose()
