"""The golden record, which another implementation of the specification wrote, verifies with its result."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from vemre.checks import Check
from vemre.cli.main import root

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden"


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["--lang", "en", "audit", "verify", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stdout, result.stderr


def test_golden_record_is_accepted_with_its_result() -> None:
    code, out, _ = run(GOLDEN / "record", "--policy", GOLDEN / "policy.json", "--json")
    report = json.loads(out)
    expected = json.loads((GOLDEN / "expected.json").read_text())
    assert code == 0
    assert report["verdict"] == "valid"
    assert report["stage"] == "certified"
    assert report["first_failure"] is None
    assert report["result"] == expected["batches"]
    assert report["certified"] is expected["certified"] is True
    assert [line["id"] for line in report["checks"]] == [check.value for check in Check]
    assert {line["status"] for line in report["checks"]} <= {"passed", "not applicable"}
    assert set(report) == {"verdict", "stage", "first_failure", "checks", "result", "certified"}


def test_words_show_checks_results_and_verdict() -> None:
    code, out, _ = run(GOLDEN / "record", "--policy", GOLDEN / "policy.json")
    assert code == 0
    assert "VALID AND CERTIFIED" in out
    assert "Benito Juárez" in out
    assert "DECRYPT-PROOF" in out
    assert "PRELIMINARY" not in out


def test_damage_is_exit_code_1_with_place_and_party(tmp_path: Path) -> None:
    record = shutil.copytree(GOLDEN / "record", tmp_path / "record")
    path = record / "ballot" / "tile" / "entries" / "000.p" / "12"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, out, _ = run(record, "--policy", GOLDEN / "policy.json", "--json")
    report = json.loads(out)
    assert code == 1
    assert (report["verdict"], report["first_failure"], report["result"]) == ("invalid", "LOG", [])
    assert not report["certified"]
    failed = [line for line in report["checks"] if line["status"] == "failed"]
    assert failed == [{"id": "LOG", "status": "failed", "where": "ballot/tile/entries/000.p/12", "party": "ballot-box"}]
    code, out, _ = run(record, "--policy", GOLDEN / "policy.json")
    assert code == 1
    assert "INVALID [LOG]" in out
    assert "ballot/tile/entries/000.p/12" in out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.json", None),
        ("empty.json", b""),
        ("text.json", b"no"),
        ("deep.json", b"[" * 100_000),
        ("nan.json", b"NaN"),
        ("quorum.json", b'"quorum":9'),
        ("vkey.json", b"+"),
        ("binary.json", b"\xff\xfe\x00"),
    ],
)
def test_unusable_policy_is_exit_code_2(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    good = (GOLDEN / "policy.json").read_bytes()
    if name == "quorum.json":
        content = good.replace(b'"quorum": 2', b'"quorum": 9').replace(b'"quorum":2', b'"quorum":9')
        assert content != good
    if name == "vkey.json":
        content = good.replace(b"+", b"-")
    if content is not None:
        path.write_bytes(content)
    code, out, err = run(GOLDEN / "record", "--policy", path, "--json")
    assert code == 2
    assert out == ""
    assert "Traceback" not in err


def test_wrong_arguments_and_no_record_are_exit_code_2(tmp_path: Path) -> None:
    policy = GOLDEN / "policy.json"
    assert run(tmp_path / "nothing", "--policy", policy)[0] == 2
    assert run(policy, "--policy", policy)[0] == 2
    assert run(GOLDEN / "record")[0] == 2
    assert run(GOLDEN / "record", "--policy", policy, "--backend", "other")[0] == 2
    assert run(GOLDEN / "record", "--policy", GOLDEN)[0] == 2


def test_empty_folder_is_no_valid_record(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "--policy", GOLDEN / "policy.json", "--json")
    assert code == 1
    assert json.loads(out)["stage"] == "empty"
