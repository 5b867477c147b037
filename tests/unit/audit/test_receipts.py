"""`vemre audit receipt` on receipts of a real ballot box, before and after the auditors cosigned."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import BallotBoxUnderTest, listening
from simulator import Simulator

from audit.receipts.receipt import ReceiptReport, check_receipt
from vemre.cli.main import root
from vemre.crypto import tracker
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.checkpoint import SignedCheckpoint
from vemre.log.proof import Receipt


def run(*words: object, stdin: bytes | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(root, ["--lang", "en", *map(str, words)], input=stdin)
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stdout


def told(*words: object, stdin: bytes | None = None) -> tuple[int, Any]:
    code, output = run(*words, "--json", stdin=stdin)
    return code, json.loads(output) if output else None


@pytest.fixture(scope="module")
def sim() -> Simulator:
    return Simulator().reach("setup")


@pytest.fixture(scope="module")
def box(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BallotBoxUnderTest]:
    """A ballot box with two ballots."""
    with BallotBoxUnderTest(sim, tmp_path_factory.mktemp("box")).running() as running:
        running.open()
        yield running


@pytest.fixture(scope="module")
def policy(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("policy") / "policy.json"
    path.write_bytes(msgspec.json.encode(sim.policy))
    return path


@pytest.fixture(scope="module")
def ballots(box: BallotBoxUnderTest) -> list[tuple[bytes, dict[str, Any]]]:
    """Each ballot's bytes, and what the ballot box answered."""
    found = []
    for voter in box.sim.voters[:2]:
        entry = box.ballot(voter)
        answer = box.cast(voter, entry)
        assert answer.status_code == 201
        found.append((entry, answer.json()))
    return found


@pytest.fixture
def file(ballots: list[tuple[bytes, dict[str, Any]]], tmp_path: Path) -> Path:
    """The first receipt as it was answered."""
    path = tmp_path / "mine.tlog-proof"
    path.write_text(ballots[0][1]["receipt"])
    return path


def test_receipt_is_pending_and_then_reached(
    box: BallotBoxUnderTest, ballots: list[tuple[bytes, dict[str, Any]]], file: Path, policy: Path
) -> None:
    answer = ballots[0][1]
    code, value = told("audit", "receipt", file, "--policy", policy)
    assert code == 0
    assert (value["verdict"], value["tracker"], value["index"]) == ("valid", answer["tracker"], 1)
    assert (value["quorum"], value["auditors"], value["missing"]) == ("pending", [], ["auditor/1", "auditor/2"])
    code, output = run("audit", "receipt", file, "--policy", policy)
    assert answer["tracker"] in output
    assert "auditor/1, auditor/2" in output
    box.cosign()
    with listening(box.station.app) as url:
        assert run("voter", "receipt", file, "--policy", policy, "--ballot-url", url, "--upgrade")[0] == 0
    code, value = told("audit", "receipt", file, "--policy", policy)
    assert (code, value["quorum"], value["auditors"]) == (0, "reached", ["auditor/1", "auditor/2"])
    assert (value["tracker"], value["index"], value["missing"]) == (answer["tracker"], 1, [])
    assert "auditor/1, auditor/2" in run("audit", "receipt", file, "--policy", policy)[1]


def test_one_auditor_is_no_quorum(box: BallotBoxUnderTest, sim: Simulator) -> None:
    entry = box.ballot(sim.voters[4])
    answer = box.cast(sim.voters[4], entry).json()
    # The auditor cosigns a later checkpoint than the first one over the ballot, and not the last one.
    box.cast(sim.voters[5], box.ballot(sim.voters[5]))
    latest = SignedCheckpoint.parse(box.client.get("/log/checkpoint").content).checkpoint
    line = str(sim.witnesses["auditor/2"].cosign(latest, 1_810_000_000))
    assert box.client.post("/log/cosignatures", content=line, headers={"Content-Type": "text/plain"}).status_code == 200
    box.cast(sim.voters[2], box.ballot(sim.voters[2]))
    served = box.client.get(f"/receipts/{answer['leaf_hash']}")
    found = check_receipt(served.content, box.station.anchors)
    assert (found.auditors, found.missing, found.reached) == (("auditor/2",), ("auditor/1",), False)
    assert served.headers["cache-control"] == "no-cache"
    assert served.headers["access-control-allow-origin"] == "*"
    box.cosign()
    served = box.client.get(f"/receipts/{answer['leaf_hash']}")
    assert check_receipt(served.content, box.station.anchors).reached
    assert served.headers["cache-control"].startswith("public, max-age=")


