"""A log in a real store, served by a real application, with witnesses of two auditors."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from vemre.crypto.signing import SigningKey
from vemre.log.checkpoint import Checkpoint
from vemre.log.note import Note, Vkey
from vemre.log.signer import Ed25519Cosigner, LogSigner
from vemre.service import log_routes
from vemre.service.app import make_app
from vemre.service.log_routes import log_routes as make_routes
from vemre.service.witnesses import Witnesses, list_witnesses
from vemre.service.writer import Writer
from vemre.storage.blobs import FileBlobStore
from vemre.storage.engine import open_engine, sqlite_url
from vemre.storage.log_store import LogStore
from vemre.storage.schema import upgrade

ORIGIN = "localhost/8f14e45f/tally"


@dataclass
class Served:
    """One log and everything around it."""

    signer: LogSigner
    store: LogStore
    blobs: FileBlobStore
    app: FastAPI
    writer: Writer
    cosigners: dict[str, Ed25519Cosigner]
    client: TestClient = field(init=False)
    witnesses: Witnesses = field(init=False)

    @property
    def auditors(self) -> dict[str, list[Vkey]]:
        return {auditor: [cosigner.vkey] for auditor, cosigner in self.cosigners.items()}

    def append(self, *entries: bytes) -> None:
        with self.store.transaction() as transaction:
            transaction.append(entries)

    def cosignature(self, auditor: str, size: int, time: int = 1_700_000_000) -> str:
        text = Note.parse(self.store.checkpoint_at(size)).text
        return str(self.cosigners[auditor].cosign(Checkpoint.parse(text), time))

    def cosign(self, size: int, *auditors: str) -> None:
        lines = "".join(self.cosignature(auditor, size) for auditor in auditors or self.cosigners)
        self.store.add_cosignatures(size, lines, [key for keys in self.auditors.values() for key in keys])


def make_served(folder: Path, seed: int = 1) -> Served:
    """A new log; another `seed` gives another log key."""
    folder.mkdir(exist_ok=True)
    engine = open_engine(sqlite_url(folder / "log.sqlite3"))
    upgrade(engine)
    signer = LogSigner(ORIGIN, SigningKey(bytes([seed]) * 32))
    store = LogStore.create(engine, signer)
    blobs = FileBlobStore(folder / "blob")
    cosigners = {
        f"auditor/{number}": Ed25519Cosigner(f"auditor{number}.example/w1", SigningKey(bytes([64 + number]) * 32))
        for number in (1, 2)
    }

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with served.writer:
            yield

    app = make_app("tally", "Tally", bodies=log_routes.BODIES, lifespan=lifespan)
    served = Served(signer, store, blobs, app, Writer(store, app.state.stop, app.state.metrics), cosigners)
    listed = list_witnesses(None, served.auditors, signer.vkey, [signer.vkey])
    served.witnesses = Witnesses(listed, store, lambda: 1_700_000_000, app.state.metrics)
    app.include_router(make_routes(store, blobs, served.auditors, served.witnesses))
    return served


@pytest.fixture
def serve_log(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """`serve_log(name, seed)` gives one more served log, in a folder of its own."""
    with ExitStack() as stack:

        def serve(name: str = "tally", seed: int = 1) -> Served:
            served = make_served(tmp_path / name, seed)
            served.client = stack.enter_context(TestClient(served.app))
            stack.callback(served.store._engine.dispose)
            return served

        yield serve


@pytest.fixture
def served(serve_log: Callable[..., Served]) -> Served:
    return serve_log()
