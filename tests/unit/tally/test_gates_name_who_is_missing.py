"""Every gated act waits for two auditors, and says whom it waits for; casting and closing wait for nobody.

With one auditor only, with two keys of one auditor, and with those and an observer, each act is refused with
`not-cosigned-yet` and names the other auditor. With both it goes on. Source: protocol, section 12.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from served import BallotBoxUnderTest, RegistryUnderTest
from served_tally import TallyUnderTest
from simulator import CLOSES, GROUP, OPENS, Simulator

from tally.authority import Authority
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.rules.view import Anchors, View
from vemre.errors import Refused
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.note import Note
from vemre.log.signer import Ed25519Cosigner
from vemre.records import bundle
from vemre.records import setup_bodies as s
from vemre.service.election_source import ElectionSource
from vemre.service.sources import FolderSource
from vemre.storage.blobs import FileBlobStore
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.types import LOG_NAMES, LogName

PRESENT = ["one auditor", "one auditor twice", "with an observer"]
"""Who cosigned where an act is refused."""


class TwoKeys(Simulator):
    """An election whose first auditor has two witness keys; there is an observer too. `cosigners` sign checkpoints."""

    def _manifest(self, min_batch: int) -> s.Manifest:
        self.second = Ed25519Cosigner("auditor1.example/second", SigningKey.generate(os.urandom))
        self.observer = Ed25519Cosigner("observer.example/w", SigningKey.generate(os.urandom))
        self.everybody = [*self.witnesses.values(), self.second]
        self.cosigners = self.everybody
        keys = [str(self.witnesses["auditor/1"].vkey), str(self.second.vkey)]
        first = msgspec.structs.replace(self.policy.auditors["auditor/1"], witness=keys)
        self.policy = msgspec.structs.replace(self.policy, auditors={**self.policy.auditors, "auditor/1": first})
        self.view = View(Anchors(self.policy), self.blobs.__getitem__, GROUP, os.urandom)
        manifest = super()._manifest(min_batch)
        one, two = manifest.auditors
        return msgspec.structs.replace(manifest, auditors=[msgspec.structs.replace(one, witness=keys), two])

    def only(self, present: str | None) -> TwoKeys:
        """From now on these cosign, or everybody."""
        one = [self.witnesses["auditor/1"]]
        both_keys = [*one, self.second]
        found = {"one auditor": one, "one auditor twice": both_keys, "with an observer": [*both_keys, self.observer]}
        self.cosigners = self.everybody if present is None else found[present]
        return self

    def lines(self, checkpoint: Checkpoint) -> str:
        """Their signature lines."""
        return "".join(str(cosigner.cosign(checkpoint, self.time)) for cosigner in self.cosigners)

    def checkpoint(self, log: LogName, size: int | None = None, auditors: Sequence[str] | None = None) -> str:
        found = SignedCheckpoint.parse(super().checkpoint(log, size, ()))
        return found.encode().decode() + self.lines(found.checkpoint)


class Election:
    """A tally under test, whose other logs lie in a folder."""

    def __init__(self, sim: TwoKeys, folder: Path) -> None:
        self.sim = sim
        self.folder = folder
        file = folder / "witnesses"
        file.write_text(f"witness observer {sim.observer.vkey}\nquorum none\n")
        self.tally = TallyUnderTest(sim, folder, witnesses_file=file)

    def cosign(self, present: str | None) -> None:
        """These cosign the tally log as it is."""
        self.sim.only(present)
        checkpoint = Checkpoint.parse(Note.parse(self.tally.client.get("/log/checkpoint").content).text)
        lines = self.sim.lines(checkpoint)
        answer = self.tally.client.post("/log/cosignatures", content=lines, headers={"Content-Type": "text/plain"})
        assert len(answer.json()["accepted"]) == len(self.sim.cosigners)

    def push(self, present: str | None, *partly: LogName) -> None:
        """The other logs as they are, cosigned by everybody, and those in `partly` by those present."""
        self.sim.only(None)
        self.tally.push()
        self.sim.only(present)
        for name in partly:
            (self.tally.record / name / "checkpoint").write_text(self.sim.checkpoint(name))

    def authority(self) -> Authority:
        return Authority(self.tally.source(GROUP), self.sim.keys["authority"], lambda: OPENS)


def missing(act: Callable[[], Any]) -> str:
    """Whom an act of a person's own command waits for."""
    with pytest.raises(Refused) as refused:
        act()
    assert refused.value.code == "not-cosigned-yet", refused.value
    return str(refused.value.params["missing"])


