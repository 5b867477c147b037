"""Group commit: requests that arrive together share one transaction, one fsync and one signed checkpoint.

One writer thread takes requests in the order of their arrival. What a service must know:

* `decide(transaction)` runs in the writer thread, never two at once, inside a savepoint of its own. It looks at
  the service's state, raises `Refused` or `CheckFailed` to refuse (the savepoint is taken back and nobody else is
  harmed), or appends entries, writes rows through `transaction.connection` and returns a value.
* `apply(value)`, where given, runs right after `decide` has succeeded, before the next request is decided. It is
  the one place where a service changes the state that it holds in memory, so the second of two conflicting
  requests of one batch sees the first. It must not fail. It runs before the commit: state in memory is for
  `decide` alone, and everything that is shown to anybody is read from the database.
* The request's future gets its result only after the commit. So nobody is told of anything that a loss of power
  could undo.
* Where the batch as a whole fails (a lost compare-and-swap, a commit whose outcome nobody knows, a broken
  connection), the state in memory may be ahead of the database or the database ahead of what was answered. Then
  the committer stops for good: all waiting requests get `Refused("log-stopped")`, `on_failure` is called once, and
  the process ends. On the next start the service rebuilds its state from the log, and a client that sends the
  same bytes again learns what became of them.

Batches form by themselves: while one commits, the next requests queue up.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError

from vemre.errors import Refused, StoreError
from vemre.storage.log_store import LogStore, LogTransaction

T = TypeVar("T")

MAX_BATCH: Final = 256
MAX_WAITING: Final = 4096


@dataclass(frozen=True)
class Committed(Generic[T]):
    """What became of a request: `decide`'s value, the indices of its entries, and the signed checkpoint after its
    batch with the size of the log that it covers."""

    value: T
    indices: range
    size: int
    note: bytes


@dataclass
class _Request:
    decide: Callable[[LogTransaction], Any]
    apply: Callable[[Any], None] | None
    future: Future[Committed[Any]]
    outcome: tuple[Any, range] | None = None


class GroupCommitter:
    """The writer thread of a log. Start it with `start` or as a context manager."""

    def __init__(
        self,
        store: LogStore,
        *,
        on_failure: Callable[[BaseException], None] | None = None,
        max_batch: int = MAX_BATCH,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._store = store
        self._on_failure = on_failure
        self._max_batch = max_batch
        self._requests: queue.Queue[_Request | None] = queue.Queue(max_waiting)
        self._thread = threading.Thread(target=self._run, name=f"writer of {store.origin}", daemon=True)
        # Guards the closing: nothing may enter the queue once the thread has stopped reading it.
        self._entrance = threading.Lock()
        self._closed = False
        self.failure: BaseException | None = None
        """Why the committer stopped, or None."""

    def start(self) -> None:
        """Start the writer thread."""
        self._thread.start()

    def close(self) -> None:
        """Finish the requests that wait, then stop. Later requests are refused."""
        with self._entrance:
            closed, self._closed = self._closed, True
        if not closed and self._thread.ident is not None:
            self._requests.put(None)
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> GroupCommitter:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self, decide: Callable[[LogTransaction], T], apply: Callable[[T], None] | None = None
    ) -> Future[Committed[T]]:
        """Queue a request; asyncio code wraps the future with `asyncio.wrap_future`.

        Raises Refused("log-busy") where too many wait, Refused("log-stopped") after a failure or `close`. The
        future raises what `decide` raised, or Refused("log-stopped").
        """
        future: Future[Committed[T]] = Future()
        with self._entrance:
            if self._closed:
                raise Refused("log-stopped")
            try:
                self._requests.put_nowait(_Request(decide, apply, future))
            except queue.Full:
                raise Refused("log-busy") from None
        return future

    # --- the writer thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = self._next_batch()
            try:
                self._commit(batch)
            except BaseException as error:
                self._stop(batch, error)
                return

    def _next_batch(self) -> tuple[list[_Request], bool]:
        """The requests that wait, at least one, and whether they are the last."""
        batch: list[_Request] = []
        request = self._requests.get()
        while request is not None:
            # A caller that has gone away before its turn is not served; after it, its entry is committed anyhow.
            if request.future.set_running_or_notify_cancel():
                batch.append(request)
            if len(batch) == self._max_batch:
                return batch, False
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, batch: list[_Request]) -> None:
        refused: list[tuple[_Request, Exception]] = []
        if not batch:
            return
        with self._store.transaction() as transaction:
            for request in batch:
                error = self._decide(request, transaction)
                if error is not None:
                    refused.append((request, error))
        size, note = transaction.frontier.size, transaction.note
        for request, error in refused:
            request.future.set_exception(error)
        for request in batch:
            if request.outcome is not None:
                value, indices = request.outcome
                request.future.set_result(Committed(value, indices, size, note))

    def _decide(self, request: _Request, transaction: LogTransaction) -> Exception | None:
        """Run one request; gives the reason where it alone is refused, raises where the batch cannot go on."""
        before = transaction.frontier.size
        try:
            with transaction.savepoint():
                value = request.decide(transaction)
        except StoreError:
            raise
        except Exception as error:
            if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
                raise  # the database itself is in trouble, not this request
            return error
        if request.apply is not None:
            request.apply(value)
        request.outcome = value, range(before, transaction.frontier.size)
        return None

    def _stop(self, batch: list[_Request], error: BaseException) -> None:
        self.failure = error
        with self._entrance:
            self._closed = True
        waiting = [request for request in batch if not request.future.done()]
        while True:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                break
            if request is not None and request.future.set_running_or_notify_cancel():
                waiting.append(request)
        for request in waiting:
            request.future.set_exception(Refused("log-stopped"))
        if self._on_failure is not None:
            self._on_failure(error)
