"""Practice receipts, made in the page's own ballot box, before the auditors' command and the rules."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import client_program
import msgspec
import pytest
from click.testing import CliRunner
from client_program import Client
from practice_election import document, view_under
from simulator import Simulator

from vemre.cli.main import root
from vemre.election.rules import engine
from vemre.records.policy import parse_policy
from vemre.records.record import parse


def audit(receipt: Path, policy: Path) -> tuple[int, Any]:
    result = CliRunner().invoke(root, ["audit", "receipt", str(receipt), "--policy", str(policy), "--json"])
    assert isinstance(result.exception, SystemExit | None), result.exception
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture(scope="module")
def made(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the practice box gave to a voter, as files."""
    out = tmp_path_factory.mktemp("practice")
    program = client_program.FOLDER / "node_modules" / ".vemre" / "test" / "practice.test.js"
    run = subprocess.run(
        ["node", "--test", str(program)],
        env={**os.environ, "VEMRE_PRACTICE_OUT": str(out)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return out


def test_the_auditors_command_takes_a_practice_receipt_under_the_practice_policy(made: Path) -> None:
    code, told = audit(made / "practice.tlog-proof", made / "practice-policy.json")
    assert (code, told["verdict"], told["quorum"], told["index"], told["size"]) == (0, "valid", "reached", 1, 2)
    assert told["auditors"] == ["auditor/1", "auditor/2"]
    assert told["log"].startswith("practica.vemre.invalid/")
    code, told = audit(made / "pending.tlog-proof", made / "practice-policy.json")
    assert (code, told["quorum"], told["missing"]) == (0, "pending", ["auditor/1", "auditor/2"])


def test_a_real_policy_refuses_a_practice_receipt(made: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_bytes(msgspec.json.encode(Simulator().policy))
    for name in ("practice.tlog-proof", "pending.tlog-proof"):
        assert audit(made / name, policy) == (1, {"verdict": "invalid", "reason": "check-note"})


def test_the_practice_ballot_satisfies_every_rule(made: Path) -> None:
    view = view_under(parse_policy((made / "practice-policy.json").read_bytes()))
    engine.admit(view, "ballot", parse((made / "entry.json").read_bytes()))
    assert view.ballots_by_urn() == {document()["voter"]["urn"]: 1}
