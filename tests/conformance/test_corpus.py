"""The corpus holds: both verifiers find what each case says, and its files are what the generator writes."""

from __future__ import annotations

import filecmp
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import run
import second_verifier

from audit.verify.folder import RecordFolder
from audit.verify.verifier import verify_record
from vemre.checks import Check
from vemre.election.rules.view import Anchors
from vemre.group import load
from vemre.records.policy import parse_policy

HERE = Path(__file__).parent
CASES = run.read_cases()
PYTHON = [str(Path(sys.executable).with_name("vemre")), "audit", "verify"]
NODE = ["node", str(second_verifier.COMMAND)]
STAYING = {"python": [sys.executable, str(HERE / "batch.py")], "typescript": second_verifier.STAYING}
"""Both verifiers as processes that stay and are asked about many records; a process for each would take minutes."""
SAMPLE = random.Random("sample").sample(CASES, 8)


def test_every_check_has_a_broken_record() -> None:
    assert len(CASES) > 300
    assert {case.check for case in CASES} == {None, *(check.value for check in Check if check is not Check.PARAMS)}


def test_every_case_says_what_it_is() -> None:
    roles = ("authority", "registry", "ballot-box", "tally", "trustee/", "mixer/", "auditor/")
    for case in CASES:
        assert case.name.rpartition("-")[0] == (case.check or "VALID")
        assert case.about.endswith(".")
        assert (case.check is None) <= (case.party is None)
        assert case.party is None or case.party.startswith(roles)
    assert len({case.about for case in CASES}) == len(CASES)


@pytest.mark.parametrize("initial", sorted({case.name.split("-")[0] for case in CASES}))
def test_the_verifier_finds_it(initial: str) -> None:
    """In this process, with the arithmetic that was chosen."""
    wrong = {}
    for case in CASES:
        if case.name.split("-")[0] != initial:
            continue
        anchors = Anchors(parse_policy(case.policy.read_bytes()))
        report = verify_record(RecordFolder(case.record), anchors, load(), os.urandom)
        if found := run.differences(case, 0 if report.valid else 1, report.as_json()):
            wrong[case.name] = found
    assert wrong == {}


@pytest.mark.parametrize("command", [PYTHON, NODE], ids=["python", "typescript"])
@pytest.mark.parametrize("case", SAMPLE, ids=[case.name for case in SAMPLE])
def test_the_commands_find_it(command: list[str], case: run.Case) -> None:
    assert run.run(command, case) == []


@pytest.mark.slow
@pytest.mark.parametrize("verifier", STAYING)
def test_the_runner_finds_every_case_as_expected(verifier: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One job, for other tests run beside this one."""
    assert run.main(["--quiet", "--jobs", "1", "--lines", *STAYING[verifier]]) == 0
    assert capfd.readouterr().out == f"{len(CASES)} of {len(CASES)} cases as expected\n"


@pytest.mark.slow
@pytest.mark.parametrize("command", [PYTHON, NODE], ids=["python", "typescript"])
def test_the_runner_starts_the_command_for_each_case(command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Every stage of a record that is valid: the cases with the most work."""
    valid = sum(case.check is None for case in CASES)
    assert run.main(["--quiet", "--jobs", "2", "--only", "VALID-", *command]) == 0
    assert capfd.readouterr().out == f"{valid} of {valid} cases as expected\n"


def test_the_runner_says_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A verifier that finds everything valid, one that says nothing, one that is not there."""
    blind = tmp_path / "blind.py"
    report = {"verdict": "valid", "first_failure": None, "checks": []}
    blind.write_text(f"print({json.dumps(report)!r})")
    assert run.main(["--only", "DRILL-01", sys.executable, str(blind)]) == 1
    said = capsys.readouterr().out
    assert "FAIL  DRILL-01" in said
    assert "exit code: 0, expected 1" in said
    assert "verdict: 'valid', expected 'invalid'" in said
    assert "party: None, expected" in said
    assert said.endswith("0 of 1 cases as expected\n")
    assert run.main(["--only", "VALID-01", "--quiet", sys.executable, str(blind)]) == 0
    assert capsys.readouterr().out == "1 of 1 cases as expected\n"
    assert run.main(["--only", "VALID-01", "true"]) == 1
    assert "no JSON" in capsys.readouterr().out
    assert run.main(["--only", "VALID-01", str(tmp_path / "nothing")]) == 2
    assert run.main(["--only", "NO-SUCH-CASE", "true"]) == 2


def test_the_runner_says_what_a_verifier_that_stays_has_otherwise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that finds everything valid, one that answers no JSON, one that ends, one that is not there."""
    report = json.dumps({"verdict": "valid", "first_failure": None, "checks": []})
    blind = tmp_path / "blind.py"
    answer = json.dumps({"code": 0, "output": report})
    blind.write_text(f"import sys\nfor _ in sys.stdin: print({answer!r}, flush=True)")
    assert run.main(["--only", "DRILL-0", "--lines", sys.executable, str(blind)]) == 1
    said = capsys.readouterr().out
    assert "FAIL  DRILL-01" in said
    assert "exit code: 0, expected 1" in said
    assert ", expected 'invalid'" in said
    assert run.main(["--only", "VALID-0", "--quiet", "--lines", sys.executable, str(blind)]) == 0
    capsys.readouterr()
    for others in (["cat"], ["true"]):
        assert run.main(["--only", "VALID-01", "--lines", *others]) == 1
        assert "no answer" in capsys.readouterr().out
    assert run.main(["--only", "VALID-01", "--lines", str(tmp_path / "nothing")]) == 2


def test_the_runner_stands_alone(tmp_path: Path) -> None:
    """It needs the standard library and its cases, nothing of this repository."""
    copy = tmp_path / "run.py"
    copy.write_bytes((HERE / "run.py").read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", "-S", copy, "--cases", HERE / "cases", "--only", "VALID-01", *PYTHON],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 of 1 cases as expected"), done.stderr


@pytest.mark.slow
def test_the_generator_writes_the_same_bytes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, HERE / "generate.py", tmp_path / "cases"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "written\n"), done.stdout + done.stderr
    assert differing(filecmp.dircmp(HERE / "cases", tmp_path / "cases")) == []


def differing(pair: filecmp.dircmp[str]) -> list[str]:
    """Every file that is not there, or not the same, on both sides."""
    _, unlike, unreadable = filecmp.cmpfiles(pair.left, pair.right, pair.common_files, shallow=False)
    names = [f"{pair.left}/{name}" for name in (*pair.left_only, *pair.right_only, *unlike, *unreadable)]
    return names + [name for inner in pair.subdirs.values() for name in differing(inner)]