def missing_in(answer: Any) -> str:
    """Whom an official act of a service waits for."""
    assert (answer.status_code, answer.json()["code"]) == (409, "not-cosigned-yet"), answer.text
    return str(answer.json()["en"]["detail"].rpartition(": ")[2].rstrip("."))


def reach(stage: str) -> TwoKeys:
    sim = TwoKeys()
    sim.reach(stage)
    return sim


@pytest.mark.parametrize("present", PRESENT)
def test_setup(tmp_path: Path, present: str) -> None:
    election = Election(reach("roll"), tmp_path)
    sim = election.sim
    counts = {urn.id: sum(voter.urn == urn.id for voter in sim.voters) for urn in sim.offer.urns}
    with election.tally.running():
        election.cosign(None)
        election.push(present, "registry")
        assert missing(lambda: election.authority().setup(counts, "ab" * 32)) == "auditor/2"
        election.push(None)
        assert election.authority().setup(counts, "ab" * 32).type == "setup"


@pytest.mark.parametrize("present", PRESENT)
def test_open(tmp_path: Path, present: str) -> None:
    sim = reach("setup")
    opinions = [sim.view.tally.records[-3], sim.view.tally.records[-1]]
    for _ in range(4):
        sim.view.tally.pop()
    election = Election(sim, tmp_path)
    with election.tally.running():
        election.cosign(None)
        for record in opinions:
            blobs = [sim.blobs[ref.sha256] for ref in bundle.blob_refs(record.body)]
            assert election.tally.submit(record, blobs).status_code == 201
        election.cosign(present)
        assert missing(election.authority().open) == "auditor/2"
        election.cosign(None)
        assert election.authority().open().type == "open"


@pytest.mark.parametrize("present", PRESENT)
def test_the_box_takes_no_order_that_rests_on_too_few(tmp_path: Path, present: str) -> None:
    sim = reach("setup")
    with BallotBoxUnderTest(sim, tmp_path).running() as box:
        sim.only(present)
        refused = box.submit(box.order_to_open())
        assert (refused.status_code, refused.json()["code"]) == (422, "check-gate")
        assert box.entries() == []
        sim.only(None)
        assert box.submit(box.order_to_open()).status_code == 201


def test_casting_and_closing_wait_for_nobody(tmp_path: Path) -> None:
    with BallotBoxUnderTest(reach("setup"), tmp_path).running() as box:
        box.open()
        for voter in (box.sim.voters[0], box.sim.voters[1]):
            assert box.cast(voter, box.ballot(voter)).status_code == 201
        assert box.submit(box.block(box.sim.voters[2])).status_code == 201
        assert box.close().status_code == 200
        assert missing_in(box.client.get("/log/cosigned")) == "auditor/1, auditor/2"


@pytest.mark.parametrize("present", PRESENT)
def test_marks(tmp_path: Path, present: str) -> None:
    sim = reach("close")
    for log, number in ((sim.view.tally, 1), (sim.view.registry, 1)):
        for _ in range(number):
            log.pop()
    registry = RegistryUnderTest(sim, tmp_path)
    registry.clock.now = CLOSES
    preload(sim, "registry", registry.data)
    with registry.running():
        (registry.record / "ballot" / "checkpoint").write_text(sim.only(present).checkpoint("ballot"))
        assert missing_in(registry.official("marks")) == "auditor/2"
        (registry.record / "ballot" / "checkpoint").write_text(sim.only(None).checkpoint("ballot"))
        # Nobody is in this registry's tables: the gate is passed.
        assert registry.official("marks").json()["code"] == "ballots-unknown"


def preload(sim: Simulator, name: LogName, data: Path) -> None:
    """Put what the simulator did into a service's log."""
    engine = open_engine(f"sqlite:///{data / 'service.sqlite3'}")
    store, blobs = LogStore(engine, sim.log_signers[name]), FileBlobStore(data / "blob")
    for blob in sim.blobs.values():
        blobs.put(blob)
    with store.transaction() as transaction:
        transaction.append([record.entry for record in sim.view.logs[name].records])
    engine.dispose()


