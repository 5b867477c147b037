"""`vemre bench growth` at tiny sizes: real records, the real command from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vemre.bench import growth

pytestmark = pytest.mark.slow


def test_the_cost_of_a_ballot_is_measured_at_each_size(tmp_path: Path) -> None:
    words = ["bench", "growth", "--ballots", "4", "--ballots", "8", "--rounds", "1", "--cache", str(tmp_path), "--json"]
    done = subprocess.run([sys.executable, "-m", "vemre.cli", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert [row["ballots"] for row in found["sizes"]] == [4, 8]
    assert found["start_s"] > 0
    assert found["cores"] == os.cpu_count()
    assert found["backend"] in {"native", "reference"}
    for row in found["sizes"]:
        assert row["ballot_s"] == pytest.approx((row["verify_s"] - found["start_s"]) / (row["ballots"] - growth.FEWEST))
    # The records are kept.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "4", "8"]


def test_the_spread_is_of_the_greatest_over_the_least() -> None:
    assert growth._spread([2.0, 3.0, 2.5]) == pytest.approx(0.5)
    assert growth._spread([1.0]) == 0
