"""`vemre audit abstention`: that a credential did not vote, at which checkpoint, and what is never shown."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from simulator import Simulator

from vemre.cli.main import root
from vemre.crypto import tracker
from vemre.records import vote_bodies as v

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"


def run(*words: object, stdin: str | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["--lang", "en", "audit", "abstention", *map(str, words)], input=stdin)
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, result.stdout, result.stderr


def told(*words: object) -> tuple[int, Any]:
    code, output, _ = run(*words, "--json")
    return code, json.loads(output) if output else None


def write(sim: Simulator, folder: Path) -> list[object]:
    """The options that lead a command to the record of a simulated election."""
    sim.write(folder / "record")
    (folder / "policy.json").write_bytes(msgspec.json.encode(sim.policy))
    return ["--record", folder / "record", "--policy", folder / "policy.json"]


def public(sim: Simulator, number: int) -> str:
    return sim.voters[number].key.public.hex()


@pytest.fixture(scope="module")
def closed() -> Simulator:
    """A closed vote; voter 3 was blocked, voter 6 did nothing."""
    sim = Simulator().reach("cast")
    assert sim.view.context is not None
    body = v.Block(sim.view.context.hex(), sim.voters[3].urn, public(sim, 3), "post")
    sim.admit("ballot", sim.sign("ballot", "registry", body))
    sim.close_box()
    return sim


@pytest.fixture
def where(closed: Simulator, tmp_path: Path) -> list[object]:
    return write(closed, tmp_path)


@pytest.mark.parametrize("mode", [[], ["--log-only"]])
def test_abstention_is_shown(closed: Simulator, where: list[object], mode: list[object]) -> None:
    code, value = told("--credential", public(closed, 6), *where, *mode)
    size = len(closed.view.ballot)
    assert code == 0
    assert value == {
        "shown": True,
        "verified": "log" if mode else "record",
        "failure": None,
        "credential": public(closed, 6),
        "urn": "urna-17",
        "ballots": [],
        "block": None,
        "closed": True,
        "log": closed.log_signers["ballot"].origin,
        "size": size,
        "root": closed.view.ballot.root(size).hex(),
        "auditors": ["auditor/1", "auditor/2"],
    }
    code, output, _ = run("--credential", public(closed, 6), *where, *mode)
    assert "so far" not in output.lower()
    assert "auditor/1, auditor/2" in output


def test_block_is_told(closed: Simulator, where: list[object]) -> None:
    code, value = told("--credential", public(closed, 3), *where)
    index = closed.view.ballot.indices("block")[0]
    assert (code, value["shown"], value["block"]) == (0, True, {"index": index, "reason": "post"})
    assert f"entry {index}" in run("--credential", public(closed, 3), *where)[1]


@pytest.mark.parametrize("mode", [[], ["--log-only"]])
def test_ballot_is_found(closed: Simulator, where: list[object], mode: list[object]) -> None:
    code, value = told("--credential", public(closed, 0), *where, *mode)
    record = closed.view.ballot.records[1]
    assert record.signer == public(closed, 0)
    found = {"index": 1, "tracker": tracker.shown(record.leaf_hash), "leaf_hash": record.leaf_hash.hex()}
    assert (code, value["shown"], value["ballots"]) == (1, False, [found])
    assert found["tracker"] in run("--credential", public(closed, 0), *where, *mode)[1]


def test_before_the_close_it_holds_so_far(tmp_path: Path) -> None:
    sim = Simulator().reach("cast")
    where = write(sim, tmp_path)
    code, value = told("--credential", public(sim, 6), *where)
    assert (code, value["shown"], value["closed"]) == (0, True, False)
    assert "SO FAR" in run("--credential", public(sim, 6), *where)[1]


def test_before_the_opening_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    sim = Simulator().reach("setup")
    code, _, err = run("--credential", public(sim, 6), *write(sim, tmp_path))
    assert code == 2
    assert "abstention-no-log" in err


def test_credential_that_is_not_on_the_roll(where: list[object]) -> None:
    code, output, err = run("--credential", "00" * 32, *where)
    assert (code, output) == (2, "")
    assert "abstention-not-on-roll" in err


def test_the_golden_record_and_its_replaced_credential() -> None:
    where = ("--record", GOLDEN / "record", "--policy", GOLDEN / "policy.json")
    entries = (GOLDEN / "record/registry/tile/entries/000.p/3").read_bytes()
    start = entries.index(b'"new":"')
    new, old = (entries[entries.index(key, start) + 7 :][:64].decode() for key in (b'"new":"', b'"old":"'))
    assert told("--credential", old, *where, "--log-only")[0] == 2
    code, value = told("--credential", new, *where)
    assert (code, [found["index"] for found in value["ballots"]]) == (1, [8])


@pytest.mark.parametrize("mode", [[], ["--log-only"]])
def test_record_that_does_not_hold_shows_nothing(closed: Simulator, tmp_path: Path, mode: list[object]) -> None:
    where = write(closed, tmp_path)
    bundle = next((tmp_path / "record/ballot/tile/entries").rglob("000.p/*"))
    bundle.write_bytes(bundle.read_bytes()[:-1])
    code, value = told("--credential", public(closed, 6), *where, *mode)
    assert (code, value["shown"], value["failure"]["id"]) == (1, False, "LOG")
    assert value["failure"]["party"] == "ballot-box"


def test_one_auditor_is_not_enough(closed: Simulator, tmp_path: Path) -> None:
    where = write(closed, tmp_path)
    note = tmp_path / "record/ballot/checkpoint"
    note.write_text(closed.checkpoint("ballot", auditors=["auditor/1"]))
    code, value = told("--credential", public(closed, 6), *where, "--log-only")
    assert (code, value["failure"]["id"]) == (1, "NOTE")


def test_whole_record_is_verified_unless_told_otherwise(tmp_path: Path) -> None:
    """A second ballot of one credential breaks a rule that --log-only does not look at."""
    sim = Simulator().reach("cast")
    sim.admit("ballot", sim.ballot(sim.voters[0], sim.voters[0].choices or ()), check=False)
    where = write(sim, tmp_path)
    assert told("--credential", public(sim, 6), *where)[1]["failure"]["id"] == "BALLOT-ONCE"
    assert told("--credential", public(sim, 6), *where, "--log-only")[0] == 0
    code, value = told("--credential", public(sim, 0), *where, "--log-only")
    assert (code, len(value["ballots"])) == (1, 2)


def test_secret_credential_is_refused_and_not_repeated(closed: Simulator, where: list[object], tmp_path: Path) -> None:
    secret = "0004-1061-050R-3GG2-8A1C-60T3-GFNB"
    (tmp_path / "file").write_text(secret)
    for given in (("--credential", secret), ("--credential-file", tmp_path / "file")):
        code, output, err = run(*given, *where)
        assert code == 2
        assert "credential-not-public" in err
        assert secret[:9] not in output + err
    (tmp_path / "file").write_text(public(closed, 6) + "\n")
    assert run("--credential-file", tmp_path / "file", *where, "--log-only")[0] == 0
    assert run("--credential-file", "-", *where, "--log-only", stdin=public(closed, 6))[0] == 0


def test_wrong_usage(closed: Simulator, where: list[object], tmp_path: Path) -> None:
    assert run(*where)[0] == 2
    assert run("--credential", public(closed, 6), "--credential-file", "-", *where)[0] == 2
    assert run("--credential", public(closed, 6), "--record", tmp_path / "none", *where[2:])[0] == 2
    assert run("--credential", public(closed, 6).upper(), *where)[0] == 2
