"""A15: a receipt was given and the ballot is not in the log. The receipt alone proves the promise, offline; and
whatever log is served afterwards cannot continue the one that the receipt was given for."""

import shutil
from pathlib import Path

import forge
import pytest
from served import BallotBoxUnderTest, client_of

from ballot.voter.receipts import CheckedReceipt, check_file, check_log, upgraded
from ballot.voter.session import cast
from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.log.merkle import leaf_hash, root
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
