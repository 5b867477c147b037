"""A15: a receipt was given and the ballot is not in the log. The receipt alone proves the promise, offline; and
whatever log is served afterwards cannot continue the one that the receipt was given for. The two signatures together
convict the ballot box before anybody; an honest one cannot be accused with anything that a voter can make."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import forge
import msgspec
import pytest
from click.testing import CliRunner
from served import BallotBoxUnderTest, client_of, listening
from simulator import Simulator

from ballot.voter.receipts import CheckedReceipt, check_file, check_log, upgraded
from ballot.voter.session import cast
from vemre.checks import Check
from vemre.cli.main import root as vemre
from vemre.crypto import canonical
from vemre.errors import CheckFailed, Refused
from vemre.log.merkle import inclusion_proof, leaf_hash, perfect_root, root
from vemre.log.proof import Receipt
from vemre.records.dispute import MAX_DISPUTE_BYTES
from vemre.service.client import HttpSource
from vemre.service.sources import FolderSource


def voted(box: BallotBoxUnderTest) -> tuple[CheckedReceipt, list[bytes]]:
    """A receipt, and the log behind it."""
    for voter in box.sim.voters[:2]:
        with client_of(box, box.token(voter)) as ballot_box:
            checked = cast(ballot_box, box.ballot(voter), box.station.anchors)
    return checked, [record.entry for record in box.entries()]


def serve(box: BallotBoxUnderTest, folder: Path, entries: list[bytes]) -> FolderSource:
    """A log that the box's own key signed, whatever it signed before."""
    signer = box.sim.log_signers["ballot"]
    note = signer.sign(len(entries), root(leaf_hash(entry) for entry in entries))
    shutil.rmtree(folder / "ballot", ignore_errors=True)
    forge.write_log(folder / "ballot", entries, note)
    return FolderSource(folder, "ballot")


def test_receipt_proves_the_promise_offline(box: BallotBoxUnderTest) -> None:
    checked, _ = voted(box)
    # Nothing but the file and the policy's key.
    again = check_file(checked.file(), box.station.anchors)
    assert (again.leaf, again.receipt.index) == (checked.leaf, 2)


def test_log_without_the_ballot(box: BallotBoxUnderTest, tmp_path: Path) -> None:
    checked, entries = voted(box)
    other = box.ballot(box.sim.voters[4])
    logs = {
        "dropped and grown again": [*entries[:2], other],
        "replaced": [*entries[:2], other, other],
        "moved": [entries[0], entries[2], entries[1]],
        "rolled back": entries[:2],
    }
    for served in logs.values():
        with pytest.raises(CheckFailed) as caught:
            check_log(checked, box.station.anchors, serve(box, tmp_path / "forged", served))
        assert (caught.value.check, caught.value.party) == (Check.CHECKPOINT, "ballot-box")


def test_log_with_the_ballot(box: BallotBoxUnderTest, tmp_path: Path) -> None:
    checked, entries = voted(box)
    grown = [*entries, box.ballot(box.sim.voters[4])]
    assert check_log(checked, box.station.anchors, serve(box, tmp_path / "honest", grown)) == 4


@pytest.mark.parametrize("change", ["ballot", "place", "signature", "proof"])
def test_forged_receipt_accuses_nobody(box: BallotBoxUnderTest, change: str) -> None:
    """Nor can a voter make a receipt to accuse an honest box."""
    checked, _ = voted(box)
    lines = checked.file().decode().split("\n")
    assert lines[1].startswith("extra ")
    assert lines[2].startswith("index ")
    if change == "ballot":
        lines[1] = lines[1][:8] + ("A" if lines[1][8] != "A" else "B") + lines[1][9:]
    elif change == "place":
        lines[2] = "index 1"
    elif change == "proof":
        lines[3] = lines[4] if lines[4] and lines[4] != lines[3] else lines[3][:4] + "AAAA" + lines[3][8:]
    else:
        lines[-2] = lines[-2][:-8] + "AAAAAA=="
    with pytest.raises(CheckFailed) as caught:
        check_file("\n".join(lines).encode(), box.station.anchors)
    assert caught.value.check in (Check.LOG, Check.NOTE)


