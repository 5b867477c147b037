"""The measurements of intake and sign-in at a small scale: the numbers are those of receipts that verify."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = "from vemre.cli.main import main; main()"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the ballots stay for the next measurement."""
    return tmp_path_factory.mktemp("bench") / "cache"


def bench(cache: Path, tmp_path: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-c", PROGRAM, "bench", *words, "--cache", str(cache), "--dir", str(tmp_path), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_intake_ends_where_the_ballots_run_out(cache: Path, tmp_path: Path) -> None:
    found = bench(cache, tmp_path, "intake", "--seconds", "60", "--ballots", "132")
    assert (found["accepted"], found["ran_out"], found["lost"]) == (100, True, 0)
    assert found["accepted_per_second"] > 0
    assert 0 < found["p50_ms"] <= found["p99_ms"] <= found["max_ms"]


def test_intake_at_a_rate_with_two_instances(cache: Path, tmp_path: Path, postgres_url: str) -> None:
    found = bench(
        cache, tmp_path, "intake", "--seconds", "2", "--rate", "20", "--database", postgres_url, "--instances", "2"
    )
    assert (found["accepted"], found["lost"]) == (40, 0)
    assert found["database"] == "postgresql"


def test_several_instances_need_postgresql(cache: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, "bench", "intake", "--instances", "2", "--cache", str(cache)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode
    assert "bench-one-instance" in done.stderr


def test_sign_in(cache: Path, tmp_path: Path) -> None:
    found = bench(cache, tmp_path, "sign-in", "--seconds", "4", "--sign-ins", "5", "--casts", "2")
    assert found["failed"] == 0
    assert found["sign_ins"]["succeeded"] == 20
    assert 0 < found["casts"]["succeeded"] == found["receipts_verified"]
