"""Our logs, proofs, cosignatures and receipts, judged by x/mod, Tessera and torchwood."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import go_programs
import pytest
from disk_log import DiskLog
from served import listening
from served_tally import TallyUnderTest
from simulator import Simulator

from vemre.election import drafts
from vemre.log import merkle
from vemre.log.note import Note
from vemre.log.proof import Receipt
from vemre.types import LOG_NAMES

GOLDEN = Path(__file__).parents[1] / "vectors" / "golden"


def policy_of(log: str, witnesses: list[str], quorum: int) -> str:
    """A C2SP tlog-policy."""
    lines = [f"log {log}", *(f"witness w{n} {vkey}" for n, vkey in enumerate(witnesses))]
    lines.append(f"group all {quorum} {' '.join(f'w{n}' for n in range(len(witnesses)))}")
    return "\n".join([*lines, "quorum all", ""])


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def reader(entries: list[bytes]) -> merkle.HashReader:
    leaves = [merkle.leaf_hash(entry) for entry in entries]
    return lambda level, index: merkle.perfect_root(leaves[index << level : (index + 1) << level])


def root(entries: list[bytes], size: int) -> bytes:
    return merkle.root(merkle.leaf_hash(entry) for entry in entries[:size])


def job(entries: list[bytes], note: bytes, sizes: list[int]) -> dict[str, Any]:
    """Our proofs and receipts: of every entry of a small log, of some of a large one, and between all given sizes."""
    read, count = reader(entries), len(entries)
    chosen = (
        range(count) if count < 50 else sorted({0, 1, 255, 256, 257, 511, 512, count - 2, count - 1} & {*range(count)})
    )
    proofs = {index: merkle.inclusion_proof(index, count, read) for index in chosen}
    return {
        "inclusion": [{"index": index, "proof": [*map(b64, proof)]} for index, proof in proofs.items()],
        "receipts": [
            {"entry": b64(entries[index]), "proof": Receipt(index, tuple(proof), note).encode().decode()}
            for index, proof in proofs.items()
        ],
        "consistency": [
            {
                "old": old,
                "new": new,
                "old_root": b64(root(entries, old)),
                "new_root": b64(root(entries, new)),
                "proof": [*map(b64, merkle.consistency_proof(old, new, read))],
            }
            for new in sizes
            for old in sizes
            if 0 < old <= new
        ],
    }


@pytest.mark.parametrize("log", LOG_NAMES)
def test_the_golden_record(programs: Path, log: str) -> None:
    policy = json.loads((GOLDEN / "policy.json").read_text(encoding="utf-8"))
    witnesses = [vkey for auditor in policy["auditors"].values() for vkey in auditor["witness"]]
    found, reason = go_programs.check_log(
        programs,
        dir=str(GOLDEN / "record" / log),
        log=policy["logs"][log],
        witnesses=witnesses,
        policy=policy_of(policy["logs"][log], witnesses, 2),
    )
    assert found is not None, reason
    assert found["fsck"] is True
    assert found["entries"] == found["size"]
    assert len(set(found["cosigners"])) >= 2


# --- a record of ours with more than 256 entries --------------------------------------------------------------------


@pytest.fixture(scope="module")
def election() -> Simulator:
    sim = Simulator().reach("close")
    for number in range(560):
        sim.append("ballot", "ballot-box", drafts.incident("note", f"incident {number}", sim.time), check=False)
    return sim


@pytest.fixture(scope="module")
def record(election: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return election.write(tmp_path_factory.mktemp("foreign") / "record")


@pytest.fixture
def question(election: Simulator, record: Path) -> Callable[..., dict[str, Any]]:
    """The whole job about one log of a record; `change` may alter it."""
    witnesses = [str(cosigner.vkey) for cosigner in election.witnesses.values()]

    def ask(log: str, folder: Path = record, **change: Any) -> dict[str, Any]:
        entries = [entry.entry for entry in election.view.logs[log].records]  # type: ignore[index]
        count, vkey = len(entries), getattr(election.policy.logs, log)
        sizes = sorted({1, 2, 3, 255, 256, 257, 511, 512, count - 1, count} & {*range(1, count + 1)})
        note = (record / log / "checkpoint").read_bytes()
        return {
            "dir": str(folder / log),
            "log": vkey,
            "witnesses": witnesses,
            "policy": policy_of(vkey, witnesses, 2),
            **job(entries, note, sizes),
            **change,
        }

    return ask


@pytest.mark.parametrize("log", LOG_NAMES)
def test_every_log_of_an_election(programs: Path, election: Simulator, question: Any, log: str) -> None:
    asked = question(log)
    found, reason = go_programs.check_log(programs, **asked)
    assert found is not None, reason
    size = len(election.view.logs[log])  # type: ignore[index]
    assert (found["size"], found["entries"], found["fsck"]) == (size, size, True)
    assert found["origin"] == election.log_signers[log].origin  # type: ignore[index]
    assert found["cosigners"] == [cosigner.vkey.name for cosigner in election.witnesses.values()]
    assert asked["consistency"]
    assert asked["receipts"]
    assert log != "ballot" or size > 512


def test_a_served_log(programs: Path, election: Simulator, tmp_path: Path) -> None:
    with TallyUnderTest(Simulator().reach("setup"), tmp_path).running() as tally, listening(tally.station.app) as url:
        tally.cosign()
        sim = tally.sim
        witnesses = [str(cosigner.vkey) for cosigner in sim.witnesses.values()]
        found, reason = go_programs.check_log(
            programs,
            url=f"{url}/log",
            note=tally.client.get("/log/checkpoint").text,
            log=sim.policy.logs.tally,
            witnesses=witnesses,
            policy=policy_of(sim.policy.logs.tally, witnesses, 2),
        )
    assert found is not None, reason
    assert found["entries"] == found["size"] == len(sim.view.tally)


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 511, 512, 513])
def test_every_width_of_the_last_tile(programs: Path, disk_log: Callable[..., DiskLog], count: int) -> None:
    log = disk_log(count)
    found, reason = go_programs.check_log(
        programs, dir=str(log.folder), log=log.vkey, **{**job(log.entries, b"", [1, count]), "receipts": []}
    )
    assert found is not None, reason
    assert (found["entries"], found["root"]) == (count, b64(log.root(count)))


# --- and they can tell ------------------------------------------------------------------------------------------------


def copied(record: Path, tmp_path: Path, path: str, place: int) -> Path:
    """The record with one bit of a file turned."""
    folder = tmp_path / "altered"
    shutil.copytree(record, folder)
    data = bytearray((folder / path).read_bytes())
    data[place] ^= 1
    (folder / path).write_bytes(data)
    return folder


@pytest.mark.parametrize(
    ("path", "place", "where"),
    [
        ("ballot/tile/entries/000", 100, "entries"),
        ("ballot/tile/0/001", 40, "entries"),
        ("ballot/tile/1/000.p/2", 3, "entries"),
        ("ballot/checkpoint", 30, "note"),
        ("ballot/checkpoint", -12, "note"),
    ],
)
def test_an_altered_file(
    programs: Path, question: Any, record: Path, tmp_path: Path, path: str, place: int, where: str
) -> None:
    found, reason = go_programs.check_log(programs, **question("ballot", copied(record, tmp_path, path, place)))
    assert found is None
    assert reason.startswith(where)


def test_a_missing_tile(programs: Path, question: Any, record: Path, tmp_path: Path) -> None:
    shutil.copytree(record, tmp_path / "altered")
    (tmp_path / "altered" / "ballot" / "tile" / "0" / "000").unlink()
    assert go_programs.check_log(programs, **question("ballot", tmp_path / "altered"))[0] is None


@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_a_proof_with_one_hash_changed(programs: Path, question: Any, kind: str) -> None:
    asked = question("ballot")
    changed = next(proof for proof in reversed(asked[kind]) if proof["proof"])
    changed["proof"][-1] = b64(bytes(32))
    found, reason = go_programs.check_log(programs, **asked)
    assert found is None
    assert reason.startswith(kind)


def test_a_receipt_of_another_entry(programs: Path, question: Any) -> None:
    asked = question("ballot")
    asked["receipts"][0]["entry"] = asked["receipts"][1]["entry"]
    found, reason = go_programs.check_log(programs, **asked)
    assert found is None
    assert reason.startswith("receipt")


def test_too_few_cosignatures(programs: Path, question: Any, record: Path, tmp_path: Path) -> None:
    folder = tmp_path / "altered"
    shutil.copytree(record, folder)
    note = Note.parse((folder / "ballot" / "checkpoint").read_bytes())
    (folder / "ballot" / "checkpoint").write_bytes(Note(note.text, note.signatures[:2]).encode())
    found, reason = go_programs.check_log(programs, **question("ballot", folder))
    assert found is None
    assert reason.startswith("note")
