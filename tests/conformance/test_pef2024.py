"""The record of the election of 2024 that `vemre bench pef-2024` makes, under both verifiers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import second_verifier

pytestmark = pytest.mark.slow


def test_both_verifiers_find_the_same_result(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    vemre = [sys.executable, "-m", "vemre.cli"]
    words = ["bench", "pef-2024", "--scale", "0.0003", "--keep", str(kept), "--json"]
    rows = json.loads(subprocess.run([*vemre, *words], capture_output=True, check=True).stdout)["rows"]
    words = ["audit", "verify", str(kept / "record"), "--policy", str(kept / "policy.json"), "--json"]
    report = json.loads(subprocess.run([*vemre, *words], capture_output=True, check=True).stdout)
    assert (report["verdict"], report["stage"]) == ("valid", "result")
    assert sum(batch["rows"] for batch in report["result"]) == rows
    code, other = second_verifier.verdict(kept / "record", kept / "policy.json")
    assert (code, other["verdict"], other["result"]) == (0, "valid", report["result"])
