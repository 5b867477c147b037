"""Voting while witnesses are away, silent or lying: every ballot gets its receipt at once, receipts are completed when
the witnesses are back, and gates wait until then. The ballot box and the witnesses talk over real HTTP."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from c2sp_witness import C2spWitness, hurry, status, until, witness_file
from served import BallotBoxUnderTest
from simulator import Simulator

from vemre.log.checkpoint import OpenedCheckpoint, auditors_of
from vemre.log.proof import Receipt
from vemre.records.record import Record, parse
from vemre.service import feeder


@pytest.fixture
def auditors(sim: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[C2spWitness]]:
    """Both auditors' witnesses."""
    hurry(monkeypatch)
    # Nobody looks at the log by chance: what is committed is sent because it is told.
    monkeypatch.setattr(feeder, "LOOK_SECONDS", 3600.0)
    log = sim.log_signers["ballot"].vkey
    with ExitStack() as stack:
        yield [
            stack.enter_context(C2spWitness(sim.witnesses[role].vkey.name, log, key=sim.witness_keys[role]).running())
            for role in sim.auditors
        ]


def receipt(box: BallotBoxUnderTest, record: Record) -> OpenedCheckpoint:
    """A ballot's receipt as it is now, verified."""
    answer = box.client.get(f"/receipts/{record.leaf_hash.hex()}")
    assert answer.status_code == 200, answer.text
    witnesses = [key for keys in box.station.anchors.witnesses.values() for key in keys]
    return Receipt.parse(answer.content).verify(record.leaf_hash, box.station.store.vkey, witnesses)


def stands_behind(box: BallotBoxUnderTest, record: Record) -> set[str]:
    return auditors_of(receipt(box, record), box.station.anchors.witnesses)


def vote(box: BallotBoxUnderTest) -> list[Record]:
    """Everybody who votes."""
    records = []
    for voter in box.sim.voters:
        if voter.choices is not None:
            entry = box.ballot(voter)
            answer = box.cast(voter, entry)
            assert answer.status_code == 201, answer.text
            records.append(parse(entry))
    return records


def standing(box: BallotBoxUnderTest, witness: C2spWitness) -> Any:
    listed = box.client.get("/log/witnesses").json()
    return next(found for found in listed if found["name"] == witness.cosigner.vkey.name)


def test_one_auditor_is_away_for_the_whole_vote(
    sim: Simulator, auditors: list[C2spWitness], tmp_path: Path, database_url: str
) -> None:
    one, two = auditors
    observer = C2spWitness("observer.example/w", sim.log_signers["ballot"].vkey)
    with observer.running():
        file = witness_file(tmp_path / "witnesses", one, two, observer)
        with BallotBoxUnderTest(sim, tmp_path, witnesses_file=file, database_url=database_url).running() as box:
            two.answer = two.down
            box.open()
            records = vote(box)
            close = box.close()
            assert close.status_code == 200
            size = box.station.store.size
            until(lambda: [standing(box, witness)["size"] for witness in (one, observer)] == [size, size])
            # The observer is seen by everybody, and counts for nobody.
            assert observer.cosigner.vkey.name in box.client.get("/log/checkpoint").text
            refused = box.client.get("/log/cosigned", params={"size": size})
            assert refused.json()["code"] == "not-cosigned-yet"
            assert "Yet to cosign: auditor/2." in refused.json()["en"]["detail"]
            assert all("auditor/2" not in stands_behind(box, record) for record in records)
            assert standing(box, two) | {"vkey": ""} == {
                "name": two.cosigner.vkey.name, "vkey": "", "auditor": "auditor/2", "fed": True, "state": "failing",
                "size": None, "time": None,
            }  # fmt: skip

            two.answer = None
            until(lambda: standing(box, two)["size"] == size)
            for record in records:
                assert stands_behind(box, record) == {"auditor/1", "auditor/2"}
            gate = box.client.get("/log/cosigned", params={"size": size})
            assert gate.status_code == 200
            assert observer.cosigner.vkey.name not in gate.text
    # Nothing had queued up for it.
    assert two.requests[-1] == (0, size)


@pytest.mark.parametrize("way", ["never_answers", "wrong_signature", "another_key", "endless", "redirects"])
def test_a_bad_witness_delays_no_vote(sim: Simulator, auditors: list[C2spWitness], tmp_path: Path, way: str) -> None:
    bad, good = auditors
    bad.answer = getattr(bad, way)
    file = witness_file(tmp_path / "witnesses", bad, good)
    with BallotBoxUnderTest(sim, tmp_path, witnesses_file=file).running() as box:
        box.open()
        records = vote(box)
        assert box.close().status_code == 200
        size = box.station.store.size
        until(lambda: standing(box, good)["size"] == size)
        assert bad.requests
        assert standing(box, bad)["size"] is None
        assert all("auditor/1" not in stands_behind(box, record) for record in records)
        assert box.client.get("/health").status_code == 200


def test_a_witness_that_says_409_for_ever(sim: Simulator, auditors: list[C2spWitness], tmp_path: Path) -> None:
    bad, good = auditors
    bad.answer = status(409, b"0\n")
    with BallotBoxUnderTest(
        sim, tmp_path, witnesses_file=witness_file(tmp_path / "witnesses", bad, good)
    ).running() as box:
        box.open()
        vote(box)
        until(lambda: standing(box, good)["size"] == box.station.store.size)
        until(lambda: standing(box, bad)["state"] == "failing")
        assert box.close().status_code == 200
    assert len(bad.requests) == len(set(bad.requests))


def test_where_the_logs_are(sim: Simulator, tmp_path: Path) -> None:
    with BallotBoxUnderTest(sim, tmp_path, registry_url="https://registry.example/").running() as box:
        answer = box.client.get("/logs")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.json() == {"registry": "https://registry.example", "ballot": "http://testserver", "tally": None}
        assert "access-control-allow-origin" not in box.client.get("/turnout").headers
    box.settings["public_url"] = "https://urna.example/v/"
    with box.running():
        assert box.client.get("/logs").json()["ballot"] == "https://urna.example/v"
