"""A log on an empty database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Column, Engine, MetaData, Table, Text

from vemre.crypto.signing import SigningKey
from vemre.log.signer import LogSigner
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.storage.schema import create_schema, upgrade

service_metadata = MetaData()
Table("voted", service_metadata, Column("credential", Text, primary_key=True))


@pytest.fixture(scope="session")
def signer() -> LogSigner:
    return LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes([1]) * 32))


@pytest.fixture(scope="session")
def voted() -> Table:
    """A service's own table."""
    return service_metadata.tables["voted"]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine with the log's tables and a service's table."""
    engine = open_engine(database_url)
    upgrade(engine)
    create_schema(engine, service_metadata)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine, signer: LogSigner) -> LogStore:
    return LogStore.create(engine, signer)


@pytest.fixture
def append(store: LogStore) -> Callable[..., range]:
    def append(*entries: bytes) -> range:
        with store.transaction() as transaction:
            return transaction.append(entries)

    return append
