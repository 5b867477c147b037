"""Foreign witnesses cosign our log: our feeder brings them every state, and our code verifies what they answer."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from c2sp_witness import hurry
from disk_log import DiskLog
from foreign_witnesses import WITNESSES, ForeignWitness

from vemre.crypto.signing import SigningKey
from vemre.log import merkle
from vemre.log.checkpoint import OpenedCheckpoint, open_checkpoint
from vemre.log.note import Note, Vkey, parse_signature_lines
from vemre.log.signer import LogSigner
from vemre.log.witness import add_checkpoint_body
from vemre.log.witness_policy import WitnessPolicy
from vemre.service.app import Stop
from vemre.service.feeder import Feeder
from vemre.service.metrics import Metrics
from vemre.service.witnesses import Witnesses, list_witnesses
from vemre.storage.engine import open_engine
from vemre.storage.log_store import LogStore
from vemre.storage.schema import upgrade

PATIENCE = 60.0
Start = Callable[[str, Vkey], ForeignWitness]


@pytest.fixture
def start(programs: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts a foreign witness that knows one log."""
    with ExitStack() as stack:
        yield lambda kind, log: stack.enter_context(WITNESSES[kind](programs, tmp_path / kind, log))


# --- our feeder -------------------------------------------------------------------------------------------------------


class Fed:
    """One of our logs in its store, with a feeder for some witnesses."""

    def __init__(self, folder: Path, signer: LogSigner, witnesses: list[ForeignWitness]) -> None:
        self.folder, self.signer, self.foreign = folder, signer, witnesses
        engine = open_engine(f"sqlite:///{folder / 'log.sqlite3'}")
        upgrade(engine)
        self.store = LogStore.create(engine, signer)
        self.dispose = engine.dispose
        self.stop = Stop()
        text = "".join([*(witness.line for witness in witnesses), "quorum none\n"])
        listed = list_witnesses(WitnessPolicy.parse(text.encode()), {}, signer.vkey, [signer.vkey])
        self.witnesses = Witnesses(listed, self.store, lambda: int(time.time()), Metrics())

    def append(self, feeder: Feeder, count: int) -> None:
        with self.store.transaction() as transaction:
            transaction.append([f"entry {self.store.size + number}\n".encode() for number in range(count)])
        feeder.grown()

    def run(self, act: Callable[[Feeder], Awaitable[None]]) -> None:
        async def run() -> None:
            async with Feeder(self.store, self.witnesses, self.stop, self.folder) as feeder:
                await act(feeder)

        asyncio.run(run())

    async def cosigned(self, size: int) -> None:
        end = time.monotonic() + PATIENCE
        while any(self.witnesses.standing(witness.vkey).size != size for witness in self.foreign):
            assert time.monotonic() < end, [self.witnesses.standing(witness.vkey) for witness in self.foreign]
            await asyncio.sleep(0.01)

    def published(self) -> OpenedCheckpoint:
        vkeys = [witness.vkey for witness in self.foreign]
        return open_checkpoint(self.store.published_checkpoint(), self.signer.vkey, vkeys)


@pytest.fixture
def fed(start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fed]:
    """A log with both foreign witnesses, and a feeder that does not pause for long."""
    hurry(monkeypatch)
    signer = LogSigner("vemre.example/fed", SigningKey.generate(os.urandom))
    fed = Fed(tmp_path, signer, [start(kind, signer.vkey) for kind in WITNESSES])
    yield fed
    fed.dispose()


def test_our_feeder_brings_two_foreign_witnesses_every_state(fed: Fed) -> None:
    async def act(feeder: Feeder) -> None:
        for count in (1, 6, 249, 44, 300):
            fed.append(feeder, count)
            await fed.cosigned(fed.store.size)

    fed.run(act)
    opened = fed.published()
    assert opened.size == 600
    assert {vkey.name for vkey in opened.cosigners} == {"omni.example/w", "lite.example/w"}
    assert fed.stop.reason is None