def test_receipt_at_a_named_checkpoint(box: BallotBoxUnderTest, ballots: list[tuple[bytes, dict[str, Any]]]) -> None:
    path = f"/receipts/{ballots[0][1]['leaf_hash']}"
    index, next_index = (answer["index"] for _, answer in ballots)
    for size in (index + 1, next_index + 1):
        found = check_receipt(box.client.get(path, params={"size": size}).content, box.station.anchors)
        assert (found.index, found.opened.size) == (index, size)
    for size in (index, 99, 2**63 - 1):
        refused = box.client.get(path, params={"size": size})
        assert (refused.status_code, refused.json()["code"]) == (409, "no-such-receipt")
    for size in (0, -1, 2**63, "x"):
        assert box.client.get(path, params={"size": size}).status_code == 422


def test_the_ballot_decides_not_the_file(
    ballots: list[tuple[bytes, dict[str, Any]]], file: Path, policy: Path, tmp_path: Path
) -> None:
    (entry, answer), (other, _) = ballots[:2]
    (tmp_path / "mine").write_bytes(entry)
    (tmp_path / "other").write_bytes(other)
    check = ("audit", "receipt", file, "--policy", policy)
    for good in (
        ("--ballot", tmp_path / "mine"),
        ("--leaf", answer["leaf_hash"]),
        ("--tracker", answer["tracker"]),
        ("--tracker", answer["tracker"].replace("-", "").lower()),
        ("--tracker", answer["leaf_hash"]),
    ):
        assert told(*check, *good)[0] == 0
    assert told(*check, "--ballot", tmp_path / "other") == (1, {"verdict": "invalid", "reason": "check-log"})
    assert told(*check, "--leaf", "00" * 32) == (1, {"verdict": "invalid", "reason": "check-log"})
    wrong = ballots[1][1]["tracker"]
    assert told(*check, "--tracker", wrong) == (1, {"verdict": "invalid", "reason": "receipt-other-tracker"})
    assert told(*check, "--tracker", answer["leaf_hash"][:-1] + "x")[0] == 2
    assert run(*check, "--leaf", "AA" * 32)[0] == 2
    assert run(*check, "--leaf", "00" * 32, "--ballot", file)[0] == 2


def test_receipt_that_names_no_ballot(file: Path, policy: Path) -> None:
    receipt = Receipt.parse(file.read_bytes())
    assert receipt.extra is not None
    file.write_bytes(replace(receipt, extra=None).encode())
    assert run("audit", "receipt", file, "--policy", policy)[0] == 2
    assert run("audit", "receipt", file, "--policy", policy, "--leaf", receipt.extra.hex())[0] == 0


def test_what_cannot_be_read_is_not_judged(file: Path, policy: Path, tmp_path: Path) -> None:
    assert run("audit", "receipt", tmp_path / "none", "--policy", policy)[0] == 2
    assert run("audit", "receipt", file, "--policy", file)[0] == 2
    assert run("audit", "receipt", "-", "--policy", policy, stdin=file.read_bytes())[0] == 0
    assert told("audit", "receipt", "-", "--policy", policy, stdin=b"{}") == (
        1,
        {"verdict": "invalid", "reason": "check-note"},
    )
    other = tmp_path / "other.json"
    other.write_bytes(msgspec.json.encode(Simulator().policy))
    assert told("audit", "receipt", file, "--policy", other)[1]["reason"] == "check-note"


def _meaning(found: ReceiptReport) -> tuple[bytes, int, int, bytes]:
    return found.leaf, found.index, found.opened.size, found.opened.root


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 3))
def test_no_byte_can_be_changed_but_harmlessly(
    box: BallotBoxUnderTest, ballots: list[tuple[bytes, dict[str, Any]]], seed: int, changes: int
) -> None:
    """A changed receipt is refused, or says the same with fewer auditors behind it."""
    box.cosign()
    anchors: Anchors = box.station.anchors
    data = bytearray(box.client.get(f"/receipts/{ballots[0][1]['leaf_hash']}").content)
    good = check_receipt(bytes(data), anchors)
    draw = random.Random(seed)
    for _ in range(changes):
        match draw.randrange(3):
            case 0:
                data[draw.randrange(len(data))] = draw.randrange(256)
            case 1:
                del data[draw.randrange(len(data))]
            case _:
                data.insert(draw.randrange(len(data) + 1), draw.randrange(256))
    try:
        found = check_receipt(bytes(data), anchors)
    except (CheckFailed, Refused):
        return
    assert _meaning(found) == _meaning(good)
    assert set(found.auditors) <= set(good.auditors)


def test_tracker_is_computed_from_the_ballot(
    ballots: list[tuple[bytes, dict[str, Any]]], file: Path, policy: Path
) -> None:
    """A file whose `extra` names another ballot of the same log does not pass for that ballot."""
    other = bytes.fromhex(ballots[1][1]["leaf_hash"])
    file.write_bytes(replace(Receipt.parse(file.read_bytes()), extra=other).encode())
    code, output = run("audit", "receipt", file, "--policy", policy)
    assert code == 1
    assert tracker.shown(other) not in output