def test_later_receipt_is_of_the_same_ballot(box: BallotBoxUnderTest) -> None:
    checked, _ = voted(box)
    box.cosign()
    later = box.client.get(f"/receipts/{checked.leaf.hex()}").content
    another = box.client.get(f"/receipts/{box.entries()[1].leaf_hash.hex()}").content
    with client_of(box) as ballot_box:
        better = upgraded(checked, later, box.station.anchors, HttpSource(ballot_box))
        assert better.auditors == {"auditor/1", "auditor/2"}
        with pytest.raises(CheckFailed):
            upgraded(checked, another, box.station.anchors, HttpSource(ballot_box))


def test_ballot_in_two_places(box: BallotBoxUnderTest, tmp_path: Path) -> None:
    """A box that logs a ballot twice and sends its receipts from one place to the other."""
    checked, entries = voted(box)
    source = serve(box, tmp_path / "twice", [*entries, entries[-1]])
    note = source.checkpoint()
    leaves = [leaf_hash(entry) for entry in (*entries, entries[-1])]
    proof = inclusion_proof(3, 4, lambda level, index: perfect_root(leaves[index << level : (index + 1) << level]))
    with pytest.raises(Refused) as caught:
        upgraded(checked, Receipt(3, tuple(proof), note).encode(), box.station.anchors, source)
    assert (caught.value.code, caught.value.params) == ("receipt-moved", {"index": 2, "found": 3})


# --- through the commands, against a ballot box that drops a ballot ---------------------------------------------------


def run(*words: object) -> tuple[int, Any]:
    """The exit code and the JSON of a command."""
    result = CliRunner().invoke(vemre, ["--lang", "en", *map(str, words), "--json"])
    assert isinstance(result.exception, SystemExit | None), result.exception
    # The ballot boxes of these tests write their logs into the same output.
    lines = [line for line in result.stdout.splitlines() if line.startswith("{")]
    return result.exit_code, json.loads(lines[-1]) if lines else result.stderr


@pytest.fixture
def policy(box: BallotBoxUnderTest, tmp_path: Path) -> Path:
    path = tmp_path / "policy.json"
    path.write_bytes(msgspec.json.encode(box.sim.policy))
    return path


@pytest.fixture
def receipt(box: BallotBoxUnderTest, tmp_path: Path) -> Path:
    """The receipt of the second of two ballots, from the ballot box as it was."""
    checked, _ = voted(box)
    path = tmp_path / "mine.tlog-proof"
    path.write_bytes(checked.file())
    return path


