"""A16: one auditor's two keys, or the log's own key, stand where two auditors should.

Everywhere a quorum is counted: in the rules of the verifier, at the gates of acts, in voters' receipts, in what the
services give as cosigned, and at a witness.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from served_simulator import Served
from simulator import CLOSES, GROUP, OPENS, Simulator
from starlette.testclient import TestClient
from witnesses import Clock, witness_of

from audit.receipts.receipt import check_receipt
from audit.witness.engine import Witness
from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.election.rules import gates
from vemre.election.rules.view import Anchors, LogView, View
from vemre.errors import CheckFailed
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint, open_checkpoint, require_quorum
from vemre.log.note import Vkey
from vemre.log.proof import Receipt
from vemre.log.signer import Ed25519Cosigner
from vemre.service import log_routes
from vemre.service.app import make_app
from vemre.service.witnesses import Witnesses, list_witnesses
from vemre.storage import schema
from vemre.storage.blobs import FileBlobStore
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.types import LOG_NAMES

ANOTHER = Ed25519Cosigner("another.example/w", SigningKey.generate(os.urandom))


def one_auditors_two_keys(simulator: Simulator) -> list[Ed25519Cosigner]:
    """Both cosigning keys of the simulation belong to auditor/1; auditor/2 has a third one and cosigned nothing."""
    both = [simulator.witnesses[role] for role in simulator.auditors]
    simulator.view.anchors.witnesses = {"auditor/1": [w.vkey for w in both], "auditor/2": [ANOTHER.vkey]}
    return both


def the_logs_own_key(simulator: Simulator, log: str = "ballot") -> list[Ed25519Cosigner]:
    """auditor/1 is honest; for auditor/2 stands a witness key that is the log's own key under another name."""
    first = simulator.witnesses["auditor/1"]
    own = Ed25519Cosigner("auditor2.example/w", simulator.log_signers[log]._key)  # type: ignore[index]
    simulator.view.anchors.witnesses = {"auditor/1": [first.vkey], "auditor/2": [own.vkey]}
    return [first, own]


TRICKS = [one_auditors_two_keys, the_logs_own_key]


@pytest.fixture
def simulator() -> Simulator:
    return Simulator().reach("cast")


def cosigned(simulator: Simulator, cosigners: list[Ed25519Cosigner]) -> str:
    """The ballot log's checkpoint with the lines of these keys."""
    note = SignedCheckpoint.parse(simulator.checkpoint("ballot", auditors=())).note
    checkpoint = Checkpoint.parse(note.text)
    return note.with_lines([cosigner.cosign(checkpoint, OPENS) for cosigner in cosigners]).encode().decode()


def vkeys(anchors: Anchors) -> list[Vkey]:
    return [key for keys in anchors.witnesses.values() for key in keys]


@pytest.mark.parametrize("trick", TRICKS)
def test_a_published_checkpoint_lacks_its_quorum(simulator: Simulator, trick: object) -> None:
    cosigners = trick(simulator)  # type: ignore[operator]
    anchors = simulator.view.anchors
    opened = open_checkpoint(cosigned(simulator, cosigners), anchors.logs["ballot"], vkeys(anchors))
    with pytest.raises(CheckFailed) as failure:
        require_quorum(opened, anchors.witnesses, anchors.quorum, Check.NOTE)
    assert failure.value.check is Check.NOTE


def test_acts_behind_such_a_gate_are_refused(simulator: Simulator) -> None:
    def anew() -> View:
        logs = {name: LogView(name, simulator.view.logs[name].records) for name in LOG_NAMES}
        return View(simulator.view.anchors, simulator.blobs.__getitem__, GROUP, os.urandom, logs=logs)

    assert gates.check_gates(anew())
    one_auditors_two_keys(simulator)
    with pytest.raises(CheckFailed) as failure:
        gates.check_gates(anew())
    assert (failure.value.check, failure.value.where) == (Check.GATE, "ballot/0")


