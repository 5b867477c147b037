"""A14: an older copy of a log's database is put back. The next entry would fork the log that others have seen, so the
service takes none: before it starts, or as soon as a witness shows its own signature. No witness can stop it otherwise.
"""

import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest
from c2sp_witness import C2spWitness, hurry, status, until, witness_file
from served import BallotBoxUnderTest
from simulator import Simulator

from vemre.crypto.signing import SigningKey
from vemre.errors import StoreError
from vemre.log.checkpoint import open_checkpoint
from vemre.log.signer import LogSigner
from vemre.service.feeder import EVIDENCE

WITNESS = "auditor1.example/w"


@pytest.fixture
def witness(setup_election: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[C2spWitness]:
    """The first auditor's witness."""
    hurry(monkeypatch)
    log = setup_election.log_signers["ballot"].vkey
    with C2spWitness(WITNESS, log, key=setup_election.witness_keys["auditor/1"]).running() as running:
        yield running


@pytest.fixture
def box(setup_election: Simulator, witness: C2spWitness, tmp_path: Path) -> BallotBoxUnderTest:
    """A ballot box that feeds it."""
    return BallotBoxUnderTest(setup_election, tmp_path, witnesses_file=witness_file(tmp_path / "witnesses", witness))


def save(box: BallotBoxUnderTest, folder: Path) -> Path:
    """A copy of the database of a box that does not run."""
    folder.mkdir()
    for file in box.data.glob("service.sqlite3*"):
        shutil.copy(file, folder)
    return folder


def restore(box: BallotBoxUnderTest, folder: Path) -> None:
    """Put it back."""
    for file in box.data.glob("service.sqlite3*"):
        file.unlink()
    for file in folder.iterdir():
        shutil.copy(file, box.data)


def cast(box: BallotBoxUnderTest, number: int) -> int:
    voter = box.sim.voters[number]
    return int(box.cast(voter, box.ballot(voter)).status_code)


def cosigned(box: BallotBoxUnderTest, witness: C2spWitness) -> bool:
    """On both sides: in the copy of the database too, so that it has nothing to send by itself."""
    listed = box.client.get("/log/witnesses").json()[0]["size"]
    return witness.size(box.station.store.vkey) == listed == box.station.store.size


def vote_in_two_parts(box: BallotBoxUnderTest, witness: C2spWitness, folder: Path) -> tuple[Path, Path]:
    """One ballot, a copy of the database, two ballots more, and another copy. The witness saw all of it."""
    with box.running():
        box.open()
        assert cast(box, 0) == 201
        until(lambda: cosigned(box, witness))
    early = save(box, folder / "early")
    with box.running():
        assert (cast(box, 1), cast(box, 2)) == (201, 201)
        until(lambda: cosigned(box, witness))
    assert witness.size(box.sim.log_signers["ballot"].vkey) == 4
    return early, save(box, folder / "late")


def test_an_older_copy_does_not_start(box: BallotBoxUnderTest, witness: C2spWitness, tmp_path: Path) -> None:
    early, late = vote_in_two_parts(box, witness, tmp_path)
    restore(box, early)
    with pytest.raises(StoreError, match="4 entries is out, the store has 2"), box.running():
        pytest.fail("it started")
    # Nor does it when the witness has gone: what it showed is kept, and convicts the copy by itself.
    evidence = (box.data / EVIDENCE).read_bytes()
    assert open_checkpoint(evidence, box.sim.log_signers["ballot"].vkey).size == 4
    with witness.running():
        witness.shows = False
        with pytest.raises(StoreError, match="4 entries is out"), box.running():
            pytest.fail("it started")
    # The right database does, and the vote goes on.
    restore(box, late)
    witness.shows = True
    witness_file(tmp_path / "witnesses", witness)
    with box.running():
        assert cast(box, 4) == 201


def test_an_older_copy_stops_when_the_witness_is_back(
    box: BallotBoxUnderTest, witness: C2spWitness, tmp_path: Path
) -> None:
    early, _ = vote_in_two_parts(box, witness, tmp_path)
    restore(box, early)
    looked, back = witness.looked, Event()

    def away(handler: BaseHTTPRequestHandler) -> None:
        if back.is_set():
            looked(handler)
        else:
            handler.close_connection = True

    witness.looked = away  # type: ignore[method-assign]
    with box.running():
        assert box.client.get("/health").status_code == 200
        back.set()
        until(lambda: box.station.app.state.stop.reason is not None)
        assert box.client.get("/health").status_code == 503
        voter = box.sim.voters[1]
        refused = box.cast(voter, box.ballot(voter))
        assert (refused.status_code, refused.json()["code"]) == (503, "log-stopped")
        assert box.station.store.size == 2
        assert [found["state"] for found in box.client.get("/log/witnesses").json()] == ["alarm", "waiting"]
        assert f'witness="{WITNESS}"}} 1.0' in box.client.get("/metrics").text


def test_an_older_copy_that_has_grown_again_stops_too(
    box: BallotBoxUnderTest, witness: C2spWitness, tmp_path: Path
) -> None:
    """As many entries as the witness saw, and more: others than it saw."""
    early, _ = vote_in_two_parts(box, witness, tmp_path)
    restore(box, early)
    alone = box.settings.pop("witnesses_file")
    with box.running():
        assert [cast(box, number) for number in (4, 5, 2)] == [201, 201, 201]
    box.settings["witnesses_file"] = alone
    witness.shows = False
    with box.running():
        # It refuses our proof, and that alone is no reason to stop.
        until(lambda: box.client.get("/log/witnesses").json()[0]["state"] == "failing")
        assert box.station.app.state.stop.reason is None
    witness.shows = True
    with pytest.raises(StoreError, match="another root"), box.running():
        pytest.fail("it started")


def test_no_witness_can_stop_the_vote_by_lying(box: BallotBoxUnderTest, witness: C2spWitness) -> None:
    origin = box.sim.log_signers["ballot"].origin
    witness.answer = status(409, b"1000000\n")
    # Another key signs under the log's name.
    witness.notes[origin] = LogSigner(origin, SigningKey.from_seed(bytes(32))).sign(1_000_000, bytes(32))
    with box.running():
        box.open()
        until(lambda: box.client.get("/log/witnesses").json()[0]["state"] == "alarm")
        looks = witness.looks
        until(lambda: witness.looks > looks + 2)
        assert cast(box, 0) == 201
        assert box.client.get("/health").status_code == 200
        assert len(witness.requests) == 1
    assert not (box.data / EVIDENCE).exists()
