"""The writer of a log: entries, tile hashes, the signed checkpoint and the service's own rows in one transaction.

An accepted entry is in the log or it is not accepted. The lock row changes by compare-and-swap, so a second writer
on the same database is harmless: one of the two loses and stops. Source: docs/spec/log.md, writer protocol.

What durability is owed, in words:

* `transaction` commits everything or nothing. When it ends without an exception, the entries are durable.
* When the commit fails, nobody knows whether it took place. The store then refuses all further writes: the process
  stops, and opening the store again finds out. A checkpoint leaves the process only after its commit, so one whose
  commit did not take place was never seen by anybody.
* Opening recomputes the whole tree from the stored leaf hashes and refuses to start on any disagreement.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RootTransaction, delete, func, insert, select, update

from vemre.errors import CheckFailed, StoreError
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, open_checkpoint
from vemre.log.cosignature import verify_cosignature
from vemre.log.note import Note, Vkey, parse_signature_lines
from vemre.log.signer import LogSigner
from vemre.log.tiles import TILE_HEIGHT, TILE_WIDTH, check_entry_length, level_size
from vemre.storage.engine import snapshot, write_connection, writing
from vemre.storage.models import log_checkpoint, log_cosignature, log_entry, log_hash, log_note
from vemre.storage.stored_log import Head, StoredLog, key_column

T = TypeVar("T")


class LogTransaction:
    """An open transaction: `connection` is for the service's own rows, `append` for entries.

    Entries become durable, and get their checkpoint, when the transaction ends.
    """

    def __init__(self, connection: Connection, frontier: merkle.Frontier) -> None:
        self.connection = connection
        self.frontier = frontier.copy()
        self.entries: list[tuple[bytes, bytes]] = []
        self.hashes: list[tuple[int, int, bytes]] = []
        self.note = b""
        """The signed checkpoint after this transaction; to be shown to nobody before the commit."""
        self._start = frontier.size

    def append(self, entries: Iterable[bytes]) -> range:
        """Put entries at the end of the log; gives their indices. Raises CheckFailed(LOG) for one over 65,535 bytes,
        before any is taken."""
        batch = list(entries)
        for entry in batch:
            check_entry_length(entry)
        first = self.frontier.size
        for entry in batch:
            leaf = merkle.leaf_hash(entry)
            completed = self.frontier.append(leaf)
            self.entries.append((entry, leaf))
            for height in range(TILE_HEIGHT, len(completed), TILE_HEIGHT):
                position = (self.frontier.size >> height) - 1
                self.hashes.append((height // TILE_HEIGHT, position, completed[height]))
        return range(first, self.frontier.size)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction that is taken back alone where it raises."""
        frontier, entries, hashes = self.frontier.copy(), len(self.entries), len(self.hashes)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            self.frontier = frontier
            del self.entries[entries:], self.hashes[hashes:]
            raise

    def edges(self, before: Sequence[tuple[bytes, ...]]) -> tuple[tuple[bytes, ...], ...]:
        """The edge tiles after this transaction, from those before it."""
        added: dict[int, list[bytes]] = {0: [leaf for _, leaf in self.entries]}
        for level, _, hash_ in self.hashes:
            added.setdefault(level, []).append(hash_)
        result: list[tuple[bytes, ...]] = []
        while count := level_size(len(result), self.frontier.size):
            level = len(result)
            row = [*(before[level] if level < len(before) else ()), *added.get(level, ())]
            result.append(tuple(row[len(row) - count % TILE_WIDTH :]))
        return tuple(result)