@pytest.mark.parametrize("field", ["witness", "sign"])
def test_a_manifest_with_one_key_in_two_places_is_refused(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    real = Simulator._manifest

    def doubled(self: Simulator, min_batch: int) -> object:
        manifest = real(self, min_batch)
        first, second = manifest.auditors
        second = msgspec.structs.replace(second, **{field: getattr(first, field)})
        return msgspec.structs.replace(manifest, auditors=[first, second])

    monkeypatch.setattr(Simulator, "_manifest", doubled)
    with pytest.raises(CheckFailed) as failure:
        Simulator()
    assert failure.value.check in (Check.MANIFEST_KEYS, Check.MANIFEST_AUDITORS)


@pytest.mark.parametrize("trick", TRICKS)
def test_a_receipt_stays_pending(simulator: Simulator, trick: object) -> None:
    cosigners = trick(simulator)  # type: ignore[operator]
    from vemre.log import merkle

    log = simulator.view.ballot
    index = log.indices("ballot")[0]
    leaves = [record.leaf_hash for record in log.records]

    def read(level: int, place: int) -> bytes:
        return merkle.perfect_root(leaves[place << level : (place + 1) << level])

    proof = merkle.inclusion_proof(index, len(log), read)
    receipt = Receipt(index, tuple(proof), cosigned(simulator, cosigners).encode(), leaves[index])
    report = check_receipt(receipt.encode(), simulator.view.anchors)
    assert not report.reached
    assert (report.auditors, report.missing) == (("auditor/1",), ("auditor/2",))


@contextmanager
def service(simulator: Simulator, folder: Path) -> Iterator[TestClient]:
    """The ballot log's routes over a store with the same entries."""
    store_engine = open_engine(f"sqlite:///{folder / 'log.sqlite3'}")
    schema.upgrade(store_engine)
    store = LogStore.create(store_engine, simulator.log_signers["ballot"])
    with store.transaction() as transaction:
        transaction.append([record.entry for record in simulator.view.ballot.records])
    anchors = simulator.view.anchors
    app = make_app("ballot", "Ballot box", bodies=log_routes.BODIES)
    listed = list_witnesses(None, anchors.witnesses, store.vkey, [])
    kept = Witnesses(listed, store, lambda: OPENS, app.state.metrics)
    app.include_router(log_routes.log_routes(store, FileBlobStore(folder / "blob"), anchors.witnesses, kept))
    with TestClient(app) as client:
        yield client
    store_engine.dispose()


@pytest.mark.parametrize("trick", TRICKS)
def test_a_service_gives_no_such_checkpoint_as_cosigned(simulator: Simulator, tmp_path: Path, trick: object) -> None:
    cosigners = trick(simulator)  # type: ignore[operator]
    with service(simulator, tmp_path) as client:
        size = len(simulator.view.ballot)
        note = SignedCheckpoint.parse(client.get("/log/checkpoint").text).note
        checkpoint = Checkpoint.parse(note.text)
        lines = "".join(str(cosigner.cosign(checkpoint, OPENS)) for cosigner in cosigners)
        headers = {"Content-Type": "text/plain"}
        client.post("/log/cosignatures", params={"size": size}, content=lines, headers=headers)
        answer = client.get("/log/cosigned", params={"size": size})
        assert (answer.status_code, answer.json()["code"]) == (409, "not-cosigned-yet")
        assert "auditor/2" in answer.json()["detail"]
        third = ANOTHER if trick is one_auditors_two_keys else None
        if third is not None:
            line = str(third.cosign(checkpoint, OPENS))
            client.post("/log/cosignatures", params={"size": size}, content=line, headers=headers)
            assert client.get("/log/cosigned", params={"size": size}).status_code == 200


def late_witness(simulator: Simulator, folder: Path) -> Witness:
    served = Served(simulator)
    size = len(simulator.view.ballot)
    cosigners = [simulator.witnesses["auditor/1"], simulator.witnesses["auditor/2"]]
    served.notes["ballot", size] = SignedCheckpoint.parse(cosigned(simulator, cosigners)).note
    return witness_of(served, folder, clock=Clock(CLOSES))


def test_a_witness_does_not_take_its_auditors_other_key_for_another_auditor(
    simulator: Simulator, tmp_path: Path
) -> None:
    honest = late_witness(simulator, tmp_path / "honest")
    honest.round()
    assert [noted.kind for noted in honest.ground.store.in_time()] == ["auditor"], "the other auditor saw it in time"
    honest.close()
    one_auditors_two_keys(simulator)
    alone = late_witness(simulator, tmp_path / "alone")
    alone.round()
    assert alone.election is not None
    assert alone.ground.store.in_time() == [], "its own second key shows nothing"
    alone.close()
