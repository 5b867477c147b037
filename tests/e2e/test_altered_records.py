"""Altered records of the demonstration are refused, raw and signed anew with all of its keys.

Each alteration is refused by the check that stands for it, and names the party that answers.
"""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from demo_run import Demo, vemre
from forge import Forgery, read_entries

from vemre.checks import Check
from vemre.crypto import canonical
from vemre.log.tiles import encode_bundle

pytestmark = pytest.mark.slow


# --- bytes ----------------------------------------------------------------------------------------------------

FILES = {
    "checkpoint": ("*/checkpoint", Check.NOTE),
    "tile": ("*/tile/0/**/*", Check.LOG),
    "bundle": ("*/tile/entries/**/*", Check.LOG),
    "blob": ("blob/*", Check.BLOB_DIGEST),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("turn", range(6))
def test_a_flipped_bit_anywhere(demo: Demo, tmp_path: Path, kind: str, turn: int) -> None:
    pattern, check = FILES[kind]
    record = shutil.copytree(demo.record, tmp_path / "record")
    draw = random.Random(f"{kind} {turn}")
    files = [path for path in sorted(record.glob(pattern)) if path.is_file() and path.stat().st_size]
    path = draw.choice(files)
    data = bytearray(path.read_bytes())
    place = draw.randrange(len(data))
    data[place] ^= 1 << draw.randrange(8)
    path.write_bytes(data)
    failure = demo.verify(record).failure
    assert failure is not None, f"{path.name} at {place}"
    assert failure.check is check
    assert failure.where is not None
    assert failure.where in str(path)
    assert failure.party in ("registry", "ballot-box", "tally")


def test_the_command_ends_with_1_for_damage(demo: Demo, tmp_path: Path) -> None:
    record = shutil.copytree(demo.record, tmp_path / "record")
    next(iter(sorted((record / "blob").iterdir()))).unlink()
    done = vemre("audit", "verify", record, "--policy", demo.policy, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert (report["verdict"], report["first_failure"]) == ("invalid", "BLOB-DIGEST")
    assert "Traceback" not in done.stderr


# --- meaning ---------------------------------------------------------------------------------------------------


def remove_ballot(forgery: Forgery) -> None:
    del forgery.logs["ballot"][forgery.find("ballot", "ballot", 2)]


def double_ballot(forgery: Forgery) -> None:
    place = forgery.find("ballot", "ballot", 2)
    forgery.logs["ballot"].insert(place + 1, copy.deepcopy(forgery.logs["ballot"][place]))


def swap_ballots(forgery: Forgery) -> None:
    """Two ballots of one urn."""
    log = forgery.logs["ballot"]
    one = forgery.find("ballot", "ballot")
    urn = log[one]["body"]["urn"]
    two = next(i for i in range(one + 1, len(log)) if log[i]["type"] == "ballot" and log[i]["body"]["urn"] == urn)
    log[one], log[two] = log[two], log[one]


def edit_count(forgery: Forgery) -> None:
    forgery.body("tally", "result-batch")["options"][0]["votes"] += 1


def double_row(forgery: Forgery) -> None:
    """The first shuffle that has a proof gets two equal rows."""
    shuffle = next(e["body"] for e in forgery.logs["tally"] if e["type"] == "shuffle" and e["body"]["proof"])
    data = bytearray(forgery.blobs[shuffle["output"]["sha256"]])
    width = len(data) // shuffle["rows"]
    data[width : 2 * width] = data[:width]
    shuffle["output"] = forgery.put_blob(bytes(data))


def change_share(forgery: Forgery) -> None:
    decryption = forgery.body("tally", "decryption")
    data = bytearray(forgery.blobs[decryption["shares"]["sha256"]])
    data[:32] = data[32:64]
    decryption["shares"] = forgery.put_blob(bytes(data))


def sign_by_another_role(forgery: Forgery) -> None:
    forgery.logs["tally"][forgery.find("tally", "result")]["signer"] = "trustee/1"


def other_options(forgery: Forgery) -> None:
    """The manifest names an offer with another order of options."""
    manifest = forgery.logs["tally"][0]["body"]
    offer = json.loads(forgery.blobs[manifest["offer"]["sha256"]])
    offer["contests"][0]["options"].reverse()
    manifest["offer"] = forgery.put_blob(canonical.encode(offer))


Alter = Callable[[Forgery], None]
CASES: list[tuple[Alter, Check, str]] = [
    (remove_ballot, Check.CLOSE_COUNT, "ballot-box"),
    (double_ballot, Check.BALLOT_ONCE, "ballot-box"),
    (swap_ballots, Check.TALLY_INPUT, "tally"),
    (edit_count, Check.RESULT, "tally"),
    (double_row, Check.SHUFFLE, "mixer/"),
    (change_share, Check.DECRYPT_PROOF, "trustee/"),
    (sign_by_another_role, Check.RECORD_ROLE, "trustee/1"),
    # The key was generated for another manifest.
    (other_options, Check.DKG_POP, "trustee/"),
]


@pytest.mark.parametrize(("alter", "check", "party"), CASES, ids=[case[0].__name__ for case in CASES])
def test_an_alteration_signed_anew_with_every_key(
    demo: Demo, tmp_path: Path, alter: Alter, check: Check, party: str
) -> None:
    forgery = Forgery.open(demo.record, demo.keys)
    alter(forgery)
    failure = demo.verify(forgery.write(tmp_path / "forged")).failure
    assert failure is not None
    assert failure.check is check
    assert (failure.party or "").startswith(party)
    assert failure.where is not None


@pytest.mark.parametrize("alter", [case[0] for case in CASES], ids=[case[0].__name__ for case in CASES])
def test_an_alteration_of_one_log_alone(demo: Demo, tmp_path: Path, alter: Alter) -> None:
    """The log's checkpoint is signed anew, what others have cited of it is not."""
    forgery = Forgery.open(demo.record, demo.keys)
    alter(forgery)
    failure = demo.verify(forgery.write(tmp_path / "forged", resign=False)).failure
    assert failure is not None
    assert failure.check is Check.CHECKPOINT
    assert failure.where is not None


@pytest.mark.parametrize("alter", [case[0] for case in CASES], ids=[case[0].__name__ for case in CASES])
def test_an_alteration_without_any_key(demo: Demo, tmp_path: Path, alter: Alter) -> None:
    forgery = Forgery.open(demo.record, demo.keys)
    alter(forgery)
    record = shutil.copytree(demo.record, tmp_path / "record")
    for digest, data in forgery.blobs.items():
        (record / "blob" / digest).write_bytes(data)
    for name, log in forgery.logs.items():
        entries = [canonical.encode(entry) for entry in log]
        if entries != read_entries(demo.record / name):
            bundles = [path for path in sorted((record / name / "tile" / "entries").rglob("*")) if path.is_file()]
            assert len(bundles) == 1
            bundles[0].write_bytes(encode_bundle(entries))
    failure = demo.verify(record).failure
    assert failure is not None
    assert failure.check is Check.LOG
    assert failure.party in ("registry", "ballot-box", "tally")


def test_putting_a_record_together_again_changes_nothing(demo: Demo, tmp_path: Path) -> None:
    """What the forger's workshop does besides the alteration is no reason for a refusal."""
    report = demo.verify(Forgery.open(demo.record, demo.keys).write(tmp_path / "same"))
    assert report.valid
    assert report.certified