class LogStore(StoredLog):
    """The one writer of a log. Its methods may be called from any thread; transactions wait for one another."""

    def __init__(self, engine: Engine, signer: LogSigner) -> None:
        """Open an existing log and check all of its hashes. Raises StoreError on any disagreement."""
        super().__init__(engine, signer.vkey)
        self._signer = signer
        self._write_lock = threading.Lock()
        self._failure: BaseException | None = None
        self._verify_hashes()

    @classmethod
    def create(cls, engine: Engine, signer: LogSigner) -> LogStore:
        """Begin a new, empty log. Raises StoreError where the database has it already.

        Never called on a service's start: a log whose database was lost is retired, not begun anew with its key.
        """
        note = signer.sign(0, merkle.EMPTY_ROOT)
        with writing(engine) as connection:
            if connection.scalar(select(log_checkpoint.c.log_id).where(log_checkpoint.c.origin == signer.origin)):
                raise StoreError(f"{signer.origin}: the log exists already")
            log_id = (connection.scalar(select(func.max(log_checkpoint.c.log_id))) or 0) + 1
            connection.execute(
                insert(log_checkpoint).values(
                    log_id=log_id, origin=signer.origin, size=0, root=merkle.EMPTY_ROOT, note=note
                )
            )
            connection.execute(insert(log_note).values(log_id=log_id, size=0, note=note))
        return cls(engine, signer)

    @property
    def failure(self) -> BaseException | None:
        """Why the store takes no more writes, or None."""
        return self._failure

    def catch_up(self) -> list[bytes]:
        """Take over what another instance has committed since; gives those entries, in order.

        They must make up the root of a checkpoint with this log's signature. Raises StoreError where they do not, or
        the log went back; then this store takes no more writes.
        """
        with self._write_lock:
            if self._failure is not None:
                raise StoreError(f"{self.origin}: the store failed before and must be opened again")
            with snapshot(self._engine) as connection:
                head = self._head
                row = connection.execute(
                    select(log_checkpoint.c.size, log_checkpoint.c.root, log_checkpoint.c.note).where(
                        log_checkpoint.c.log_id == self._log_id
                    )
                ).one_or_none()
                if row is not None and (row.size, row.root) == (head.size, head.frontier.root()):
                    return []
                added = LogTransaction(connection, head.frontier)
                try:
                    self._take_over(added, row)
                except StoreError as error:
                    # A database that does not answer may answer later; one that contradicts the log is not written to.
                    self._failure = error
                    raise
            return [data for data, _ in added.entries]

    def _take_over(self, added: LogTransaction, row: Any) -> None:
        """Make `added` the head, where it leads to what the lock row says."""
        if row is None or row.size < self.size:
            raise StoreError(f"{self.origin}: the log went back from {self.size} entries")
        found = select(log_entry.c.data).where(log_entry.c.log_id == self._log_id, log_entry.c.position >= self.size)
        added.append(added.connection.scalars(found.order_by(log_entry.c.position)))
        try:
            opened = open_checkpoint(row.note, self.vkey)
        except CheckFailed as failure:
            raise StoreError(f"{self.origin}: the stored checkpoint is not the log's: {failure.detail}") from None
        ours = added.frontier.size, added.frontier.root()
        if ours != (row.size, row.root) or ours != (opened.size, opened.root):
            raise StoreError(f"{self.origin}: what was appended elsewhere does not make up the root of the lock row")
        self._head = Head(row.note, added.frontier, added.edges(self._head.edges))

    @contextmanager
    def transaction(self) -> Iterator[LogTransaction]:
        """Append entries and write the service's rows, all of it or nothing.

        An exception from within rolls back and goes on to the caller; the store remains usable. A lost
        compare-and-swap, or a failure of the commit, raises StoreError, and so does every transaction after it.
        """
        with self._write_lock:
            if self._failure is not None:
                raise StoreError(f"{self.origin}: the store failed before and must be opened again")
            with write_connection(self._engine) as connection:
                database = connection.begin()
                transaction = LogTransaction(connection, self._head.frontier)
                self._or_fail(lambda: self._check_lock_row(connection))
                try:
                    yield transaction
                except BaseException:
                    self._or_fail(database.rollback)
                    raise
                head = self._or_fail(lambda: self._seal(transaction))
                transaction.note = head.note
                self._or_fail(lambda: self._commit(database))
                self._head = head

    def add_cosignatures(self, size: int, lines: str, witnesses: Iterable[Vkey]) -> dict[Vkey, int]:
        """Keep the cosignatures of known witnesses for the checkpoint of `size`; gives whose they were, with the times.

        `lines` are signature lines as a witness answered them; those of unknown keys are dropped. Raises
        CheckFailed(NOTE) where a line of a known witness is wrong, ValueError where nothing was signed at `size`.
        """
        note = Note.parse(self.checkpoint_at(size))
        checkpoint = Checkpoint.parse(note.text)
        received = Note(note.text, parse_signature_lines(lines))
        found: dict[Vkey, tuple[int, str]] = {}
        for witness in dict.fromkeys(witnesses):
            line = received.line_of(witness)
            if line is not None and witness.public != self.vkey.public:
                found[witness] = verify_cosignature(witness, checkpoint, line.signature), str(line)
        with writing(self._engine) as connection:
            for witness, (timestamp, line_text) in found.items():
                self._keep_cosignature(connection, size, witness, timestamp, line_text)
        return {witness: timestamp for witness, (timestamp, _) in found.items()}

    # --- writing ----------------------------------------------------------------------------------------------

    def _or_fail(self, act: Callable[[], T]) -> T:
        """The result of a step after whose failure the store's state is not known, so that it takes no more writes."""
        try:
            return act()
        except BaseException as error:
            self._failure = error
            if isinstance(error, StoreError) or not isinstance(error, Exception):
                raise
            raise StoreError(f"{self.origin}: a write failed and its outcome is not known") from error

    def _check_lock_row(self, connection: Connection) -> None:
        """Lock the row against a second writer, and stop where one was here."""
        row = connection.execute(
            select(log_checkpoint.c.size, log_checkpoint.c.root)
            .where(log_checkpoint.c.log_id == self._log_id)
            .with_for_update()
        ).one_or_none()
        if row is None or (row.size, row.root) != (self._head.size, self._head.frontier.root()):
            raise StoreError(f"{self.origin}: another writer has changed the log")

    def _seal(self, transaction: LogTransaction) -> Head:
        """Write the entries, sign the checkpoint over them and swap the lock row."""
        if not transaction.entries:
            return self._head
        old, frontier = self._head, transaction.frontier
        root = frontier.root()
        note = self._signer.sign(frontier.size, root)
        connection, log = transaction.connection, {"log_id": self._log_id}
        connection.execute(
            insert(log_entry),
            [
                {**log, "position": position, "data": data, "leaf": leaf}
                for position, (data, leaf) in enumerate(transaction.entries, old.size)
            ],
        )
        if transaction.hashes:
            connection.execute(
                insert(log_hash),
                [
                    {**log, "level": level, "position": position, "hash": hash_}
                    for level, position, hash_ in transaction.hashes
                ],
            )
        connection.execute(insert(log_note).values(**log, size=frontier.size, note=note))
        swapped = connection.execute(
            update(log_checkpoint)
            .where(log_checkpoint.c.log_id == self._log_id)
            .where(log_checkpoint.c.size == old.size, log_checkpoint.c.root == old.frontier.root())
            .values(size=frontier.size, root=root, note=note)
        )
        if swapped.rowcount != 1:
            raise StoreError(f"{self.origin}: lost the compare-and-swap of the lock row")
        return Head(note, frontier, transaction.edges(old.edges))

    def _commit(self, database: RootTransaction) -> None:
        """The commit; a method of its own so that tests can make it fail before or after it took place."""
        database.commit()

    def _keep_cosignature(self, connection: Connection, size: int, witness: Vkey, timestamp: int, line: str) -> None:
        """Insert, or replace an older one by the same key."""
        key = {"log_id": self._log_id, "size": size, "vkey": key_column(witness)}
        rows = [getattr(log_cosignature.c, name) == value for name, value in key.items()]
        known = connection.scalar(select(log_cosignature.c.timestamp).where(*rows))
        if known is not None and known >= timestamp:
            return
        connection.execute(delete(log_cosignature).where(*rows))
        connection.execute(insert(log_cosignature).values(**key, timestamp=timestamp, line=line))

    def _verify_hashes(self) -> None:
        """Recompute the tree from the stored leaf hashes and compare every stored hash and the root."""
        frontier = merkle.Frontier()
        computed: dict[tuple[int, int], bytes] = {}
        with snapshot(self._engine) as connection:
            # Another instance may have appended since; head and hashes are compared as they stood at one moment.
            self._log_id, self._head = self._load(connection)
            stored = {
                (row.level, row.position): row.hash
                for row in connection.execute(
                    select(log_hash.c.level, log_hash.c.position, log_hash.c.hash).where(
                        log_hash.c.log_id == self._log_id
                    )
                )
            }
            leaves = select(log_entry.c.leaf).where(log_entry.c.log_id == self._log_id).order_by(log_entry.c.position)
            for leaf in connection.execution_options(yield_per=4096).scalars(leaves):
                completed = frontier.append(leaf)
                for height in range(TILE_HEIGHT, len(completed), TILE_HEIGHT):
                    computed[height // TILE_HEIGHT, (frontier.size >> height) - 1] = completed[height]
        if frontier.size != self.size or frontier.root() != self._head.frontier.root():
            raise StoreError(f"{self.origin}: the stored leaf hashes do not make up the root of the lock row")
        if computed != stored:
            raise StoreError(f"{self.origin}: stored tile hashes disagree with the leaf hashes")
