"""Group commit: one refused request harms no other, nobody is answered before the commit, a failure stops all."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from sqlalchemy import Engine, RootTransaction, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from vemre.errors import Refused, StoreError
from vemre.log.checkpoint import open_checkpoint
from vemre.log.signer import LogSigner
from vemre.storage.group_commit import Committed, GroupCommitter
from vemre.storage.log_store import LogStore, LogTransaction
from vemre.storage.stored_log import StoredLog

WAIT = 30


class Gate:
    """A request that keeps the writer busy until it is opened, so that the next ones share a batch."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def __call__(self, transaction: LogTransaction) -> None:
        self.entered.set()
        assert self.opened.wait(WAIT)


def behind_a_gate(
    committer: GroupCommitter, submit: Callable[[], list[Future[Committed[int]]]]
) -> list[Future[Committed[int]]]:
    """Futures of requests that were all decided in one batch."""
    gate = Gate()
    committer.submit(gate)
    assert gate.entered.wait(WAIT)
    futures = submit()
    gate.opened.set()
    return futures


def append(entry: bytes) -> Callable[[LogTransaction], int]:
    return lambda transaction: transaction.append([entry])[0]


def refuse(transaction: LogTransaction) -> int:
    transaction.append([b"must not be logged"])
    raise Refused("already-voted")


def test_requests_of_a_batch_share_one_checkpoint(store: LogStore, signer: LogSigner) -> None:
    with GroupCommitter(store) as committer:
        futures = behind_a_gate(committer, lambda: [committer.submit(append(b"%d" % i)) for i in range(20)])
        results = [future.result(WAIT) for future in futures]
    assert [result.indices for result in results] == [range(i, i + 1) for i in range(20)]
    assert [result.value for result in results] == list(range(20))
    assert {result.size for result in results} == {20}
    assert open_checkpoint(store.checkpoint, signer.vkey).size == 20
    with pytest.raises(ValueError, match="no checkpoint was signed"):
        store.checkpoint_at(10)


def test_a_refused_request_harms_no_other(store: LogStore) -> None:
    def broken(transaction: LogTransaction) -> int:
        transaction.append([b"nor this"])
        raise ZeroDivisionError

    with GroupCommitter(store) as committer:
        futures = behind_a_gate(
            committer,
            lambda: [committer.submit(work) for work in (append(b"a"), refuse, append(b"b"), broken, append(b"c"))],
        )
        assert [futures[i].result(WAIT).value for i in (0, 2, 4)] == [0, 1, 2]
        with pytest.raises(Refused, match="already-voted"):
            futures[1].result(WAIT)
        with pytest.raises(ZeroDivisionError):
            futures[3].result(WAIT)
        assert committer.submit(append(b"d")).result(WAIT).indices == range(3, 4)
    assert list(store.entries()) == [b"a", b"b", b"c", b"d"]


def test_a_row_that_is_there_already_refuses_that_request_alone(store: LogStore, engine: Engine, voted: Table) -> None:
    def vote(credential: str) -> Callable[[LogTransaction], int]:
        def decide(transaction: LogTransaction) -> int:
            index = transaction.append([credential.encode()])[0]
            transaction.connection.execute(insert(voted).values(credential=credential))
            return index

        return decide

    with GroupCommitter(store) as committer:
        futures = behind_a_gate(committer, lambda: [committer.submit(vote(c)) for c in ("x", "x", "y")])
        assert futures[0].result(WAIT).value == 0
        with pytest.raises(IntegrityError):
            futures[1].result(WAIT)
        assert futures[2].result(WAIT).value == 1
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(voted)) == 2
    assert list(store.entries()) == [b"x", b"y"]


def test_the_second_of_two_conflicting_requests_sees_the_first(store: LogStore) -> None:
    """State in memory changes between the requests of one batch."""
    used: set[str] = set()

    def cast(credential: str) -> Future[Committed[int]]:
        def decide(transaction: LogTransaction) -> int:
            if credential in used:
                raise Refused("already-voted")
            return transaction.append([credential.encode()])[0]

        return committer.submit(decide, apply=lambda _index: used.add(credential))

    with GroupCommitter(store) as committer:
        futures = behind_a_gate(committer, lambda: [cast("x"), cast("x"), cast("y")])
        assert futures[0].result(WAIT).value == 0
        with pytest.raises(Refused, match="already-voted"):
            futures[1].result(WAIT)
        assert futures[2].result(WAIT).value == 1
    assert used == {"x", "y"}


