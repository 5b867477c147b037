"""Creating and upgrading tables: a folder of Alembic migrations for each component of a database.

The log's migrations are in this package. A service brings its own folder under a name of its own; each component
counts its revisions in its own table, so that the two never wait for one another.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text

from vemre.storage.engine import writing


@dataclass(frozen=True)
class Component:
    """A set of tables with a history: `migrations` is a folder with a `versions` folder of Alembic revisions."""

    name: str
    migrations: Path


LOG: Final = Component("log", Path(__file__).parent / "migrations" / "log")


def upgrade(engine: Engine, *components: Component) -> None:
    """Bring the log's tables, and those of each component, to their newest revision. Idempotent."""
    for component in (LOG, *components):
        with writing(engine) as connection:
            _lock(connection, component)
            _run(connection, component)


def create_schema(engine: Engine, metadata: MetaData) -> None:
    """Create the tables of `metadata` that are not there yet: for components that have no history so far."""
    with writing(engine) as connection:
        metadata.create_all(connection)


def _lock(connection: Connection, component: Component) -> None:
    """Let one of several starting processes upgrade first. On SQLite the transaction holds the write lock already."""
    if connection.dialect.name == "postgresql":
        key = zlib.crc32(f"vemre-schema-{component.name}".encode())
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


def _run(connection: Connection, component: Component) -> None:
    config = Config()
    config.set_main_option("script_location", str(component.migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def revisions(current: Any, _context: Any) -> Any:
        return script._upgrade_revs("head", current)

    with EnvironmentContext(config, script, fn=revisions) as environment:
        environment.configure(connection=connection, version_table=f"alembic_{component.name}")
        environment.run_migrations()
