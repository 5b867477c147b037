"""Two verifiers, random alterations: they say the same of every record, whatever is wrong with it.

Every failure names its seed; `VEMRE_SEED` sets another one, `VEMRE_ALTERATIONS` how many there are.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
from pathlib import Path
from typing import Any

import elections
import msgspec
import mutations
import pytest
import second_verifier
from forge import Keys

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.election.rules.view import Anchors
from vemre.group import load
from vemre.records.policy import parse_policy

SEED = os.environ.get("VEMRE_SEED", "1")
MANY = int(os.environ.get("VEMRE_ALTERATIONS", "100"))


@pytest.fixture(scope="module")
def election(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    """A folder with `record` and `policy.json`, and everybody's keys."""
    folder = tmp_path_factory.mktemp("election")
    made = elections.changed_roll()
    made.write(folder / "record")
    (folder / "policy.json").write_bytes(msgspec.json.encode(made.view.anchors.policy))
    return folder, made.forge_keys()


def both(second: second_verifier.Batch, record: Path, policy: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the two verifiers say: verdict, check, party, result."""
    anchors = Anchors(parse_policy(policy.read_bytes()))
    mine = verify_record(RecordFolder(record), anchors, load(), os.urandom).as_json()
    code, other = second.verdict(record, policy)
    assert code == (0 if other["verdict"] == "valid" else 1)
    return said(mine), said(other)


def said(report: dict[str, Any]) -> dict[str, Any]:
    party = next((line["party"] for line in report["checks"] if line["status"] == "failed"), None)
    return {name: report[name] for name in ("verdict", "first_failure", "result", "certified")} | {"party": party}


def disagreements(
    second: second_verifier.Batch, election: tuple[Path, Keys], tmp_path: Path, count: int, seed: str
) -> tuple[list[str], int]:
    """Alterations of which the verifiers say different things, and how many they refused together."""
    folder, keys = election
    found, refused = [], 0
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        target = tmp_path / str(number)
        of_bytes = draw.random() < 0.3
        if of_bytes:
            done = mutations.alter_bytes(draw, folder / "record", target)
        else:
            done = mutations.alter_records(draw, folder / "record", keys, target)
        mine, other = both(second, target, folder / "policy.json")
        if mine != other:
            found.append(f"seed {seed}, number {number}: {done}\n  {mine}\n  {other}")
        refused += mine["verdict"] == "invalid"
    return found, refused


@pytest.mark.parametrize("log", ["registry", "ballot", "tally"])
def test_both_accept_what_changes_nothing(
    second: second_verifier.Batch, election: tuple[Path, Keys], tmp_path: Path, log: str
) -> None:
    """Lines of keys that nobody knows, whatever they say, and files that no record names."""
    folder, _ = election
    draw = random.Random(f"{SEED} {log}")
    record = shutil.copytree(folder / "record", tmp_path / "record")
    payload = base64.b64encode(draw.randbytes(draw.randrange(5, 80))).decode()
    with (record / log / "checkpoint").open("a", encoding="utf-8") as checkpoint:
        checkpoint.write(f"\u2014 unknown.example/{draw.randrange(100)} {payload}\n")
    (record / log / "tile" / "0" / "999").write_bytes(draw.randbytes(40))
    extra = draw.randbytes(40)
    (record / "blob" / hashlib.sha256(extra).hexdigest()).write_bytes(extra)
    (record / "README").write_bytes(draw.randbytes(10))
    mine, other = both(second, record, folder / "policy.json")
    assert mine == other
    assert (mine["verdict"], mine["certified"]) == ("valid", True)


def test_both_say_the_same_of_a_few(second: second_verifier.Batch, election: tuple[Path, Keys], tmp_path: Path) -> None:
    found, refused = disagreements(second, election, tmp_path, 12, SEED)
    assert not found, "\n".join(found)
    assert refused > 6


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_both_say_the_same_of_many(second: second_verifier.Batch, election: tuple[Path, Keys], tmp_path: Path) -> None:
    found, refused = disagreements(second, election, tmp_path, MANY, f"many {SEED}")
    assert not found, "\n".join(found)
    assert refused > MANY * 6 // 10