def test_nobody_is_answered_before_the_commit(engine: Engine, signer: LogSigner, store: LogStore) -> None:
    reached, go_on = threading.Event(), threading.Event()

    class Slow(LogStore):
        def _commit(self, database: RootTransaction) -> None:
            reached.set()
            assert go_on.wait(WAIT)
            super()._commit(database)

    with GroupCommitter(Slow(engine, signer)) as committer:
        future = committer.submit(append(b"a"))
        assert reached.wait(WAIT)
        assert not future.done()
        assert StoredLog(engine, signer.vkey).size == 0
        go_on.set()
        assert future.result(WAIT).indices == range(1)


@pytest.mark.parametrize(("persisted", "size"), [(False, 0), (True, 3)])
def test_a_failed_commit_stops_the_committer(
    engine: Engine, signer: LogSigner, store: LogStore, persisted: bool, size: int
) -> None:
    class Failing(LogStore):
        def _commit(self, database: RootTransaction) -> None:
            if persisted:
                super()._commit(database)
            raise OSError("gone")

    failures: list[BaseException] = []
    committer = GroupCommitter(Failing(engine, signer), on_failure=failures.append)
    futures = [committer.submit(work) for work in (append(b"a"), append(b"b"), refuse, append(b"c"))]
    committer.start()
    for future in futures:
        with pytest.raises(Refused, match="log-stopped"):
            future.result(WAIT)
    committer.close()
    assert isinstance(committer.failure, StoreError)
    assert failures == [committer.failure]
    with pytest.raises(Refused, match="log-stopped"):
        committer.submit(append(b"d"))
    assert LogStore(engine, signer).size == size


def test_trouble_of_the_database_stops_the_committer(store: LogStore) -> None:
    with GroupCommitter(store) as committer:
        good = behind_a_gate(
            committer,
            lambda: [
                committer.submit(append(b"a")),
                committer.submit(lambda t: t.connection.execute(text("SELECT nothing FROM nowhere")).scalar_one()),
            ],
        )
        for future in good:
            with pytest.raises(Refused, match="log-stopped"):
                future.result(WAIT)
    assert committer.failure is not None
    assert store.size == 0


def test_a_failing_apply_stops_the_committer(store: LogStore) -> None:
    def fail(_value: int) -> None:
        raise KeyError

    with GroupCommitter(store) as committer, pytest.raises(Refused, match="log-stopped"):
        committer.submit(append(b"a"), apply=fail).result(WAIT)
    assert store.size == 0


def test_a_full_queue_refuses(store: LogStore) -> None:
    with GroupCommitter(store, max_waiting=2) as committer:
        gate = Gate()
        committer.submit(gate)
        assert gate.entered.wait(WAIT)
        waiting = [committer.submit(append(b"%d" % i)) for i in range(2)]
        with pytest.raises(Refused, match="log-busy"):
            committer.submit(append(b"too many"))
        gate.opened.set()
        assert [future.result(WAIT).value for future in waiting] == [0, 1]


def test_large_bursts_are_split_and_all_served(store: LogStore) -> None:
    with GroupCommitter(store, max_batch=7) as committer:
        futures = behind_a_gate(committer, lambda: [committer.submit(append(b"%d" % i)) for i in range(50)])
        assert [future.result(WAIT).value for future in futures] == list(range(50))
        assert len({future.result().size for future in futures}) == 8
    assert list(store.entries()) == [b"%d" % i for i in range(50)]


def test_a_cancelled_request_is_not_decided(store: LogStore) -> None:
    with GroupCommitter(store) as committer:
        gate = Gate()
        committer.submit(gate)
        assert gate.entered.wait(WAIT)
        cancelled = committer.submit(append(b"cancelled"))
        assert cancelled.cancel()
        kept = committer.submit(append(b"kept"))
        gate.opened.set()
        assert kept.result(WAIT).value == 0
    assert list(store.entries()) == [b"kept"]


def test_closing_serves_what_waits_and_refuses_what_comes(store: LogStore) -> None:
    committer = GroupCommitter(store)
    futures = [committer.submit(append(b"%d" % i)) for i in range(5)]
    committer.start()
    committer.close()
    assert [future.result(0).value for future in futures] == list(range(5))
    with pytest.raises(Refused, match="log-stopped"):
        committer.submit(append(b"late"))
    committer.close()
    GroupCommitter(store).close()


def test_requests_from_many_threads(store: LogStore) -> None:
    with GroupCommitter(store) as committer:
        indices: list[int] = []

        def client(number: int) -> None:
            indices.extend(committer.submit(append(b"%d/%d" % (number, i))).result(WAIT).value for i in range(10))

        threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(indices) == list(range(80))
    assert len(set(store.entries())) == 80
