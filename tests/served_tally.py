"""The real tally service over a simulated election, and the key files of its trustees, mixers and authority.

The simulator plays the registry, the ballot box and the auditors. Its view of the tally log follows the service.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from served import ManualClock, identity_of, prepare_data, token_of, write_logs
from simulator import CLOSES, OPENS, Simulator
from starlette.testclient import TestClient

from tally.keys import RoleFile
from tally.mixer_core import MixerState
from tally.roles import HttpOutlet, Mixer, Runner, Trustee
from tally.service.main import assemble
from tally.service.node import TallyNode
from tally.service.office import COMPONENTS
from tally.trustee_core import TrusteeState
from vemre.crypto.keyfile import KeyFile
from vemre.election import drafts
from vemre.election.rules.view import Anchors
from vemre.log.checkpoint import Checkpoint
from vemre.log.note import Note
from vemre.records import bundle
from vemre.records.bundle import MEDIA_TYPE
from vemre.records.record import Record, parse
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.election_source import ElectionSource
from vemre.service.settings import ServiceSettings
from vemre.service.sources import FolderSource
from vemre.service.station import Station
from vemre.storage import keyfiles
from vemre.storage.blobs import FileBlobStore
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.types import LogName

OTHERS: tuple[LogName, ...] = ("registry", "ballot")


class TallyUnderTest:
    """The tally of a simulated election, with everything in its log that the simulator's has. Use `running`.

    `settings` are given to it beside its data folder.
    """

    def __init__(self, sim: Simulator, folder: Path, **settings: Any) -> None:
        self.sim = sim
        self.settings = settings
        self.folder = folder
        self.data = folder / "tally-data"
        self.record = folder / "others"
        self.clock = ManualClock()
        self.client: TestClient
        self.station: Station[TallyNode]
        prepare_data(sim, "tally", self.data)
        self.push()

    @contextmanager
    def running(self) -> Iterator[TallyUnderTest]:
        """Start it; starting again reads the database anew."""
        settings = ServiceSettings(data_dir=self.data, **self.settings)
        self._preload()
        self.station = Station(
            "test",
            settings,
            identity_of(self.sim, "tally", "tally"),
            Anchors(self.sim.policy),
            TallyNode,
            components=COMPONENTS,
            sources={name: FolderSource(self.record, name) for name in OTHERS},
            clock=self.clock,
        )
        with TestClient(assemble(self.station, settings)) as client:
            self.client = client
            yield self

    def _preload(self) -> None:
        """Put what the simulator did before into the service's log."""
        engine = open_engine(f"sqlite:///{self.data / 'service.sqlite3'}")
        store = LogStore(engine, self.sim.log_signers["tally"])
        blobs = FileBlobStore(self.data / "blob")
        for data in self.sim.blobs.values():
            blobs.put(data)
        new = [record.entry for record in self.sim.view.tally.records[store.size :]]
        if new:
            with store.transaction() as transaction:
                transaction.append(new)
        engine.dispose()

    # --- between the simulator and the service ----------------------------------------------------------------------

    def push(self) -> None:
        """Show the service what the simulator did in the two other logs."""
        for name in OTHERS:
            shutil.rmtree(self.record / name, ignore_errors=True)
        write_logs(self.sim, self.record, OTHERS)

    def pull(self) -> Simulator:
        """Show the simulator what the service logged."""
        entries = list(self.station.store.entries())
        for digest in self.station.blobs.digests():
            self.sim.blobs.setdefault(digest, self.station.blobs.get(digest))
        for entry in entries[len(self.sim.view.tally) :]:
            self.sim.view.tally.append(parse(entry))
        return self.sim

    def stick(self, name: str) -> Path:
        """The election as it stands, as a record on a stick."""
        self.pull()
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        return self.sim.write(folder)

    def cosign(self, auditors: Sequence[str] | None = None) -> None:
        """The auditors cosign the latest checkpoint."""
        note = Note.parse(self.client.get("/log/checkpoint").content)
        checkpoint = Checkpoint.parse(note.text)
        who = self.sim.auditors if auditors is None else auditors
        lines = "".join(str(self.sim.witnesses[role].cosign(checkpoint, OPENS)) for role in who)
        answer = self.client.post("/log/cosignatures", content=lines, headers={"Content-Type": "text/plain"})
        assert answer.status_code == 200, answer.text

    # --- requests ---------------------------------------------------------------------------------------------------

    def official(self, act: str, headers: dict[str, str] | None = None) -> Any:
        """The answer to an official act."""
        return self.client.post(f"/official/{act}", headers=token_of(self.data) if headers is None else headers)

    def post(self, data: bytes) -> Any:
        """Post the bytes of a submission."""
        return self.client.post("/records", content=data, headers={"Content-Type": MEDIA_TYPE})

    def submit(self, record: Record, blobs: Sequence[bytes] = ()) -> Any:
        """Post somebody's signed record."""
        return self.post(bundle.encode(record.entry, blobs))

    def must(self, signer: str, draft: drafts.Draft) -> Record:
        """A record by one of the simulator's roles, which the service takes."""
        record = self.sim.sign("tally", signer, draft.body)
        answer = self.submit(record, draft.blobs)
        assert answer.status_code == 201, answer.text
        return record

    def entries(self) -> list[Record]:
        """The log as it stands in the database."""
        return [parse(entry) for entry in self.station.store.entries()]

    def incidents(self) -> list[str]:
        """The texts of all incidents."""
        return [entry.body.text for entry in self.entries() if entry.type == "incident"]  # type: ignore[attr-defined]

    # --- roles over HTTP --------------------------------------------------------------------------------------------

    def http(self) -> ServiceClient:
        """The product's own client, connected to the service in this process."""
        return ServiceClient("http://testserver", transport=self.client._transport, attempts=1)

    def source(self, group: Any) -> ElectionSource:
        """The election as a role sees it: this service over HTTP, the other logs from the folder."""
        sources: dict[LogName, Any] = {name: FolderSource(self.record, name) for name in OTHERS}
        sources["tally"] = HttpSource(self.http())
        return ElectionSource(Anchors(self.sim.policy), sources, group, os.urandom)

    def trustee(self, role: str, *, drill: bool = False) -> Runner:
        """A trustee at work over HTTP, with the state that its key file has."""
        file = open_key(self.sim, self.folder, role)
        state = TrusteeState.from_secrets(role, file.key.secret)
        source = self.source(self.sim.view.group)
        return Runner(source, file, Trustee(state, drill), HttpOutlet(self.http()), os.urandom)

    def mixer(self, role: str, *, stand_in: bool = False) -> Runner:
        """A mixer at work over HTTP, with the state that its key file has."""
        file = open_key(self.sim, self.folder, role)
        state = MixerState.from_secrets(role, file.key.secret)
        source = self.source(self.sim.view.group)
        return Runner(source, file, Mixer(state, stand_in), HttpOutlet(self.http()), os.urandom)

    # --- stages -----------------------------------------------------------------------------------------------------

    def generate_key(self) -> None:
        """All trustees over HTTP, until the first drill is closed."""
        runners = [self.trustee(role) for role in self.sim.trustees]
        for _ in range(5):
            for runner in runners:
                self.cosign()
                assert runner.step() is not None
        answer = self.official("drill")
        assert answer.status_code == 200, answer.text
        self.cosign()
        self.pull()

    def set_up(self) -> None:
        """Roll, setup, and the auditors' opinions on the system."""
        sim = self.pull()
        sim.publish_roll()
        self.push()
        lnere = {urn.id: sum(voter.urn == urn.id for voter in sim.voters) for urn in sim.offer.urns}
        registry = sim.checkpoint("registry")
        self.must("authority", drafts.setup(sim.view, registry=registry, lnere=lnere, release="ab" * 32))
        self.pull()
        for role in sim.auditors:
            self.must(role, drafts.audit_plan(f"plan {role}".encode(), ["source"]))
            self.must(role, drafts.system_opinion(sim.view, favourable=True, report=f"report {role}".encode()))
        self.cosign()
        self.pull()

    def vote(self) -> None:
        """Opening, ballots, close and marks, in the other logs."""
        sim = self.pull()
        if sim.view.open is None:
            sim.open_box()
        sim.cast_all()
        sim.append("ballot", "ballot-box", drafts.close(sim.view, now=CLOSES, late=0))
        ballots = sum(sim.view.ballots_by_urn().values())
        ballot = sim.checkpoint("ballot")
        sim.append("registry", "registry", drafts.marks(sim.view, ballot=ballot, countries={"US": ballots}))
        self.push()

    def certify(self) -> None:
        """Both auditors' opinions."""
        sim = self.pull()
        checkpoints = {name: sim.checkpoint(name) for name in ("registry", "ballot", "tally")}
        for role in sim.auditors:
            draft = drafts.opinion(
                sim.view,
                favourable=True,
                checkpoints=checkpoints,
                report=f"final {role}".encode(),
                tool=("vemre", "0"),
            )
            self.must(role, draft)
        self.cosign()
        self.pull()


