"""Engines are durable, schemas have a history."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from vemre.errors import StoreError
from vemre.storage import models
from vemre.storage.engine import open_engine, sqlite_url, writing
from vemre.storage.schema import Component, upgrade


def test_sqlite_is_durable_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a b.sqlite"
    engine = open_engine(sqlite_url(path))
    with engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    assert path.stat().st_mode & 0o777 == 0o600
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/db"])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(StoreError):
        open_engine(url)


def test_postgresql_is_durable(database_url: str) -> None:
    engine = open_engine(database_url.replace("+psycopg", ""))
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    engine.dispose()


def test_a_writing_transaction_is_all_or_nothing(database_url: str) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:  # noqa: PT012
        connection.execute(text("INSERT INTO t VALUES (1)"))
        raise ZeroDivisionError
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM t")) == 0
    engine.dispose()


def test_the_migrations_make_the_models(database_url: str) -> None:
    engine = open_engine(database_url)
    upgrade(engine)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": "alembic_log"})
        assert compare_metadata(context, models.metadata) == []
    engine.dispose()


FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0001", None, None, None
def upgrade():
    op.create_table("voter", sa.Column("id", sa.Integer(), primary_key=True))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None
def upgrade():
    op.add_column("voter", sa.Column("urn", sa.Text()))
"""


def test_a_service_has_a_history_of_its_own(database_url: str, tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "r0001.py").write_text(FIRST)
    registry = Component("registry", tmp_path / "migrations")
    engine = open_engine(database_url)
    upgrade(engine, registry)
    assert [column["name"] for column in inspect(engine).get_columns("voter")] == ["id"]
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO voter (id) VALUES (1)"))
    (versions / "r0002.py").write_text(SECOND)
    upgrade(engine, registry)
    assert [column["name"] for column in inspect(engine).get_columns("voter")] == ["id", "urn"]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM voter")) == 1
        assert connection.scalar(text("SELECT version_num FROM alembic_registry")) == "0002"
        assert connection.scalar(text("SELECT version_num FROM alembic_log")) == "0002"
    engine.dispose()


def test_a_failing_migration_changes_nothing(database_url: str, tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "r0001.py").write_text(FIRST + "    raise ZeroDivisionError\n")
    engine = open_engine(database_url)
    with pytest.raises(ZeroDivisionError):
        upgrade(engine, Component("registry", tmp_path / "migrations"))
    assert "voter" not in inspect(engine).get_table_names()
    engine.dispose()


def test_opening_a_database_again_leaves_the_locks_that_are_held(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "log")
    first = open_engine(url)
    with first.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE seen (what TEXT)")
    with first.connect() as kept:
        kept.exec_driver_sql("SELECT * FROM seen").all()
        kept.rollback()
        open_engine(url).dispose()
        # The last one that closes a database takes its write-ahead log away. This process still has it open.
        program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM seen'); c.close()"
        subprocess.run([sys.executable, "-c", program, str(tmp_path / "log")], check=True)
        assert (tmp_path / "log-wal").exists()
    first.dispose()
