"""Database engines with the durability that a log needs: what is committed survives a loss of power.

SQLite by default (write-ahead log, synchronous=FULL); PostgreSQL through psycopg 3 with the same models.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from vemre.errors import StoreError

BUSY_TIMEOUT_MS: Final = 10_000
_WRITE_OPTION: Final = "vemre_write"


def open_engine(url: str, name: str = "vemre") -> Engine:
    """An engine for ``sqlite:///path`` or ``postgresql://...``. Raises StoreError for any other database.

    A new SQLite file is readable by its owner alone. PostgreSQL lists the connections under `name`.
    """
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return _open_sqlite(parsed)
        case "postgresql":
            # Not even a server that is set up to answer early may answer before the write is durable.
            return create_engine(
                parsed.set(drivername="postgresql+psycopg"),
                pool_pre_ping=True,
                connect_args={"options": "-c synchronous_commit=on", "application_name": name},
            )
        case other:
            raise StoreError(f"not a database that VeMRE knows: {other}")


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file."""
    return URL.create("sqlite", database=str(path)).render_as_string()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: committed at the end, rolled back on an exception.

    On SQLite it takes the write lock at its beginning, so that it cannot fail half-way for want of it.
    """
    with write_connection(engine) as connection, connection.begin():
        yield connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that reads one state of the database, whatever others commit meanwhile."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # SQLite's transactions are so anyway.
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def write_connection(engine: Engine) -> Connection:
    """A connection whose transactions write; the caller begins, ends and closes."""
    return engine.connect().execution_options(**{_WRITE_OPTION: True})


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreError("a log needs a database on disk")
    # Created here so that its mode is right from the first byte; SQLite gives the same mode to its -wal file. One that
    # is there is never opened here: closing it would drop the locks that this process has on it through SQLite, and
    # another process could then take the write-ahead log away (sqlite.org/howtocorrupt.html, 2.2).
    with suppress(FileExistsError):
        os.close(os.open(url.database, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own handling of transactions is off: it would begin them late and break savepoints.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    (mode,) = cursor.execute("PRAGMA journal_mode = WAL").fetchone()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
    if mode != "wal":
        raise StoreError(f"SQLite keeps no write-ahead log here (journal mode {mode})")


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get(_WRITE_OPTION)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