@pytest.fixture
def dropping(box: BallotBoxUnderTest, receipt: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a ballot box with the same keys that began anew and took other voters' ballots."""
    with BallotBoxUnderTest(box.sim, tmp_path / "dropping").running() as other:
        other.open()
        for voter in (box.sim.voters[0], *box.sim.voters[4:6]):
            assert other.cast(voter, other.ballot(voter)).status_code == 201
        with listening(other.station.app) as url:
            yield url


def test_voter_alone_convicts_the_box(receipt: Path, dropping: str, policy: Path) -> None:
    before = receipt.read_bytes()
    code, told = run("voter", "receipt", receipt, "--upgrade", "--ballot-url", dropping, "--policy", policy)
    assert code == 1
    assert "receipt-contradicted" in told
    assert receipt.read_bytes() == before
    proof = receipt.with_name("mine.tlog-proof.dispute-1.json")
    assert proof.stat().st_mode & 0o777 == 0o600
    # Anyone, with the proof and the policy alone.
    code, judged = run("audit", "dispute", proof, "--policy", policy)
    assert (code, judged["verdict"], judged["party"]) == (0, "proven", "ballot-box")
    assert (judged["kind"], judged["index"], judged["given"]["size"]) == ("another-entry", 2, 3)
    # The same proof is kept once, whether the voter upgrades or only checks.
    assert run("voter", "receipt", receipt, "--ballot-url", dropping, "--policy", policy)[0] == 1
    assert len(list(receipt.parent.glob("*.dispute-*"))) == 1


def test_anybody_who_has_the_receipt_makes_the_proof(
    box: BallotBoxUnderTest, receipt: Path, dropping: str, policy: Path, tmp_path: Path
) -> None:
    proof = tmp_path / "proof.json"
    code, told = run("audit", "dispute", receipt, "--url", dropping, "--policy", policy, "--out", proof)
    assert (code, told["reason"]) == (0, "dispute-another-entry")
    assert run("audit", "dispute", proof, "--policy", policy) == (0, told)
    # The record of such a log says the same; so does its checkpoint with the tiles from elsewhere.
    opened = [record.entry for record in box.entries()][:1]
    others = [box.ballot(voter) for voter in box.sim.voters[4:6]]
    serve(box, tmp_path / "record", [*opened, *others, others[0]])
    assert run("audit", "dispute", receipt, "--record", tmp_path / "record", "--policy", policy)[0] == 0
    note = tmp_path / "record" / "ballot" / "checkpoint"
    assert run("audit", "dispute", receipt, "--checkpoint", note, "--policy", policy)[0] == 2
    with_tiles = ("--checkpoint", note, "--record", tmp_path / "record")
    assert run("audit", "dispute", receipt, *with_tiles, "--policy", policy)[0] == 0
    # Two logs of one size contradict each other without any tile.
    serve(box, tmp_path / "record", [*opened, *others])
    code, told = run("audit", "dispute", receipt, "--checkpoint", note, "--policy", policy)
    assert (code, told["kind"]) == (0, "two-roots")


def test_ballot_that_stays_over_a_past_that_was_changed(
    box: BallotBoxUnderTest, receipt: Path, policy: Path, tmp_path: Path
) -> None:
    entries = [record.entry for record in box.entries()]
    other = box.ballot(box.sim.voters[4])
    serve(box, tmp_path / "record", [entries[0], other, entries[2], entries[1]])
    proof = tmp_path / "proof.json"
    where = ("--record", tmp_path / "record")
    code, told = run("audit", "dispute", receipt, *where, "--policy", policy, "--out", proof)
    assert (code, told["kind"]) == (0, "another-beginning")
    assert run("audit", "dispute", proof, "--policy", policy) == (0, told)
    assert run("voter", "receipt", receipt, "--upgrade", *where, "--policy", policy)[0] == 1


def test_spoilt_cosignature_hides_nothing(box: BallotBoxUnderTest, receipt: Path, policy: Path, tmp_path: Path) -> None:
    """The box adds a line that no auditor made, so that programs refuse its checkpoint."""
    entries = [record.entry for record in box.entries()][:1]
    serve(box, tmp_path / "record", [*entries, *(box.ballot(voter) for voter in box.sim.voters[4:6])])
    note = tmp_path / "record" / "ballot" / "checkpoint"
    lines = box.sim.checkpoint("tally").splitlines(keepends=True)[-2:]
    note.write_text(note.read_text() + "".join(lines))
    assert run("audit", "dispute", receipt, "--record", tmp_path / "record", "--policy", policy)[0] == 0


# --- false accusations ------------------------------------------------------------------------------------------------


def test_honest_box_is_never_convicted(box: BallotBoxUnderTest, receipt: Path, policy: Path, tmp_path: Path) -> None:
    box.cast(box.sim.voters[4], box.ballot(box.sim.voters[4]))
    with listening(box.station.app) as url:
        code, told = run("audit", "dispute", receipt, "--url", url, "--policy", policy, "--out", tmp_path / "p")
        assert (code, told["verdict"], told["reason"]) == (1, "not proven", "dispute-consistent")
        assert run("voter", "receipt", receipt, "--upgrade", "--ballot-url", url, "--policy", policy)[0] == 0
    assert not (tmp_path / "p").exists()
    entries = [record.entry for record in box.entries()]
    for size, expected in ((4, (1, "dispute-consistent")), (3, (1, "dispute-consistent")), (2, (2, "dispute-older"))):
        serve(box, tmp_path / "record", entries[:size])
        code, told = run("audit", "dispute", receipt, "--record", tmp_path / "record", "--policy", policy)
        assert (code, told["reason"]) == expected


def test_receipt_that_is_none_accuses_nobody(
    box: BallotBoxUnderTest, receipt: Path, dropping: str, policy: Path, tmp_path: Path
) -> None:
    """Even where the box is guilty towards somebody else."""
    good = receipt.read_bytes()
    parsed = Receipt.parse(good)
    other = box.entries()[1].leaf_hash
    altered = {
        "ballot": replace(parsed, extra=other).encode(),
        "index": replace(parsed, index=1).encode(),
        "checkpoint": good.replace(b"\n3\n", b"\n2\n"),
        "text": good[:-2],
        "nothing": b"",
    }
    for name, data in altered.items():
        receipt.write_bytes(data)
        code, told = run("audit", "dispute", receipt, "--url", dropping, "--policy", policy)
        assert (code, told["reason"]) == (1, "dispute-receipt-invalid"), name
    receipt.write_bytes(good)
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_bytes(msgspec.json.encode(Simulator().policy))
    code, told = run("audit", "dispute", receipt, "--url", dropping, "--policy", elsewhere)
    assert (code, told["verdict"]) == (1, "not proven")


def _evidence(**changed: Any) -> Callable[[dict[str, Any]], None]:
    return lambda value: value["evidence"].update(changed)


ALTERED: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (lambda value: value.update(leaf_hash="00" * 32), "dispute-receipt-invalid"),
    (lambda value: value.update(later=value["later"].replace("\n4\n", "\n5\n")), "dispute-later-unsigned"),
    (lambda value: value.update(later="x"), "dispute-later-unsigned"),
    (lambda value: value.update(evidence={"kind": "two-roots"}), "dispute-evidence-wrong"),
    (_evidence(leaf_hash="11" * 32), "dispute-evidence-wrong"),
    (_evidence(path=[]), "dispute-evidence-wrong"),
    (_evidence(path=["00" * 32] * 64), "dispute-evidence-wrong"),
    (_evidence(path=["00" * 32] * 65), "dispute-malformed"),
    (_evidence(path=["AA" * 32]), "dispute-malformed"),
    (_evidence(kind="rumour"), "dispute-malformed"),
    (_evidence(kind="another-beginning"), "dispute-malformed"),
    (lambda value: value.update(note="x"), "dispute-malformed"),
    (lambda value: value.update(format="x"), "dispute-malformed"),
    (lambda value: value.update(version=0), "dispute-malformed"),
    (lambda value: value.update(version=2), "dispute-version"),
]


