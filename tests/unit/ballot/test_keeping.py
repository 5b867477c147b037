"""A voter's receipt over time: completed without being lost, from a ballot box or from a record."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import forge
import msgspec
import pytest
from click.testing import CliRunner
from served import BallotBoxUnderTest, listening, write_logs
from simulator import ELECTION, OPENS, Simulator

from ballot.voter.commands import voter as voter_command
from vemre.crypto.credential import Credential
from vemre.election.rules.view import Anchors
from vemre.log.checkpoint import SignedCheckpoint
from vemre.log.merkle import leaf_hash, root
from vemre.log.proof import Receipt


def run(*words: object, stdin: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(voter_command, [str(word) for word in words], input=stdin, prog_name="voter")
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.output


@pytest.fixture
def policy(sim: Simulator, tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_bytes(msgspec.json.encode(sim.policy))
    return path


@pytest.fixture
def url(box: BallotBoxUnderTest) -> Iterator[str]:
    with listening(box.station.app) as address:
        yield address


@pytest.fixture
def receipt(box: BallotBoxUnderTest, tmp_path: Path) -> Path:
    """A receipt that nobody has cosigned yet."""
    voter = box.sim.voters[0]
    path = tmp_path / "mine.tlog-proof"
    path.write_text(box.cast(voter, box.ballot(voter)).json()["receipt"])
    return path


def auditors(file: Path, anchors: Anchors) -> set[str]:
    parsed = Receipt.parse(file.read_bytes())
    assert parsed.extra is not None
    keys = [key for keys in anchors.witnesses.values() for key in keys]
    cosigners = parsed.verify(parsed.extra, anchors.logs["ballot"], keys).cosigners
    return {auditor for auditor, known in anchors.witnesses.items() if set(known) & set(cosigners)}


def record_of(box: BallotBoxUnderTest, folder: Path, who: list[str], size: int | None = None) -> Path:
    """An exported record whose ballot log these auditors cosigned."""
    entries = [record.entry for record in box.entries()][:size]
    signed = SignedCheckpoint.parse(
        box.sim.log_signers["ballot"].sign(len(entries), root(leaf_hash(entry) for entry in entries))
    )
    lines = [box.sim.witnesses[role].cosign(signed.checkpoint, OPENS) for role in who]
    forge.write_log(folder / "ballot", entries, signed.note.with_lines(lines).encode())
    return folder


def test_nothing_to_add_leaves_the_file(receipt: Path, policy: Path, url: str) -> None:
    before = receipt.stat()
    assert run("receipt", receipt, "--policy", policy, "--upgrade", "--ballot-url", url)[0] == 0
    assert receipt.stat().st_mtime_ns == before.st_mtime_ns


def test_upgrade_into_another_file(box: BallotBoxUnderTest, receipt: Path, policy: Path, url: str) -> None:
    box.cosign()
    before, new = receipt.read_bytes(), receipt.with_name("new.tlog-proof")
    upgrade = ("receipt", receipt, "--policy", policy, "--upgrade", "--ballot-url", url)
    assert run(*upgrade, "--out", new)[0] == 0
    assert receipt.read_bytes() == before
    assert auditors(new, box.station.anchors) == {"auditor/1", "auditor/2"}
    assert new.stat().st_mode & 0o777 == 0o600
    assert run(*upgrade, "--out", new)[0] == 2


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_old_receipt_outlives_a_failure(
    box: BallotBoxUnderTest, receipt: Path, policy: Path, url: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    box.cosign()
    before = receipt.read_bytes()

    def fails(*_: Any) -> None:
        # Only the command writes meanwhile: the ballot box has nothing to do but read.
        assert receipt.read_bytes() == before
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fails)
    assert run("receipt", receipt, "--policy", policy, "--upgrade", "--ballot-url", url)[0] == 2
    monkeypatch.undo()
    assert receipt.read_bytes() == before
    assert sorted(path.name for path in receipt.parent.glob("*.tlog-proof*")) == ["mine.tlog-proof"]


def test_upgrade_from_a_record(box: BallotBoxUnderTest, receipt: Path, policy: Path, tmp_path: Path) -> None:
    box.cast(box.sim.voters[4], box.ballot(box.sim.voters[4]))
    upgrade = ("receipt", receipt, "--policy", policy, "--upgrade", "--record")
    assert run(*upgrade, record_of(box, tmp_path / "one", ["auditor/2"]))[0] == 0
    assert auditors(receipt, box.station.anchors) == {"auditor/2"}
    assert run(*upgrade, record_of(box, tmp_path / "two", ["auditor/1", "auditor/2"]))[0] == 0
    assert auditors(receipt, box.station.anchors) == {"auditor/1", "auditor/2"}
    # A record with fewer cosignatures takes none away.
    before = receipt.read_bytes()
    assert run(*upgrade, tmp_path / "one")[0] == 0
    assert receipt.read_bytes() == before


def test_record_older_than_the_receipt(box: BallotBoxUnderTest, receipt: Path, policy: Path, tmp_path: Path) -> None:
    """An old copy accuses nobody, and says nothing."""
    old = record_of(box, tmp_path / "old", ["auditor/1", "auditor/2"], size=1)
    code, output = run("receipt", receipt, "--policy", policy, "--upgrade", "--record", old)
    assert code == 2
    assert "dispute-older" in output
    assert not list(tmp_path.glob("*.dispute-*"))


def test_receipt_of_another_ballot_replaces_nothing(
    box: BallotBoxUnderTest, receipt: Path, policy: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    voter = box.sim.voters[4]
    other = box.cast(voter, box.ballot(voter)).json()
    box.cosign()
    leaf, before = bytes.fromhex(other["leaf_hash"]), receipt.read_bytes()
    real = type(box.station.node.own).find
    index = real(box.station.node.own, leaf)
    monkeypatch.setattr(type(box.station.node.own), "find", lambda _log, _leaf: index)
    code, output = run("receipt", receipt, "--policy", policy, "--upgrade", "--ballot-url", url)
    assert code == 1
    assert "check-log" in output
    assert receipt.read_bytes() == before


def test_wrong_usage(receipt: Path, policy: Path, tmp_path: Path) -> None:
    check = ("receipt", receipt, "--policy", policy)
    assert run(*check, "--upgrade")[0] == 2
    assert run(*check, "--out", tmp_path / "x")[0] == 2
    assert run(*check, "--ballot-url", "http://127.0.0.1:1", "--record", tmp_path)[0] == 2


# --- the public credential ------------------------------------------------------------------------------------------


def test_public_credential(sim: Simulator, policy: Path, tmp_path: Path) -> None:
    """The vector of docs/spec/credential.md."""
    shown = "0004-1061-050R-3GG2-8A1C-60T3-GFNB"
    public = "b0dcf72a5c69476c49bc77f7a4ced7b00fdc549a57bad8aae9fdf877d13b596e"
    (tmp_path / "secret").write_text(shown)
    code, output = run("credential", "--credential", tmp_path / "secret", "--election", ELECTION, "--json")
    assert (code, json.loads(output)) == (0, {"credential": public, "election_id": ELECTION})
    assert run("credential", "--credential", "-", "--election", ELECTION, stdin=shown)[1].split()[-1] == public
    write_logs(sim, tmp_path / "record", ["tally"])
    where = ("--record", tmp_path / "record", "--policy", policy)
    assert (
        json.loads(run("credential", "--credential", tmp_path / "secret", *where, "--json")[1])["credential"] == public
    )
    assert run("credential", "--credential", tmp_path / "secret", "--election", "x" * 36)[0] == 2
    for options in ((), where[:2], (*where, "--election", ELECTION)):
        assert run("credential", "--credential", tmp_path / "secret", *options)[0] == 2
    (tmp_path / "secret").write_text(shown[:-1] + "0")
    code, output = run("credential", "--credential", tmp_path / "secret", "--election", ELECTION)
    assert code == 1
    assert shown[:9] not in output


def test_public_credential_of_a_record_of_somebody_else(sim: Simulator, policy: Path, tmp_path: Path) -> None:
    write_logs(sim, tmp_path / "record", ["tally"])
    other = msgspec.structs.replace(
        sim.policy, logs=msgspec.structs.replace(sim.policy.logs, tally=str(Simulator().log_signers["tally"].vkey))
    )
    policy.write_bytes(msgspec.json.encode(other))
    (tmp_path / "secret").write_text(Credential(bytes(16)).shown())
    given = ("--credential", tmp_path / "secret", "--record", tmp_path / "record", "--policy", policy)
    assert run("credential", *given)[0] == 1