def test_our_feeder_learns_from_a_409_where_a_witness_is(fed: Fed) -> None:
    with fed.store.transaction() as transaction:
        transaction.append([b"entry %d\n" % number for number in range(5)])
    for witness in fed.foreign:
        body = add_checkpoint_body(0, (), fed.store.checkpoint_at(5))
        assert post(witness, body)[0] == 200

    async def act(feeder: Feeder) -> None:
        fed.append(feeder, 300)
        await fed.cosigned(305)

    fed.run(act)
    assert (fed.published().size, len(fed.published().cosigners), fed.stop.reason) == (305, 2, None)


# --- status by status -------------------------------------------------------------------------------------------------


def request(log: DiskLog, old: int, size: int | None = None, *, proof: list[bytes] | None = None) -> bytes:
    """Our own request."""
    size = len(log.entries) if size is None else size
    leaves = [merkle.leaf_hash(entry) for entry in log.entries]

    def read(level: int, index: int) -> bytes:
        return merkle.perfect_root(leaves[index << level : (index + 1) << level])

    found = merkle.consistency_proof(old, size, read) if proof is None and old <= size else proof or []
    return add_checkpoint_body(old, found, log.signer.sign(size, log.root(size)))


def post(witness: ForeignWitness, body: bytes) -> tuple[int, str, str]:
    answer = httpx2.post(f"{witness.url}/add-checkpoint", content=body, trust_env=False, timeout=PATIENCE)
    return answer.status_code, answer.text, answer.headers.get("content-type", "")


@pytest.mark.parametrize("kind", WITNESSES)
def test_what_comes_back_is_merged(start: Start, disk_log: Any, kind: str) -> None:
    log = disk_log(300)
    witness = start(kind, log.signer.vkey)
    status, lines, _ = post(witness, request(log, 0))
    assert status == 200
    note = Note.parse((log.folder / "checkpoint").read_bytes()).with_lines(parse_signature_lines(lines))
    opened = open_checkpoint(note.encode(), log.signer.vkey, [witness.vkey])
    assert list(opened.cosigners) == [witness.vkey]
    # The same again is no mistake: it makes the cosignature fresh.
    assert post(witness, request(log, 300))[0] == 200


@pytest.mark.parametrize(
    ("kind", "unknown_log", "wrong_key"),
    # The specification says 404 and 403; this version of omniwitness, with its SQLite storage, has no answer.
    [("omniwitness", 500, 500), ("litewitness", 404, 403)],
)
def test_every_refusal(start: Start, disk_log: Any, kind: str, unknown_log: int, wrong_key: int) -> None:
    log, fork, other = disk_log(300), disk_log(300, "fork", text="other"), disk_log(5, "x", origin="vemre.example/x")
    witness = start(kind, log.signer.vkey)
    assert post(witness, request(log, 0, 7))[0] == 200
    # Wherever it is, it says so.
    assert post(witness, request(log, 0)) == (409, "7\n", "text/x.tlog.size")
    assert post(witness, request(log, 6)) == (409, "7\n", "text/x.tlog.size")
    assert post(witness, request(other, 0))[0] == unknown_log
    assert post(witness, request(disk_log(300, "key", key=2), 7))[0] == wrong_key
    assert post(witness, request(log, 8, 7))[0] == 400
    assert post(witness, b"nonsense")[0] == 400
    # A fork, with a proof of its own, with another, with none; and of the size that the witness has.
    assert post(witness, request(fork, 7))[0] == 422
    assert post(witness, request(fork, 7, proof=[bytes(32)] * 4))[0] == 422
    assert post(witness, request(fork, 7, proof=[]))[0] == 422
    assert post(witness, request(fork, 7, 7))[0] == 422
    # And nothing of this made it forget.
    assert post(witness, request(log, 7))[0] == 200


@pytest.mark.parametrize(("kind", "status"), [("omniwitness", 200), ("litewitness", 409)])
def test_a_first_contact_with_a_wrong_old_size(start: Start, disk_log: Any, kind: str, status: int) -> None:
    """The specification says 409; omniwitness trusts whatever it sees first, so nothing rests on its first answer."""
    log = disk_log(300)
    assert post(start(kind, log.signer.vkey), request(log, 7))[0] == status
