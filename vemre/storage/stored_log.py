"""A log as its database holds it, to read: entries, proofs, tiles, checkpoints, receipts.

Web handlers get this class alone; `LogStore`, which extends it, is for the writer. Everything is read from the
database, the one truth, and tiles are rebuilt from it. All methods may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Engine, Select, case, func, select

from vemre.errors import CheckFailed, StoreError
from vemre.log import merkle
from vemre.log.checkpoint import OpenedCheckpoint, SignedCheckpoint, auditors_of, open_checkpoint
from vemre.log.note import Note, Vkey, parse_signature_lines
from vemre.log.proof import Receipt
from vemre.log.tiles import ENTRIES, TILE_HEIGHT, TILE_WIDTH, Tile, encode_bundle, encode_tile, level_size
from vemre.storage.engine import snapshot
from vemre.storage.models import log_checkpoint, log_cosignature, log_entry, log_hash, log_note

_CACHED_TILES: Final = 128  # 256 hashes each: about 2 MiB


@dataclass(frozen=True)
class Head:
    """The committed state of a log: its size, the signed checkpoint, and what appending and proving need.

    `frontier` is never changed in place. `edges[level]` are the hashes of the last tile of that level where it is
    not full.
    """

    note: bytes
    frontier: merkle.Frontier
    edges: tuple[tuple[bytes, ...], ...]

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.frontier.size


class StoredLog:
    """A log in a database. `refresh` sees what another process has committed since."""

    def __init__(self, engine: Engine, vkey: Vkey) -> None:
        """Raises StoreError where the database has no such log, or its lock row, entries and hashes disagree."""
        self.vkey = vkey
        self.behind: Callable[[], None] = lambda: None
        """Called where somebody asks for more than is known: another instance may have appended it."""
        self._engine = engine
        self._tiles: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self._tiles_lock = threading.Lock()
        with snapshot(engine) as connection:
            self._log_id, self._head = self._load(connection)

    @property
    def origin(self) -> str:
        """The log's origin."""
        return self.vkey.name

    @property
    def log_id(self) -> int:
        """Under which number the database keeps this log."""
        return self._log_id

    @property
    def size(self) -> int:
        """The number of committed entries."""
        return self._head.size

    @property
    def checkpoint(self) -> bytes:
        """The latest signed checkpoint, without cosignatures."""
        return self._head.note

    def refresh(self) -> None:
        """Take over what was committed since by another process. Raises StoreError where the log went backwards."""
        with snapshot(self._engine) as connection:
            _, head = self._load(connection)
        if head.size < self._head.size:
            raise StoreError(f"{self.origin}: the log shrank from {self._head.size} to {head.size} entries")
        self._head = head

    # --- entries and proofs -----------------------------------------------------------------------------------

    def entry(self, index: int) -> bytes:
        """The committed entry at `index`. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self._read_bundle(index, index + 1)[0]

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The committed entries from `start` up to `stop`, in order. Raises StoreError for one that was altered."""
        end = self.size if stop is None else min(stop, self.size)
        for first in range(start, end, TILE_WIDTH):
            yield from self._read_bundle(first, min(first + TILE_WIDTH, end))

    def leaf_hash(self, index: int) -> bytes:
        """The leaf hash of the committed entry at `index`. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(index)
        return self._hashes(0, index // TILE_WIDTH)[index % TILE_WIDTH]

    def hash_at(self, level: int, index: int) -> bytes:
        """The hash of a perfect subtree of 2^level leaves (a `merkle.HashReader`)."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        tile, place = divmod(index << height, TILE_WIDTH)
        return merkle.perfect_root(self._hashes(tile_level, tile)[place : place + (1 << height)])

    def root_at(self, size: int) -> bytes:
        """The root at a committed size. Raises ValueError where the log is not that long."""
        self._check_size(size)
        return merkle.subtree_hash(0, size, self.hash_at)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Of the entry at `index` in the tree of `size`. Raises ValueError where there is no such tree or leaf."""
        self._check_size(size)
        return merkle.inclusion_proof(index, size, self.hash_at)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """From the tree of `old` to that of `new`. Raises ValueError where there is no such tree."""
        self._check_size(new)
        return merkle.consistency_proof(old, new, self.hash_at)

    def confirm(self, opened: OpenedCheckpoint) -> None:
        """That this log contains everything that `opened`, an authentic checkpoint of it, covers.

        Raises StoreError: the database was rolled back, or the log's key signs elsewhere.
        """
        if opened.size > self.size:
            raise StoreError(f"{self.origin}: a checkpoint of {opened.size} entries is out, the store has {self.size}")
        if self.root_at(opened.size) != opened.root:
            raise StoreError(f"{self.origin}: a checkpoint of {opened.size} entries with another root is out")

    # --- checkpoints and receipts -----------------------------------------------------------------------------

    def published_checkpoint(self) -> bytes:
        """The latest signed checkpoint with the cosignatures known for exactly that size."""
        return self.checkpoint_at(self.size)

    def checkpoint_at(self, size: int) -> bytes:
        """The checkpoint that was signed at `size`, with the cosignatures known for it. Raises ValueError."""
        self._check_size(size)
        with self._engine.connect() as connection:
            note = connection.scalar(
                select(log_note.c.note).where(log_note.c.log_id == self._log_id, log_note.c.size == size)
            )
            if note is None:
                raise ValueError(f"no checkpoint was signed at size {size}")
            return self._with_cosignatures(connection, size, note)

    def latest_cosigned(
        self, auditors: Mapping[str, Sequence[Vkey]], quorum: int, *, covering: int = 0
    ) -> OpenedCheckpoint | None:
        """The largest checkpoint of at least `covering` entries that `quorum` distinct auditors cosigned.

        Its `note` is what a gate carries: no lines but the log's and the auditors'. None where there is none yet.
        """
        witnesses = [key for keys in auditors.values() for key in keys]
        names = _auditor_of_key(auditors)
        # Whatever one auditor, or an observer, cosigns alone is passed over in the database, however much it is.
        sizes = (
            self._cosignatures(covering)
            .with_only_columns(log_cosignature.c.size)
            .where(log_cosignature.c.vkey.in_(names))
            .group_by(log_cosignature.c.size)
            .having(func.count(case(names, value=log_cosignature.c.vkey).distinct()) >= quorum)
            .order_by(log_cosignature.c.size.desc())
        )
        with self._engine.connect() as connection:
            for size in connection.scalars(sizes) if names else ():
                opened = open_checkpoint(self.checkpoint_at(size), self.vkey, witnesses)
                if len(auditors_of(opened, auditors)) >= quorum:
                    return replace(opened, note=opened.known_lines(self.vkey))
        return None

    def missing_auditors(self, auditors: Mapping[str, Sequence[Vkey]], covering: int = 0) -> list[str]:
        """The auditors who cosigned no checkpoint of at least `covering` entries, sorted.

        Where each cosigned one, but no single one has its quorum, those who have not cosigned the latest.
        """
        names = _auditor_of_key(auditors)
        keys = self._cosignatures(covering).with_only_columns(log_cosignature.c.vkey).distinct()
        with self._engine.connect() as connection:
            found = {names[key] for key in connection.scalars(keys) if key in names}
        if found < set(auditors):
            return sorted(set(auditors) - found)
        witnesses = [key for listed in auditors.values() for key in listed]
        opened = open_checkpoint(self.published_checkpoint(), self.vkey, witnesses)
        return sorted(set(auditors) - auditors_of(opened, auditors))

    def last_cosigned(self, witnesses: Iterable[Vkey]) -> dict[Vkey, tuple[int, int]]:
        """For each of these witnesses that cosigned this log: the largest size, and the time of that cosignature."""
        keys = {key_column(witness): witness for witness in witnesses}
        largest = (
            self._cosignatures()
            .with_only_columns(log_cosignature.c.vkey, func.max(log_cosignature.c.size).label("size"))
            .group_by(log_cosignature.c.vkey)
            .subquery()
        )
        table = self._cosignatures().subquery()
        rows = select(table.c.vkey, table.c.size, table.c.timestamp).join(
            largest, (table.c.vkey == largest.c.vkey) & (table.c.size == largest.c.size)
        )
        with self._engine.connect() as connection:
            return {keys[row.vkey]: (row.size, row.timestamp) for row in connection.execute(rows) if row.vkey in keys}

    def _cosignatures(self, covering: int = 0) -> Select[Any]:
        """The rows of the cosignatures of committed checkpoints of at least so many entries."""
        return (
            select(log_cosignature)
            .where(log_cosignature.c.log_id == self._log_id, log_cosignature.c.size >= covering)
            .where(log_cosignature.c.size <= self.size)
        )

    def receipt(self, index: int, checkpoint: bytes | None = None) -> Receipt:
        """The receipt of the entry at `index`.

        By default its checkpoint is the first that was signed over the entry, so that a repeated request gets the
        same bytes but for cosignatures that came since. `checkpoint` names another, such as a cosigned one. Raises
        IndexError where there is no such entry, ValueError where the checkpoint does not cover it.
        """
        if not 0 <= index < self.size:
            raise IndexError(index)
        note = self._first_covering(index) if checkpoint is None else checkpoint
        size = open_checkpoint(note, self.vkey).size
        return Receipt(index, tuple(self.inclusion_proof(index, size)), note)

    def receipts(self, indices: Iterable[int], checkpoint: bytes) -> list[Receipt]:
        """The receipts of several entries at one checkpoint of this log, which the caller knows to be authentic.

        They share the hashes that they need, so that the receipt of one more costs about a hash. Raises as `receipt`.
        """
        size = SignedCheckpoint.parse(checkpoint).checkpoint.size
        read = self._remembering()
        self._check_size(size)
        return [Receipt(index, tuple(merkle.inclusion_proof(index, size, read)), checkpoint) for index in indices]

    def _remembering(self) -> merkle.HashReader:
        """`hash_at` for many proofs: no node is computed twice."""
        known: dict[tuple[int, int], bytes] = {}

        def read(level: int, index: int) -> bytes:
            if (found := known.get((level, index))) is not None:
                return found
            if level % TILE_HEIGHT:
                found = merkle.node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))
            else:
                tile, place = divmod(index, TILE_WIDTH)
                found = self._hashes(level // TILE_HEIGHT, tile)[place]
            known[level, index] = found
            return found

        return read

    def _first_covering(self, index: int) -> bytes:
        first = select(func.min(log_note.c.size)).where(log_note.c.log_id == self._log_id, log_note.c.size > index)
        with self._engine.connect() as connection:
            size = connection.scalar(first)
        if size is None:
            raise StoreError(f"{self.origin}: no checkpoint covers entry {index}")
        return self.checkpoint_at(size)

    def _with_cosignatures(self, connection: Connection, size: int, note: bytes) -> bytes:
        lines = connection.scalars(
            select(log_cosignature.c.line)
            .where(log_cosignature.c.log_id == self._log_id, log_cosignature.c.size == size)
            .order_by(log_cosignature.c.vkey)
        ).all()
        if not lines:
            return note
        return Note.parse(note).with_lines(parse_signature_lines("".join(lines))).encode()

    # --- the static log ---------------------------------------------------------------------------------------

    def read_path(self, path: str) -> bytes:
        """The file ``checkpoint``, ``tile/...`` or ``tile/entries/...``, as C2SP tlog-tiles has it.

        Raises FileNotFoundError for every other path, every other spelling, and what is not there yet.
        """
        if path == "checkpoint":
            return self.published_checkpoint()
        try:
            tile = Tile.parse(path)
        except CheckFailed:
            raise FileNotFoundError(path) from None
        stop = tile.start + tile.width
        if stop > level_size(tile.level, self.size):
            self.behind()
        if stop > level_size(tile.level, self.size):
            raise FileNotFoundError(path)
        if tile.level == ENTRIES:
            return encode_bundle(self._read_bundle(tile.start, stop))
        return encode_tile(self._hashes(tile.level, tile.index)[: tile.width])

    # --- reading the tables -----------------------------------------------------------------------------------

    def _load(self, connection: Connection) -> tuple[int, Head]:
        """The committed state, after checking that lock row, entries and edge hashes agree."""
        row = connection.execute(select(log_checkpoint).where(log_checkpoint.c.origin == self.origin)).one_or_none()
        if row is None:
            raise StoreError(f"{self.origin}: no such log in this database")
        try:
            opened = open_checkpoint(row.note, self.vkey)
        except CheckFailed as failure:
            raise StoreError(f"{self.origin}: the stored checkpoint is not the log's: {failure.detail}") from None
        if (opened.size, opened.root) != (row.size, row.root):
            raise StoreError(f"{self.origin}: the lock row disagrees with its own checkpoint")
        count, last = connection.execute(
            select(func.count(), func.max(log_entry.c.position)).where(log_entry.c.log_id == row.log_id)
        ).one()
        if count != row.size or (last if last is not None else -1) != row.size - 1:
            raise StoreError(f"{self.origin}: the lock row counts {row.size} entries, the table has {count}")
        edges = self._load_edges(connection, row.log_id, row.size)

        def read(level: int, index: int) -> bytes:
            tile_level, height = divmod(level, TILE_HEIGHT)
            place = (index << height) % TILE_WIDTH
            return merkle.perfect_root(edges[tile_level][place : place + (1 << height)])

        frontier = merkle.Frontier.read(row.size, read)
        if frontier.root() != row.root:
            raise StoreError(f"{self.origin}: the stored hashes do not make up the root of the lock row")
        return row.log_id, Head(row.note, frontier, edges)

    def _load_edges(self, connection: Connection, log_id: int, size: int) -> tuple[tuple[bytes, ...], ...]:
        edges: list[tuple[bytes, ...]] = []
        while count := level_size(len(edges), size):
            start = count // TILE_WIDTH * TILE_WIDTH
            edges.append(tuple(self._select_hashes(connection, log_id, len(edges), start, count)))
        return tuple(edges)

    def _hashes(self, level: int, index: int) -> Sequence[bytes]:
        """All committed hashes of a tile: the edge from the head, a full one from the cache or the database."""
        head = self._head  # one state for the whole of this method: a commit may replace it meanwhile
        count = level_size(level, head.size)
        if count % TILE_WIDTH and index == count // TILE_WIDTH:
            return head.edges[level]
        with self._tiles_lock:
            cached = self._tiles.get((level, index))
            if cached is not None:
                self._tiles.move_to_end((level, index))
                return cached
        start = index * TILE_WIDTH
        with self._engine.connect() as connection:
            hashes = self._select_hashes(connection, self._log_id, level, start, start + TILE_WIDTH)
        with self._tiles_lock:
            self._tiles[level, index] = hashes
            if len(self._tiles) > _CACHED_TILES:
                self._tiles.popitem(last=False)
        return hashes

    def _select_hashes(self, connection: Connection, log_id: int, level: int, start: int, stop: int) -> list[bytes]:
        if level == 0:
            table, value = log_entry, log_entry.c.leaf
            query = select(value).where(table.c.log_id == log_id)
        else:
            table, value = log_hash, log_hash.c.hash
            query = select(value).where(table.c.log_id == log_id, table.c.level == level)
        within = query.where(table.c.position >= start, table.c.position < stop)
        hashes = list(connection.scalars(within.order_by(table.c.position)))
        if len(hashes) != stop - start:
            raise StoreError(f"{self.origin}: {stop - start} hashes of level {level} expected, {len(hashes)} stored")
        return hashes

    def _read_bundle(self, start: int, stop: int) -> list[bytes]:
        """Committed entries, each checked against its leaf hash."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                select(log_entry.c.data, log_entry.c.leaf)
                .where(log_entry.c.log_id == self._log_id)
                .where(log_entry.c.position >= start, log_entry.c.position < stop)
                .order_by(log_entry.c.position)
            ).all()
        if len(rows) != stop - start:
            raise StoreError(f"{self.origin}: {stop - start} entries expected, {len(rows)} stored")
        for offset, row in enumerate(rows):
            if merkle.leaf_hash(row.data) != row.leaf:
                raise StoreError(f"{self.origin}: stored entry {start + offset} was altered")
        return [row.data for row in rows]

    def _check_size(self, size: int) -> None:
        if size > self.size:
            self.behind()
        if not 0 <= size <= self.size:
            raise ValueError(f"the log has {self.size} entries, not {size}")


def key_column(witness: Vkey) -> str:
    """What the column `vkey` of a cosignature holds."""
    return f"{witness.name}+{witness.key_id.hex()}"


def _auditor_of_key(auditors: Mapping[str, Sequence[Vkey]]) -> dict[str, str]:
    """The auditor of each witness key; a key that is listed for two counts for the first."""
    return {key_column(key): auditor for auditor, keys in reversed(list(auditors.items())) for key in keys}
