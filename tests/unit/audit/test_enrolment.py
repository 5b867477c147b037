"""`vemre audit enrolment`: what an applicant was given opens what the registry logged, and nothing else does."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from applying import Applicant
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import RegistryUnderTest, roll_file, roll_line, write_logs
from simulator import Simulator

from audit.receipts.enrolment import check_enrolment
from vemre.cli.main import root
from vemre.crypto import canonical
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed
from vemre.records.enrolment import commitment


@pytest.fixture(scope="module")
def sim() -> Simulator:
    return Simulator().reach("keys")


@pytest.fixture(scope="module")
def files(sim: Simulator, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A folder with policy and record, and what an applicant was given."""
    folder = tmp_path_factory.mktemp("enrolment")
    registry = RegistryUnderTest(sim, folder)
    with registry.running():
        registry.import_roll(roll_file(roll_line(1), roll_line(2)))
        one = Applicant(registry, 1)
        one.reviewed("accept")
        openings = [found["opening"] for found in one.commitments()]
        registry.tell()
        write_logs(sim, folder / "record", ("registry",))
    (folder / "policy.json").write_bytes(canonical.encode(msgspec.to_builtins(sim.policy)))
    return folder, openings


def run(*words: object) -> tuple[int, Any]:
    result = CliRunner().invoke(root, ["--lang", "en", "audit", "enrolment", *map(str, words)])
    return result.exit_code, result.stdout


def test_own_enrolment(files: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, openings = files
    for number, (opening, kind) in enumerate(zip(openings, ("received", "accepted"), strict=True)):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(opening, indent=2))
        code, output = run("check", path, "--policy", folder / "policy.json", "--json")
        told = json.loads(output)
        assert (code, told["verdict"], told["change"]["kind"], told["index"]) == (0, "valid", kind, 2 + number)
        assert told["quorum"] == "pending"
        code, output = run("check", path, "--policy", folder / "policy.json")
        assert (code, "solicitante1@example.org" in output) == (0, True)


def test_totals(files: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, _ = files
    code, output = run("totals", folder / "record", "--policy", folder / "policy.json", "--json")
    assert (code, {kind: n for kind, n in json.loads(output).items() if n}) == (
        0,
        {"received": 1, "accepted": 1, "imported": 2},
    )


@pytest.mark.parametrize("member", ["salt", "entry", "receipt"])
def test_parts_of_another_change(files: tuple[Path, list[dict[str, Any]]], sim: Simulator, member: str) -> None:
    _, (first, second) = files
    with pytest.raises(CheckFailed) as caught:
        check_enrolment(json.dumps({**first, member: second[member]}).encode(), Anchors(sim.policy))
    assert caught.value.party == "registry"


@pytest.mark.parametrize("member", ["folio", "kind", "number", "time", "state", "election_id"])
def test_change_that_was_altered(files: tuple[Path, list[dict[str, Any]]], sim: Simulator, member: str) -> None:
    folder, (first, _) = files
    altered = {**first, "change": {**first["change"], member: "x"}}
    with pytest.raises(CheckFailed):
        check_enrolment(json.dumps(altered).encode(), Anchors(sim.policy))
    path = folder / "altered.json"
    path.write_text(json.dumps(altered))
    code, output = run("check", path, "--policy", folder / "policy.json", "--json")
    assert (code, json.loads(output)["verdict"]) == (1, "invalid")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(junk=st.binary(max_size=60), place=st.integers(0, 3000))
def test_junk_is_refused(files: tuple[Path, list[dict[str, Any]]], sim: Simulator, junk: bytes, place: int) -> None:
    whole = json.dumps(files[1][0]).encode()
    for data in (junk, whole[:place], whole[:place] + junk + whole[place:]):
        if data.split() == whole.split() or not junk.strip():
            continue
        try:
            check_enrolment(data, Anchors(sim.policy))
        except CheckFailed:
            continue
        assert json.loads(data) == json.loads(whole)


def test_vector_of_the_specification() -> None:
    page = (Path(__file__).parents[3] / "docs" / "spec" / "enrolment.md").read_text(encoding="utf-8")
    vector = page.partition("## Vectors")[2]
    change = json.loads(next(line for line in vector.splitlines() if line.strip().startswith("{")))
    assert commitment(bytes(range(32)), change).hex() in vector
