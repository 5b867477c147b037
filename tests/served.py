"""Real services over a simulated election: what a test needs to cast ballots over HTTP.

The simulator plays everybody else; its registry and tally logs lie in a folder that the service follows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import forge
import msgspec
import pytest
import uvicorn
from simulator import CLOSES, ELECTION, OPENS, Simulator, Voter
from sqlalchemy import Engine
from starlette.testclient import TestClient

import ballot.static
from ballot.api import BODIES as BALLOT_BODIES
from ballot.box import COMPONENTS as BALLOT_COMPONENTS
from ballot.main import assemble as assemble_ballot
from ballot.node import BallotNode
from ballot.sessions import StoredSessions
from ballot.settings import BallotSettings
from registry.api import BODIES as REGISTRY_BODIES
from registry.core import COLUMNS
from registry.main import assemble as assemble_registry
from registry.node import RegistryNode
from registry.office import COMPONENTS as REGISTRY_COMPONENTS
from registry.settings import ROSTER, RegistrySettings
from registry.store import RegistryStore
from vemre.crypto.keyfile import KeyFile
from vemre.election import drafts
from vemre.election.choice import Choice
from vemre.election.rules.view import Anchors
from vemre.log.checkpoint import Checkpoint
from vemre.log.note import Note
from vemre.records import bundle
from vemre.records import vote_bodies as v
from vemre.records.bundle import MEDIA_TYPE
from vemre.records.record import Record, parse
from vemre.service import identity as identities
from vemre.service import vault as vaults
from vemre.service.client import ServiceClient
from vemre.service.delivery import Message, Outbox
from vemre.service.identity import Identity
from vemre.service.sources import FolderSource
from vemre.service.station import Station, wall_clock
from vemre.storage import keyfiles, schema
from vemre.storage.engine import open_engine, writing
from vemre.storage.log_store import LogStore
from vemre.types import Clock, LogName

OTHERS: dict[LogName, tuple[LogName, ...]] = {"ballot": ("registry", "tally"), "registry": ("ballot", "tally")}


@dataclass
class ManualClock:
    """A clock that stands until a test moves it."""

    now: int = OPENS

    def __call__(self) -> int:
        return self.now


def write_logs(sim: Simulator, folder: Path, names: Sequence[LogName]) -> None:
    """The simulator's logs as others follow them, cosigned."""
    for name in names:
        shutil.rmtree(folder / name, ignore_errors=True)
        entries = [record.entry for record in sim.view.logs[name].records]
        forge.write_log(folder / name, entries, sim.checkpoint(name).encode())
    (folder / "blob").mkdir(parents=True, exist_ok=True)
    for digest, data in sim.blobs.items():
        (folder / "blob" / digest).write_bytes(data)


def identity_of(sim: Simulator, name: LogName, role: str) -> Identity:
    """The simulated keys of a service."""
    return Identity(name, ELECTION, sim.keys[role], sim.log_signers[name])


def prepare_data(sim: Simulator, name: LogName, data: Path, *tokens: str, database: str | None = None) -> None:
    """What ``init`` makes, with the simulator's keys; in SQLite unless `database` says otherwise."""
    data.mkdir(parents=True, exist_ok=True)
    for token in (identities.OFFICIAL, *tokens):
        identities.create_token(data, token, os.urandom)
    engine = open_engine(database or f"sqlite:///{data / 'service.sqlite3'}")
    schema.upgrade(engine)
    LogStore.create(engine, sim.log_signers[name])
    engine.dispose()


def token_of(data: Path, name: str = identities.OFFICIAL) -> dict[str, str]:
    """The header of whoever holds a token."""
    return {"Authorization": f"Bearer {(data / f'{name}.token').read_text().strip()}"}


def open_session(engine: Engine, pseudonym: str, clock: Clock = wall_clock) -> str:
    """The bearer token of a session that is opened directly in the database."""
    with writing(engine) as connection:
        return StoredSessions(engine, clock, os.urandom).open(connection, pseudonym).token