def test_altered_proof_proves_nothing(receipt: Path, dropping: str, policy: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    assert run("audit", "dispute", receipt, "--url", dropping, "--policy", policy, "--out", proof)[0] == 0
    good = proof.read_bytes()
    for change, reason in ALTERED:
        value = canonical.decode(good, limit=MAX_DISPUTE_BYTES)
        change(value)
        proof.write_bytes(canonical.encode(value))
        code, told = run("audit", "dispute", proof, "--policy", policy)
        assert (code, told["reason"]) == (2 if reason == "dispute-version" else 1, reason)
        assert told["party"] is None
    proof.write_bytes(good.replace(b'"version":1', b'"version": 1'))
    assert run("audit", "dispute", proof, "--policy", policy)[1]["reason"] == "dispute-malformed"


def test_proof_against_an_honest_box_cannot_be_composed(
    box: BallotBoxUnderTest, receipt: Path, policy: Path, tmp_path: Path
) -> None:
    """With everything that an honest log ever signed, in every combination."""
    entries = [record.entry for record in box.entries()]
    entries.append(box.ballot(box.sim.voters[4]))
    signer = box.sim.log_signers["ballot"]
    notes = [signer.sign(size, root(map(leaf_hash, entries[:size]))).decode() for size in range(1, 5)]
    hashes = [leaf_hash(entry).hex() for entry in entries]
    roots = [root(map(leaf_hash, entries[:size])).hex() for size in range(1, 5)]
    leaf = Receipt.parse(receipt.read_bytes()).extra
    assert leaf is not None
    paths = [
        [],
        [hashes[3]],
        [roots[2], hashes[3]],
        [hashes[2], hashes[3], roots[1]],
        [hashes[3], roots[1]],
        [roots[3]],
    ]
    # Of the right length, and of other hashes than the log's.
    paths += [[hashes[1], hashes[3], roots[1]], [hashes[2], hashes[3], roots[0]], [hashes[2], roots[1]]]
    evidences: list[dict[str, Any]] = [{"kind": "two-roots"}]
    evidences += [{"kind": "another-beginning", "path": path} for path in paths]
    evidences += [{"kind": "another-entry", "leaf_hash": h, "path": path} for h in hashes for path in paths]
    proof = tmp_path / "proof.json"
    for note in notes:
        for evidence in evidences:
            value = {
                "evidence": evidence,
                "format": "vemre-dispute",
                "later": note,
                "leaf_hash": leaf.hex(),
                "receipt": receipt.read_text(),
                "version": 1,
            }
            proof.write_bytes(canonical.encode(value))
            code, told = run("audit", "dispute", proof, "--policy", policy)
            assert (code, told["verdict"]) == (1, "not proven")


# --- what cannot be decided -------------------------------------------------------------------------------------------


def test_silence_proves_nothing(receipt: Path, policy: Path, tmp_path: Path, box: BallotBoxUnderTest) -> None:
    nobody = "http://127.0.0.1:1"
    code, told = run("audit", "dispute", receipt, "--url", nobody, "--policy", policy)
    assert (code, told["reason"]) == (2, "dispute-nothing-served")
    (tmp_path / "empty").mkdir()
    code, told = run("audit", "dispute", receipt, "--record", tmp_path / "empty", "--policy", policy)
    assert (code, told["reason"]) == (2, "dispute-nothing-served")
    # A checkpoint that another log signed, and one whose tiles are not shown.
    note = tmp_path / "note"
    note.write_text(box.sim.checkpoint("tally"))
    code, told = run("audit", "dispute", receipt, "--checkpoint", note, "--policy", policy)
    assert (code, told["reason"]) == (2, "dispute-later-unusable")
    entries = [record.entry for record in box.entries()][:1]
    serve(
        box,
        tmp_path / "record",
        [*entries, *(box.ballot(voter) for voter in (box.sim.voters[0], *box.sim.voters[4:6]))],
    )
    shutil.rmtree(tmp_path / "record" / "ballot" / "tile")
    code, told = run("audit", "dispute", receipt, "--record", tmp_path / "record", "--policy", policy)
    assert (code, told["reason"]) == (2, "dispute-tiles-unusable")


def test_wrong_usage(receipt: Path, policy: Path, tmp_path: Path) -> None:
    check = ("audit", "dispute", receipt, "--policy", policy)
    assert run(*check)[0] == 2
    assert run(*check, "--url", "http://127.0.0.1:1", "--record", tmp_path)[0] == 2
    (tmp_path / "proof").write_bytes(b"{}")
    assert run("audit", "dispute", tmp_path / "proof", "--policy", policy)[0] == 1
    assert run("audit", "dispute", tmp_path / "proof", "--policy", policy, "--record", tmp_path)[0] == 2
    assert run("audit", "dispute", tmp_path / "none", "--policy", policy)[0] == 2