@pytest.mark.parametrize("log", ["ballot", "registry"])
@pytest.mark.parametrize("present", PRESENT)
def test_tally_input(tmp_path: Path, present: str, log: LogName) -> None:
    sim = reach("close")
    sim.view.tally.pop()
    election = Election(sim, tmp_path)
    with election.tally.running():
        election.push(present, log)
        assert missing_in(election.tally.official("tally-input")) == "auditor/2"
        election.push(None)
        assert election.tally.official("tally-input").status_code == 200


@pytest.mark.parametrize("present", PRESENT)
def test_shuffle(tmp_path: Path, present: str) -> None:
    sim = reach("close")
    sim.view.tally.pop()
    election = Election(sim, tmp_path)
    with election.tally.running():
        election.cosign(None)
        assert election.tally.official("tally-input").status_code == 200
        election.cosign(present)
        work = election.tally.mixer("mixer/1")
        # To the mixer, who looks at cosigned states alone, there is nothing to mix yet; it is told why.
        assert work.step() is None
        assert missing(work.explain) == "auditor/2"
        election.cosign(None)
        assert work.step() is not None


@pytest.mark.parametrize("present", PRESENT)
def test_decryption(tmp_path: Path, present: str) -> None:
    sim = reach("mixed")
    last = sim.view.tally.records[-1]
    sim.view.tally.pop()
    election = Election(sim, tmp_path)
    with election.tally.running():
        election.cosign(None)
        blobs = [sim.blobs[ref.sha256] for ref in bundle.blob_refs(last.body)]
        assert election.tally.submit(last, blobs).status_code == 201
        election.cosign(present)
        work = election.tally.trustee("trustee/1")
        assert work.step() is None
        assert missing(work.explain) == "auditor/2"
        election.cosign(None)
        assert work.step() is not None


@pytest.mark.parametrize("present", PRESENT)
def test_result(tmp_path: Path, present: str) -> None:
    election = Election(reach("decrypted"), tmp_path)
    with election.tally.running():
        assert election.tally.official("results").json()["result"] is None
        election.cosign(present)
        answer = election.tally.official("results").json()
        assert (answer["result"], answer["waiting"]) == (None, "auditor/2")
        election.cosign(None)
        assert election.tally.official("results").json()["result"]["new"] is True


@pytest.mark.parametrize("present", PRESENT)
def test_opinion(tmp_path: Path, present: str) -> None:
    """What an auditor's opinion rests on: all three logs."""
    election = Election(reach("counted"), tmp_path)
    sim = election.sim
    with election.tally.running():
        election.cosign(present)
        sources: dict[LogName, Any] = {
            "registry": FolderSource(election.tally.record, "registry"),
            "ballot": FolderSource(election.tally.record, "ballot"),
            "tally": election.tally.source(GROUP).follower("tally").source,  # type: ignore[union-attr]
        }
        source = ElectionSource(Anchors(sim.policy), sources, GROUP, os.urandom, cosigned_only=False)
        election.push(present, "registry", "ballot")
        for log in LOG_NAMES:
            assert missing(lambda log=log: source.gate(log, len(sim.view.logs[log]))) == "auditor/2"
        election.push(None)
        election.cosign(None)
        for log in LOG_NAMES:
            assert source.gate(log, len(sim.view.logs[log]))


@pytest.mark.parametrize("present", PRESENT)
def test_certification(tmp_path: Path, present: str) -> None:
    election = Election(reach("counted"), tmp_path)
    sim, tally = election.sim, election.tally
    with tally.running():
        election.cosign(None)
        checkpoints = {name: sim.checkpoint(name) for name in LOG_NAMES}
        for role in sim.auditors:
            report = f"final {role}".encode()
            tool = ("vemre", "0")
            tally.must(
                role, drafts.opinion(sim.view, favourable=True, checkpoints=checkpoints, report=report, tool=tool)
            )
        election.cosign(present)
        assert missing(election.authority().certify) == "auditor/2"
        election.cosign(None)
        assert election.authority().certify().type == "certification"
