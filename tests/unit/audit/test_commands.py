"""An auditor's keys, and the command that makes them."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit import keys
from vemre.cli.main import root
from vemre.errors import KeyFileError, Refused
from vemre.records.policy import AuditorAnchor, LogAnchors, Policy


def run(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(root, ["--lang", "en", "audit", *map(str, arguments)])
    assert isinstance(result.exception, SystemExit | None)
    return result.exit_code, result.stdout, result.stderr


def init(folder: Path) -> tuple[int, str, str]:
    return run(
        "init", "--data", folder, "--number", 2, "--name", "Two", "--witness", "two.example/w", "--insecure", "--json"
    )


def test_init_prints_what_manifest_and_policy_need(tmp_path: Path) -> None:
    code, out, err = init(tmp_path)
    public = json.loads(out)
    assert code == 0
    assert set(public) == {"role", "name", "sign", "witness"}
    assert (public["role"], public["name"]) == ("auditor/2", "Two")
    assert public["witness"][0].startswith("two.example/w+")
    assert "unprotected" in err.lower() or "protect" in err.lower()
    assert init(tmp_path)[0] == 2


def test_keys_are_kept_encrypted_and_come_back(tmp_path: Path) -> None:
    made = keys.create(
        tmp_path / "a", "auditor/1", "Auditoría Uno", "one.example/w", b"phrase", os.urandom, insecure=False
    )
    path = tmp_path / "a" / keys.KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.sign.seed().hex() not in path.read_text()
    found = keys.load(tmp_path / "a", b"phrase", allow_insecure=False)
    assert found.public() == made.public()
    assert found.sign.seed() == made.sign.seed()
    assert found.witness.vkey == made.witness.vkey
    with pytest.raises(KeyFileError):
        keys.load(tmp_path / "a", b"other", allow_insecure=False)
    with pytest.raises(KeyFileError):
        keys.create(tmp_path / "a", "auditor/1", "x", "one.example/w", b"phrase", os.urandom, insecure=False)
    with pytest.raises(Refused, match="witness-name-unusable"):
        keys.create(tmp_path / "b", "auditor/1", "x", "no name", b"phrase", os.urandom, insecure=False)


def test_a_spare_witness_counts_for_its_auditor_and_gives_no_opinions(tmp_path: Path) -> None:
    first, spare, other = (
        keys.create(tmp_path / name, "auditor/1", "One", f"one.example/{name}", b"", os.urandom, insecure=True)
        for name in ("first", "spare", "other")
    )
    anchor = AuditorAnchor(first.sign.public.hex(), [str(first.witness.vkey), str(spare.witness.vkey)])
    policy = Policy(LogAnchors("r", "b", "t"), {"auditor/1": anchor}, "00" * 32, 2)
    assert first.role_in(policy) == first.witness_role_in(policy) == spare.witness_role_in(policy) == "auditor/1"
    for refused in (lambda: spare.role_in(policy), lambda: other.witness_role_in(policy)):
        with pytest.raises(Refused, match="auditor-not-in-policy"):
            refused()
