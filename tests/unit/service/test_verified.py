"""What was verified before is not looked at twice, and never believed of other entries than those."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import simulator
from click.testing import CliRunner
from served_tally import open_key
from simulator import GROUP, Simulator

from tally.keys import RoleFile
from vemre.checks import Check
from vemre.cli.main import root
from vemre.crypto import ed25519
from vemre.election.choice import Marks
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, KeyFileError
from vemre.proofs import ballot_pok
from vemre.records.record import parse
from vemre.service.election_source import ElectionSource, from_folder
from vemre.service.verified import Verified


def source_of(sim: Simulator, record: Path, verified: Verified | None = None) -> ElectionSource:
    return ElectionSource(Anchors(sim.policy), from_folder(record), GROUP, os.urandom, verified=verified)


@pytest.fixture
def sim() -> Simulator:
    return Simulator().reach("cast")


def forbid_costly_checks(patch: pytest.MonkeyPatch) -> None:
    """Of ballots: their proofs and signatures."""

    def asked(*_: object, **__: object) -> None:
        raise AssertionError("verified twice")

    for module, name in ((ed25519, "first_invalid"), (ballot_pok, "verify_sheets"), (ballot_pok, "verify")):
        patch.setattr(module, name, asked)


def test_the_same_entries_are_not_verified_twice(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = sim.write(tmp_path / "record")
    first = source_of(sim, record)
    assert first.verified is None
    view = first.refresh()
    again = Verified.from_plain(json.loads(json.dumps(first.verified.plain())))
    assert again == first.verified == Verified.of(view)
    with monkeypatch.context() as patch:
        forbid_costly_checks(patch)
        with pytest.raises(AssertionError, match="twice"):
            source_of(sim, record).refresh()
        second = source_of(sim, record, again)
        assert second.refresh().ballot.root(len(view.ballot)) == view.ballot.root(len(view.ballot))
    assert second.verified == again


def test_what_came_since_is_verified(sim: Simulator, tmp_path: Path) -> None:
    before = source_of(sim, sim.write(tmp_path / "before"))
    before.refresh()
    good = sim.view.ballot.records[-1]
    voter = simulator.Voter("urna-09", sim.voters[3].key, (Marks((0,)), Marks((0,))))
    late = sim.ballot(voter, voter.choices or ())
    broken = late.entry.replace(late.signature.hex().encode(), good.signature.hex().encode())
    sim.view.ballot.append(parse(broken))
    sim.checkpoint("ballot")
    after = sim.write(tmp_path / "after")
    with pytest.raises(CheckFailed) as caught:
        source_of(sim, after, before.verified).refresh()
    assert caught.value.check is Check.BALLOT_SIGNATURE


@pytest.mark.parametrize("what", ["version", "policy", "root", "size"])
def test_anything_else_than_what_was_verified_is_verified_anew(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    record = sim.write(tmp_path / "record")
    source = source_of(sim, record)
    source.refresh()
    known = source.verified
    assert known is not None
    size, root_hex = known.logs["ballot"]
    other = {
        "version": replace(known, version="0"),
        "policy": replace(known, policy="0" * 64),
        "root": replace(known, logs={**known.logs, "ballot": (size, "0" * 64)}),
        "size": replace(known, logs={**known.logs, "ballot": (size + 1, root_hex)}),
    }[what]
    with monkeypatch.context() as patch:
        forbid_costly_checks(patch)
        with pytest.raises(AssertionError, match="twice"):
            source_of(sim, record, other).refresh()


@pytest.mark.parametrize(
    "change",
    [
        {"logs": {}},
        {"logs": {"registry": {"root": "00", "size": 1}, "ballot": {"root": "00", "size": 1}}},
        {"version": 1},
        {"more": 1},
    ],
)
def test_other_forms_are_refused(sim: Simulator, tmp_path: Path, change: dict[str, object]) -> None:
    source = source_of(sim, sim.write(tmp_path / "record"))
    source.refresh()
    assert source.verified is not None
    with pytest.raises(ValueError):
        Verified.from_plain({**source.verified.plain(), **change})


def test_a_role_keeps_it_in_its_key_file(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = sim.write(tmp_path / "record")
    policy = tmp_path / "policy.json"
    policy.write_bytes(msgspec.json.encode(sim.policy))
    file = open_key(sim, tmp_path, "mixer/1")
    assert file.verified is None
    words = ["mixer", "attend", "--key", str(file.path), "--policy", str(policy), "--from", str(record), "--insecure"]
    words += ["--out", str(tmp_path / "stick"), "--yes", "--json"]
    if not GROUP.constant_time:
        words.append("--insecure-reference")
    assert CliRunner().invoke(root, words).exit_code == 0
    kept = RoleFile.open(file.path, "mixer", b"", os.urandom, allow_insecure=True)
    assert kept.verified == Verified.of(source_of(sim, record).refresh())
    assert kept.key.secret["sign"] == file.key.secret["sign"]
    with monkeypatch.context() as patch:
        forbid_costly_checks(patch)
        assert CliRunner().invoke(root, words).exit_code == 0
    # An act's new state does not forget it, and its seal protects it.
    kept.save({name: value for name, value in kept.key.secret.items() if name != "verified"} | {"acts": {"a": "b"}})
    assert RoleFile.open(file.path, "mixer", b"", os.urandom, allow_insecure=True).verified == kept.verified
    data = file.path.read_bytes()
    assert not re.search(kept.verified.logs["ballot"][1].encode(), data)
    kept.save({**kept.key.secret, "verified": {"logs": []}})
    with pytest.raises(KeyFileError, match="verified"):
        _ = kept.verified