# --- key files ------------------------------------------------------------------------------------------------------


def key_path(folder: Path, role: str) -> Path:
    """Where a role's key file is."""
    return folder / "keys" / f"{role.replace('/', '-')}.key"


def write_key(sim: Simulator, folder: Path, role: str) -> Path:
    """The simulated keys of a role as its key file, marked insecure."""
    kind = role.partition("/")[0]
    public = {"role": role, "sign": sim.keys[role].public.hex()}
    secret: dict[str, Any] = {"sign": sim.keys[role].seed().hex()}
    if kind == "trustee":
        secret["box"] = sim.box_keys[role].secret().hex()
    path = key_path(folder, role)
    path.parent.mkdir(exist_ok=True)
    keyfiles.create(path, KeyFile(kind, public, secret, insecure=True), b"", os.urandom)
    return path


def open_key(sim: Simulator, folder: Path, role: str) -> RoleFile:
    """A role's key file, made where it is missing."""
    path = key_path(folder, role)
    if not path.exists():
        write_key(sim, folder, role)
    return RoleFile.open(path, role.partition("/")[0], b"", os.urandom, allow_insecure=True)  # type: ignore[arg-type]


def write_policy(sim: Simulator, folder: Path) -> Path:
    """The policy file."""
    path = folder / "policy.json"
    path.write_text(json.dumps(msgspec.to_builtins(sim.policy)))
    return path
