"""Two verifiers, random alterations: they say the same of every record, whatever is wrong with it.

Every failure names its seed; `VEMRE_SEED` sets another one, `VEMRE_ALTERATIONS` how many of each kind.
"""

from __future__ import annotations

import base64
import hashlib
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import damage
import elections
import msgspec
import mutations
import pytest
import second_verifier
from forge import Keys

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.cli.errors import explain
from vemre.cli.policy import read_anchors
from vemre.errors import VemreError
from vemre.group import load

SEED = os.environ.get("VEMRE_SEED", "1")
MANY = int(os.environ.get("VEMRE_ALTERATIONS", "50"))


@pytest.fixture(scope="module")
def election(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    """A folder with `record` and `policy.json`, and everybody's keys."""
    folder = tmp_path_factory.mktemp("election")
    made = elections.changed_roll()
    made.write(folder / "record")
    (folder / "policy.json").write_bytes(msgspec.json.encode(made.view.anchors.policy))
    return folder, made.forge_keys()


def both(second: second_verifier.Batch, record: Path, policy: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the two verifiers say: exit code, verdict, every check with its place and party, stage, result."""
    code, other = second.verdict(record, policy)
    return first(record, policy), {"code": code, **(other or {})}


def first(record: Path, policy: Path) -> dict[str, Any]:
    """What the verifier in Python says."""
    try:
        report = verify_record(RecordFolder(record), read_anchors(policy), load(), os.urandom)
    except (VemreError, OSError) as error:
        return {"code": explain(error)[1]}
    return {"code": 0 if report.valid else 1, **report.as_json()}


def short(said: dict[str, Any]) -> str:
    """What a failure of these tests shows of an answer."""
    failed = next((line for line in said.get("checks", ()) if line["status"] == "failed"), None)
    return f"{said['code']} {said.get('stage')} {failed}"


Damage = Callable[[random.Random, Path, Keys, Path], tuple[Path, Path, str]]
"""Damages a copy of the folder `election`; gives record, policy, and what was done."""


def of_bytes(draw: random.Random, folder: Path, _: Keys, target: Path) -> tuple[Path, Path, str]:
    return target, folder / "policy.json", mutations.alter_bytes(draw, folder / "record", target)


def of_records(draw: random.Random, folder: Path, keys: Keys, target: Path) -> tuple[Path, Path, str]:
    return target, folder / "policy.json", mutations.alter_records(draw, folder / "record", keys, target)


def of_records_twice(draw: random.Random, folder: Path, keys: Keys, target: Path) -> tuple[Path, Path, str]:
    """Which of two faults is reported is a rule too."""
    between = target.with_name(f"{target.name}.between")
    while True:
        once = mutations.alter_records(draw, folder / "record", keys, between)
        try:
            twice = mutations.alter_records(draw, between, keys, target)
        except (ValueError, LookupError, TypeError, AssertionError, VemreError):
            # What is no record any more cannot be taken apart again.
            continue
        return target, folder / "policy.json", f"{once}; {twice}"


def of_files(draw: random.Random, folder: Path, _: Keys, target: Path) -> tuple[Path, Path, str]:
    return target, folder / "policy.json", damage.damage_files(draw, folder / "record", target)


def of_spelling(draw: random.Random, folder: Path, keys: Keys, target: Path) -> tuple[Path, Path, str]:
    return target, folder / "policy.json", damage.respell(draw, folder / "record", keys, target)


def of_policy(draw: random.Random, folder: Path, _: Keys, target: Path) -> tuple[Path, Path, str]:
    return folder / "record", target, damage.damage_policy(draw, folder / "policy.json", target)


KINDS: dict[str, Damage] = {
    "bytes": of_bytes,
    "records": of_records,
    "records twice": of_records_twice,
    "files": of_files,
    "spelling": of_spelling,
    "policy": of_policy,
}


def disagreements(
    second: second_verifier.Batch, election: tuple[Path, Keys], tmp_path: Path, kind: str, count: int, seed: str
) -> tuple[list[str], int]:
    """Alterations of which the verifiers say different things, and how many they refused together."""
    folder, keys = election
    found, refused = [], 0
    for number in range(count):
        draw = random.Random(f"{seed} {kind} {number}")
        record, policy, done = KINDS[kind](draw, folder, keys, tmp_path / str(number))
        mine, other = both(second, record, policy)
        if mine != other:
            found.append(f"seed {seed}, number {number}: {done}\n  {short(mine)}\n  {short(other)}")
        refused += mine["code"] != 0
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
    assert (mine["code"], mine["verdict"], mine["certified"]) == (0, "valid", True)


@pytest.mark.parametrize("kind", KINDS)
def test_both_say_the_same_of_a_few(
    second: second_verifier.Batch, election: tuple[Path, Keys], tmp_path: Path, kind: str
) -> None:
    found, refused = disagreements(second, election, tmp_path, kind, 12, SEED)
    assert not found, "\n".join(found)
    assert refused > 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", KINDS)
def test_both_say_the_same_of_many(
    second: second_verifier.Batch, election: tuple[Path, Keys], tmp_path: Path, kind: str
) -> None:
    found, refused = disagreements(second, election, tmp_path, kind, MANY, f"many {SEED}")
    assert not found, "\n".join(found)
    assert refused > MANY * 5 // 10
