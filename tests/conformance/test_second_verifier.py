"""Two verifiers, two languages, no code in common: they must say the same of every record."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import msgspec
import pytest
import second_verifier
import simulator
from forge import Forgery
from test_every_check import CASES, Change, verdict

from vemre.checks import Check

GOLDEN = Path(__file__).parents[1] / "vectors" / "golden"


@pytest.fixture(scope="module")
def election() -> simulator.Simulator:
    return simulator.Simulator(min_batch=3).reach("certified")


@pytest.fixture(scope="module")
def record(election: simulator.Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("election")
    (folder / "policy.json").write_bytes(msgspec.json.encode(election.view.anchors.policy))
    return election.write(folder / "record")


@pytest.mark.slow
def test_its_own_tests_pass() -> None:
    run = subprocess.run(
        ["npm", "test"], cwd=second_verifier.FOLDER, capture_output=True, text=True, check=False, timeout=900
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert "# fail 0" in run.stdout


def test_the_golden_record() -> None:
    code, report = second_verifier.verdict(GOLDEN / "record", GOLDEN / "policy.json")
    expected = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
    assert (code, report["verdict"], report["certified"]) == (0, "valid", expected["certified"])
    assert report["result"] == expected["batches"]


def test_a_good_record_gives_the_same_report(election: simulator.Simulator, record: Path) -> None:
    code, report = second_verifier.verdict(record, record.parent / "policy.json")
    assert code == 0
    assert report == verdict(election, record).as_json()


@pytest.mark.slow
@pytest.mark.parametrize(("check", "party", "change"), CASES, ids=[f"{c}-{i}" for i, (c, _, _) in enumerate(CASES)])
def test_both_refuse_for_the_same_reason(
    second: second_verifier.Batch,
    election: simulator.Simulator,
    record: Path,
    tmp_path: Path,
    check: Check,
    party: str,
    change: Change,
) -> None:
    forgery = Forgery.open(record, election.forge_keys())
    change(forgery)
    code, report = second.verdict(forgery.write(tmp_path / "forged"), record.parent / "policy.json")
    failed = [found for found in report["checks"] if found["status"] == "failed"]
    assert (code, report["verdict"], report["first_failure"]) == (1, "invalid", check.value)
    assert [(found["id"], found["party"]) for found in failed] == [(check.value, party)]
