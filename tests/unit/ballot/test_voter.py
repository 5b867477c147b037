"""The voter's client: what it verifies before it encrypts, and its commands over real HTTP."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from entering import Person, posts
from forge import write_log
from served import OTHERS, BallotBoxUnderTest, listening, serving_logs, write_logs
from simulator import GROUP, Simulator

from ballot.voter import paper
from ballot.voter.commands import voter as voter_command
from ballot.voter.duty import verify_election
from ballot.voter.simulate import read_voters
from vemre.checks import Check
from vemre.crypto.credential import Credential
from vemre.crypto.signing import SigningKey
from vemre.demo import pef2024
from vemre.election.choice import Marks, Null, WriteIn
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.records.policy import Policy
from vemre.service.sources import FolderSource

ELECTION = "7b0c6f0e-4e0a-4f5e-9c41-0a6d9d1f2c33"


@pytest.fixture(scope="module")
def credentials() -> list[Credential]:
    return [Credential(bytes([number]) * 16) for number in range(1, 8)]


@pytest.fixture(scope="module")
def sim(credentials: list[Credential]) -> Simulator:
    """As the shared one, but for voters whose credentials have their written form."""
    made = Simulator()
    made.voters = [
        replace(found, key=credential.signing_key(ELECTION))
        for found, credential in zip(made.voters, credentials, strict=True)
    ]
    return made.reach("setup")


def sources(record: Path) -> dict[Any, FolderSource]:
    return {name: FolderSource(record, name) for name in OTHERS["ballot"]}


@pytest.fixture
def record(sim: Simulator, tmp_path: Path) -> Path:
    write_logs(sim, tmp_path / "record", OTHERS["ballot"])
    return tmp_path / "record"


# --- the client's duty ----------------------------------------------------------------------------------------------


def test_election_that_verifies(sim: Simulator, record: Path, credentials: list[Credential]) -> None:
    election = verify_election(Anchors(sim.policy), sources(record), GROUP, os.urandom)
    assert election.context == sim.view.context
    key, urn = election.key_of(credentials[4])
    assert (key.public, urn) == (sim.voters[4].key.public, "urna-17")
    with pytest.raises(Refused, match="credential-not-on-roll"):
        election.key_of(Credential(bytes(16)))


def changed(policy: Policy, **fields: Any) -> Anchors:
    return Anchors(msgspec.structs.replace(policy, **fields))


def test_policy_of_another_authority(sim: Simulator, record: Path) -> None:
    anchors = changed(sim.policy, authority=SigningKey(bytes(32)).public.hex())
    with pytest.raises(CheckFailed) as caught:
        verify_election(anchors, sources(record), GROUP, os.urandom)
    assert caught.value.check is Check.MANIFEST_AUTHORITY


def test_one_auditor_is_not_enough(sim: Simulator, record: Path) -> None:
    (record / "tally" / "checkpoint").write_text(sim.checkpoint("tally", auditors=["auditor/1"]))
    with pytest.raises(Refused, match="not-cosigned-yet"):
        verify_election(Anchors(sim.policy), sources(record), GROUP, os.urandom)


def test_setup_that_nobody_cosigned_yet(sim: Simulator, record: Path) -> None:
    before = sim.view.setup_index
    assert before is not None
    entries = [found.entry for found in sim.view.tally.records[:before]]
    write_log(record / "tally", entries, sim.checkpoint("tally", before).encode())
    with pytest.raises(Refused, match="no-setup"):
        verify_election(Anchors(sim.policy), sources(record), GROUP, os.urandom)


def test_roll_that_was_altered(sim: Simulator, record: Path) -> None:
    roll = sim.view.registry.records[0].body.urns[0].credentials.sha256  # type: ignore[attr-defined]
    data = bytearray((record / "blob" / roll).read_bytes())
    data[0] ^= 1
    (record / "blob" / roll).write_bytes(data)
    with pytest.raises(CheckFailed) as caught:
        verify_election(Anchors(sim.policy), sources(record), GROUP, os.urandom)
    assert caught.value.check is Check.BLOB_DIGEST


# --- the paper ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "choice"),
    [
        ("1", Marks((0,))),
        ("2 1", Marks((0, 1))),
        ("1,2", Marks((0, 1))),
        ("0", Null()),
        ("=Benito Juárez", WriteIn("Benito Juárez")),
        ("1 3", None),
        ("9", None),
        ("-1", None),
        ("", None),
        ("=", None),
        ("x", None),
        ("=" + "x" * 41, None),
        ("²", None),
    ],
)
def test_paper_reads_what_was_typed(sim: Simulator, typed: str, choice: Any) -> None:
    assert paper.read(sim.offer.contests[0], typed) == choice


def test_paper_tells_parties_with_one_candidate_apart(capsys: pytest.CaptureFixture[str]) -> None:
    presidency = pef2024.offer().contests[0]
    paper.show([presidency], {presidency.id: Marks((0, 1))})
    shown = capsys.readouterr().err
    assert "PAN · Bertha" in shown
    assert "PRI · Bertha" in shown


def test_voters_file_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "voters"
    good = json.dumps({"credential": "x", "link": "y", "digits": "1234", "choices": {}})
    for bad in ("{}", "[]", "x", "1", good.replace('"y"', "1"), "[" * 100_000):
        path.write_text(f"{good}\n{bad}\n")
        with pytest.raises(Refused) as caught:
            read_voters(path)
        assert (caught.value.code, caught.value.params) == ("voters-unreadable", {"line": 2})
    path.write_text(good)
    assert "y" not in repr(read_voters(path))


# --- the commands, over HTTP ----------------------------------------------------------------------------------------


@pytest.fixture
def place(sim: Simulator, tmp_path: Path) -> Iterator[tuple[BallotBoxUnderTest, list[str]]]:
    """An open ballot box, and the options that lead a command to it."""
    (tmp_path / "policy.json").write_bytes(msgspec.json.encode(sim.policy))
    with BallotBoxUnderTest(sim, tmp_path, **posts(tmp_path)).running() as box:
        box.open()
        with listening(box.station.app) as url, serving_logs(box.record, "registry", "tally") as logs:
            where = ["--ballot-url", url, "--registry-url", logs["registry"], "--tally-url", logs["tally"]]
            yield box, [*where, "--policy", str(tmp_path / "policy.json")]


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(voter_command, words, prog_name="voter")
    return result.exit_code, result.output


def secrets(folder: Path, credential: Credential, token: str, choices: Any) -> list[str]:
    (folder / "credential").write_text(credential.shown())
    (folder / "session").write_text(token + "\n")
    (folder / "choices").write_text(json.dumps(choices))
    return [word for name in ("credential", "session", "choices") for word in (f"--{name}", str(folder / name))]


CHOICES = {"presidencia": {"marks": ["pan", "pri"]}, "gubernatura": "null"}


def test_cast_and_check_the_receipt(
    place: tuple[BallotBoxUnderTest, list[str]], credentials: list[Credential], tmp_path: Path
) -> None:
    box, where = place
    given = secrets(tmp_path, credentials[0], box.token(box.sim.voters[0]), CHOICES)
    file = tmp_path / "mine.tlog-proof"
    code, output = run("cast", *where, *given, "--receipt", str(file), "--json")
    assert code == 0, output
    told = json.loads(output.splitlines()[-1])
    assert (told["index"], told["auditors"]) == (1, [])
    assert told["leaf_hash"] == box.entries()[1].leaf_hash.hex()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("*.pending"))
    assert run("receipt", str(file), "--policy", where[-1])[0] == 0
    box.cosign()
    before = file.read_bytes()
    code, output = run("receipt", str(file), "--policy", where[-1], "--ballot-url", where[1], "--json")
    assert (json.loads(output.splitlines()[-1])["auditors"], file.read_bytes()) == ([], before)
    code, output = run("receipt", str(file), "--policy", where[-1], "--ballot-url", where[1], "--upgrade", "--json")
    assert json.loads(output.splitlines()[-1])["auditors"] == ["auditor/1", "auditor/2"]
    assert "auditor" in file.read_text()
    # The receipt is never overwritten by another cast.
    code, output = run("cast", *where, *given, "--receipt", str(file))
    assert code == 2
    assert "file-exists" in output


def test_cast_goes_on_where_it_was_cut_off(
    place: tuple[BallotBoxUnderTest, list[str]], credentials: list[Credential], tmp_path: Path
) -> None:
    box, where = place
    voter = box.sim.voters[0]
    given = secrets(tmp_path, credentials[0], box.token(voter), CHOICES)
    file = tmp_path / "mine.tlog-proof"
    entry = box.ballot(voter)
    assert box.cast(voter, entry).status_code == 201
    (tmp_path / "mine.tlog-proof.pending").write_bytes(entry)
    code, output = run("cast", *where, *given, "--receipt", str(file), "--json")
    assert code == 0, output
    assert [record.entry for record in box.entries()][1:] == [entry]
    assert not (tmp_path / "mine.tlog-proof.pending").exists()


def test_refusal_is_told_and_leaves_nothing(
    place: tuple[BallotBoxUnderTest, list[str]], credentials: list[Credential], tmp_path: Path
) -> None:
    box, where = place
    box.submit(box.block(box.sim.voters[0]))
    given = secrets(tmp_path, credentials[0], box.token(box.sim.voters[0]), CHOICES)
    code, output = run("cast", *where, *given, "--receipt", str(tmp_path / "r"))
    assert code == 1
    assert "credential-blocked" in output
    assert not (tmp_path / "r").exists()
    assert not (tmp_path / "r.pending").exists()


def test_challenge_is_checked_elsewhere_and_never_sent(
    place: tuple[BallotBoxUnderTest, list[str]], credentials: list[Credential], tmp_path: Path
) -> None:
    box, where = place
    given = secrets(tmp_path, credentials[0], box.token(box.sim.voters[0]), CHOICES)
    opening = tmp_path / "opening.json"
    code, output = run("cast", *where, *given, "--receipt", str(tmp_path / "r"), "--challenge", str(opening))
    assert code == 0, output
    found = re.search(r"(?:[0-9A-Z]{4}-){7}[0-9A-Z]{4}", output)
    assert found is not None
    code, output = run("check-challenge", str(opening), "--fingerprint", found[0], *where)
    assert code == 0, output
    assert "PAN, PRI" in output
    value = json.loads(opening.read_text())
    value["choices"]["presidencia"] = {"marks": ["morena"]}
    opening.write_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
    code, output = run("check-challenge", str(opening), "--fingerprint", found[0], *where)
    assert code == 1
    assert "challenge-failed" in output
    assert run("check-challenge", str(opening), "--fingerprint", "XXXX", *where)[0] == 1
    assert [record.type for record in box.entries()] == ["open"]


def test_simulation_casts_for_all(
    place: tuple[BallotBoxUnderTest, list[str]], credentials: list[Credential], tmp_path: Path
) -> None:
    box, where = place
    box.official("access-links")
    lines = []
    for number in (0, 1, 4):
        person = Person(box, box.sim.voters[number])
        choices = CHOICES if number < 4 else {"presidencia": {"write_in": "Juana"}}
        found = {"credential": credentials[number].shown(), "link": person.link(), "digits": person.phone[-4:]}
        lines.append(json.dumps({**found, "choices": choices}))
    (tmp_path / "voters").write_text("\n".join(lines))
    options = ["--voters", str(tmp_path / "voters"), "--receipts", str(tmp_path / "receipts"), "--json"]
    code, output = run("simulate", *where, *options)
    assert (code, json.loads(output.splitlines()[-1])) == (0, {"cast": 3, "refused": {}})
    for file in sorted((tmp_path / "receipts").iterdir()):
        assert run("receipt", str(file), "--policy", where[-1])[0] == 0
    code, output = run("simulate", *where, *options[:2], "--json")
    assert (code, json.loads(output.splitlines()[-1])) == (1, {"cast": 0, "refused": {"access-refused": 3}})


def test_secrets_are_asked_for_at_a_terminal_alone(place: tuple[BallotBoxUnderTest, list[str]]) -> None:
    _, where = place
    code, output = run("cast", *where)
    assert code == 1
    assert "secret-missing" in output


def test_access_sign_in_and_cast(
    place: tuple[BallotBoxUnderTest, list[str]], credentials: list[Credential], tmp_path: Path
) -> None:
    box, where = place
    box.official("access-links")
    person = Person(box, box.sim.voters[0])
    (tmp_path / "link").write_text(f"https://example.org/acceso#{person.link()}\n")
    at, keep, session = ["--ballot-url", where[1]], str(tmp_path / "keep"), str(tmp_path / "session-file")
    enter = ["access", *at, "--link", str(tmp_path / "link"), "--digits", person.phone[-4:], "--keep", keep, "--json"]
    code, output = run(*enter)
    assert (code, json.loads(output.splitlines()[-1])) == (0, {"user": person.user})
    assert Path(keep).stat().st_mode & 0o777 == 0o600
    code, output = run("sign-in", *at, "--keep", keep, "--session", session, "--json")
    assert code == 0, output
    # Two codes are used: there is none for a third time in the same half minute.
    code, output = run("sign-in", *at, "--keep", keep, "--session", session)
    assert code == 1
    assert "sign-in-failed" in output
    assert Path(session).stat().st_mode & 0o777 == 0o600
    token = Path(session).read_text().strip()
    assert token not in output
    assert person.who(token).status_code == 200
    box.clock.now += 30
    given = secrets(tmp_path, credentials[0], "", CHOICES)
    given[2:4] = ["--keep", keep]
    assert run("cast", *where, *given, "--receipt", str(tmp_path / "r"), "--json")[0] == 0
    assert person.who(token).json()["voted"] is not None
    assert run("access", *enter[1:])[0] == 2


def test_ballot_waits_where_the_session_is_over(
    place: tuple[BallotBoxUnderTest, list[str]], credentials: list[Credential], tmp_path: Path
) -> None:
    box, where = place
    given = secrets(tmp_path, credentials[0], "over", CHOICES)
    file = tmp_path / "mine.tlog-proof"
    code, output = run("cast", *where, *given, "--receipt", str(file))
    assert code == 1
    assert "not-signed-in" in output
    entry = (tmp_path / "mine.tlog-proof.pending").read_bytes()
    (tmp_path / "session").write_text(box.token(box.sim.voters[0]))
    assert run("cast", *where, *given, "--receipt", str(file))[0] == 0
    assert [record.entry for record in box.entries()][1:] == [entry]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"user":"a","password":1,"secret":"","used":1}', "[" * 10**5])
def test_kept_file_that_is_none(place: tuple[BallotBoxUnderTest, list[str]], tmp_path: Path, content: str) -> None:
    (tmp_path / "keep").write_text(content)
    options = ["--keep", str(tmp_path / "keep"), "--session", str(tmp_path / "out")]
    assert run("sign-in", "--ballot-url", place[1][1], *options)[0] == 2