class BallotBoxUnderTest:
    """The ballot box of a simulated election that has reached its setup. Use `running` to start it.

    `settings` are given to it beside its data folder. It serves the client in the folder `build`, by default none,
    whatever this tree has built.
    """

    def __init__(self, sim: Simulator, folder: Path, *, build: Path | None = None, **settings: Any) -> None:
        self.sim = sim
        self.settings = settings
        self.build = build or folder / "no-client"
        self.data = folder / "ballot-data"
        self.record = folder / "record"
        self.clock = ManualClock()
        self.pseudonyms = [f"{number:032x}" for number in range(1, len(sim.voters) + 1)]
        self.client: TestClient
        self.station: Station[BallotNode]
        prepare_data(sim, "ballot", self.data, database=settings.get("database_url"))
        write_logs(sim, self.record, OTHERS["ballot"])

    @contextmanager
    def running(self) -> Iterator[BallotBoxUnderTest]:
        """Start it; starting again reads the database anew."""
        policy = self.data / "policy.json"
        policy.write_bytes(msgspec.json.encode(self.sim.policy))
        settings = BallotSettings(**{"data_dir": self.data, "policy_file": policy, **self.settings})
        self.station = Station(
            "test",
            settings,
            identity_of(self.sim, "ballot", "ballot-box"),
            Anchors(self.sim.policy),
            BallotNode,
            components=BALLOT_COMPONENTS,
            bodies=BALLOT_BODIES,
            sources={name: FolderSource(self.record, name) for name in OTHERS["ballot"]},
            mirror=True,
            clock=self.clock,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ballot.static, "built_client", lambda: self.build)
            app = assemble_ballot(self.station, settings)
        with TestClient(app) as client:
            self.client = client
            yield self

    # --- officials --------------------------------------------------------------------------------------------------

    def official(self, act: str, body: Any = None) -> Any:
        """The answer to an official act."""
        return self.client.post(f"/official/{act}", json=body if body is not None else {}, headers=token_of(self.data))

    def roster(self) -> dict[str, Any]:
        """The roster as the registry would give it."""
        return {
            "entries": [
                {
                    "pseudonym": pseudonym,
                    "urn": voter.urn,
                    "contact": f"{pseudonym}@example.net",
                    "phone": f"+1312{int(pseudonym, 16) % 10**7:07}",
                    "credential": voter.key.public.hex(),
                }
                for pseudonym, voter in zip(self.pseudonyms, self.sim.voters, strict=True)
            ]
        }

    def submit(self, record: Record, blobs: Sequence[bytes] = ()) -> Any:
        """Post somebody's signed record."""
        data = bundle.encode(record.entry, blobs)
        return self.client.post("/records", content=data, headers={"Content-Type": MEDIA_TYPE})

    def order_to_open(self) -> Record:
        """The authority's."""
        draft = drafts.opening(self.sim.view, tally=self.sim.checkpoint("tally"), now=OPENS)
        return self.sim.sign("ballot", "authority", draft.body)

    def open(self) -> BallotBoxUnderTest:
        """Roster, opening."""
        answer = self.official("roster", self.roster())
        assert answer.status_code == 200, answer.text
        answer = self.submit(self.order_to_open())
        assert answer.status_code == 201, answer.text
        return self

    # --- voters -----------------------------------------------------------------------------------------------------

    def token(self, voter: Voter) -> str:
        """The bearer token of a new session of a voter, for tests that are not about signing in."""
        return open_session(self.station.engine, self.pseudonym(voter), self.clock)

    def pseudonym(self, voter: Voter) -> str:
        """The pseudonym of a voter."""
        return self.pseudonyms[self.sim.voters.index(voter)]

    def cast(self, voter: Voter, entry: bytes, token: str | None = None) -> Any:
        """Post a ballot's bytes in a voter's session."""
        headers = {"Authorization": f"Bearer {token or self.token(voter)}", "Content-Type": "application/json"}
        return self.client.post("/ballots", content=entry, headers=headers)

    def ballot(self, voter: Voter, choices: Sequence[Choice] | None = None) -> bytes:
        """A voter's ballot, encrypted anew."""
        found = choices if choices is not None else voter.choices
        assert found is not None
        return self.sim.ballot(voter, found).entry

    def block(self, voter: Voter, reason: Any = "post") -> Record:
        """The registry's order to block a voter."""
        assert self.sim.view.context is not None
        body = v.Block(self.sim.view.context.hex(), voter.urn, voter.key.public.hex(), reason)
        return self.sim.sign("ballot", "registry", body)

    def close(self) -> Any:
        """Close at the time for it."""
        self.clock.now = CLOSES
        return self.official("close")

    def cosign(self) -> None:
        """Both auditors cosign the latest checkpoint."""
        note = Note.parse(self.client.get("/log/checkpoint").content)
        checkpoint = Checkpoint.parse(note.text)
        lines = "".join(str(self.sim.witnesses[role].cosign(checkpoint, OPENS)) for role in self.sim.auditors)
        answer = self.client.post("/log/cosignatures", content=lines, headers={"Content-Type": "text/plain"})
        assert answer.status_code == 200, answer.text

    def entries(self) -> list[Record]:
        """The log as it stands in the database."""
        return [parse(entry) for entry in self.station.store.entries()]


# --- real HTTP ------------------------------------------------------------------------------------------------------


class _Logs(BaseHTTPRequestHandler):
    """Serves one log of a record on disk as its service would."""

    record: Path
    log: LogName

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        name = "/log/checkpoint" if path == "/log/cosigned" else path
        file = self.record / self.log / name.removeprefix("/log/")
        if name.startswith("/blob/"):
            file = self.record / name[1:]
        found = file.is_file()
        data = file.read_bytes() if found else b"{}"
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Silence."""


@contextmanager
def serving_logs(record: Path, *names: LogName) -> Iterator[dict[str, str]]:
    """Addresses at which these logs of a record are served."""
    servers = []
    try:
        for name in names:
            handler = type("Logs", (_Logs,), {"record": record, "log": name})
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            Thread(target=server.serve_forever, daemon=True).start()
            servers.append((name, server))
        yield {name: f"http://127.0.0.1:{server.server_port}" for name, server in servers}
    finally:
        for _, server in servers:
            server.shutdown()
            server.server_close()


def client_of(box: BallotBoxUnderTest, token: str | None = None) -> ServiceClient:
    """The product's own client, connected to a ballot box in this process."""
    return ServiceClient("http://testserver", token=token, transport=box.client._transport, attempts=1)


def write_keys(sim: Simulator, name: LogName, role: str, data: Path) -> None:
    """The simulated keys of a service as its key file, marked insecure."""
    identity = identity_of(sim, name, role)
    secret = {"sign": sim.keys[role].seed().hex(), "log": sim.log_seeds[name].hex()}
    key = KeyFile(identities.kind_of(name), identity.public(), secret, insecure=True)
    keyfiles.create(data / identities.KEY_FILE, key, b"", os.urandom)


@contextmanager
def listening(app: Any, port: int = 0) -> Iterator[str]:
    """The address of an application in a real server."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off", ws="none"))
    thread = Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


# --- the registry ---------------------------------------------------------------------------------------------------

ROLL_HEADER = ",".join(COLUMNS)


def roll_line(number: int, entity: str = "09", modality: str = "internet", **changes: str) -> str:
    """A line of a roll about a voter who does not exist."""
    row = {
        "folio": f"F-{number:04}",
        "clave_de_elector": f"XXXXXX800229{'09'}M{number:03}",
        "names": "Persona Inventada",
        "country": "US",
        "entity": entity,
        "district": "7",
        "email": f"persona{number}@example.org",
        "phone": f"+1312555{number:04}",
        "modality": modality,
    }
    return ",".join({**row, **changes}.values())


def roll_file(*lines: str) -> bytes:
    """A roll."""
    return "\n".join((ROLL_HEADER, *lines, "")).encode()


class RegistryUnderTest:
    """The registry of a simulated election whose key stands. Use `running` to start it."""

    def __init__(self, sim: Simulator, folder: Path, **settings: Any) -> None:
        """`settings` are given to it beside its data folder."""
        self.sim = sim
        self.settings = settings
        self.data = folder / "registry-data"
        self.record = folder / "record"
        self.clock = ManualClock()
        self.ballot_url: str | None = None
        self.client: TestClient
        self.station: Station[RegistryNode]
        prepare_data(sim, "registry", self.data, ROSTER, database=settings.get("database_url"))
        write_logs(sim, self.record, OTHERS["registry"])

    @contextmanager
    def running(self) -> Iterator[RegistryUnderTest]:
        """Start it; starting again reads the database anew."""
        settings = RegistrySettings(data_dir=self.data, ballot_url=self.ballot_url, **self.settings)
        self.station = Station(
            "test",
            settings,
            identity_of(self.sim, "registry", "registry"),
            Anchors(self.sim.policy),
            RegistryNode,
            components=REGISTRY_COMPONENTS,
            bodies=REGISTRY_BODIES,
            sources={name: FolderSource(self.record, name) for name in OTHERS["registry"]},
            clock=self.clock,
        )
        with TestClient(assemble_registry(self.station, settings)) as client:
            self.client = client
            yield self

    def official(self, act: str, body: Any = None) -> Any:
        """The answer to an official act."""
        return self.client.post(f"/official/{act}", json=body if body is not None else {}, headers=token_of(self.data))

    def import_roll(self, data: bytes) -> Any:
        """The answer to a roll file."""
        headers = {**token_of(self.data), "Content-Type": "text/csv"}
        return self.client.post("/official/roll-import", content=data, headers=headers)

    def roster(self) -> Any:
        """The roster, as the ballot box gets it."""
        return self.client.get("/official/roster", headers=token_of(self.data, ROSTER))

    def outbox(self) -> Outbox:
        """What waits to be handed over."""
        return Outbox(self.data / "outbox", vaults.load(self.data / "vault"), self.clock)

    def letters(self, template: str) -> dict[str, Message]:
        """The letters of a kind that wait, by the address; one for each."""
        found = [message for message in self.outbox().waiting() if message.template == template]
        assert len({message.to for message in found}) == len(found)
        return {message.to: message for message in found}

    def credential_for(self, address: str) -> str:
        """The credential that waits to be handed over at an address."""
        return self.letters("credential")[address].values["credential"]

    def entries(self) -> list[Record]:
        """The log as it stands in the database."""
        return [parse(entry) for entry in self.station.store.entries()]

    def of_the_roll(self) -> list[Record]:
        """The same without commitments."""
        return [record for record in self.entries() if record.type != "enrolment"]

    def store(self) -> RegistryStore:
        """The rows, opened."""
        return RegistryStore(self.station.engine, self.data / "vault")

    def tell(self) -> None:
        """Let the simulator take over what the registry logged, as the other authorities would."""
        for record in self.entries()[len(self.sim.view.registry) :]:
            self.sim.put([self.station.blobs.get(ref.sha256) for ref in bundle.blob_refs(record.body)])
            self.sim.admit("registry", record)
