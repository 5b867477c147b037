"""`vemre bench pef-2024` at a tiny scale: the whole run, with all its processes, and the record that it makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCALE = "0.0003"
BALLOTS = 37
pytestmark = pytest.mark.slow

STAGES = [
    "close", "tally-input", "mixer/1", "take mixer/1", "mixer/2", "take mixer/2",
    "trustee/1", "trustee/2", "trustee/3", "take trustees", "count", "audit-verify",
]  # fmt: skip


def bench(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The installed command."""
    command = [sys.executable, "-m", "vemre.cli", "--lang", "en", "bench", "pef-2024", *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=900, check=False, env={**os.environ, **(env or {})}
    )


def measured(cache: Path, *more: object, env: dict[str, str] | None = None) -> tuple[dict[str, Any], str]:
    done = bench("--scale", SCALE, "--cache", cache, "--json", *more, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_every_stage_is_measured_and_the_record_verifies(tmp_path: Path) -> None:
    found, said = measured(tmp_path / "cache", "--keep", tmp_path / "kept")
    assert [stage["stage"] for stage in found["stages"]] == STAGES
    assert (found["ballots"], found["entities"], found["mixers"], found["trustees"]) == (BALLOTS, 32, 2, "3 of 5")
    # Two contests for each voter, and a third one in seven entities.
    assert found["batches"] == 71
    assert 2 * BALLOTS < found["rows"] < 3 * BALLOTS
    assert found["verdict"] == "valid"
    assert found["backend"] in {"native", "reference"}
    assert found["cores"] == os.cpu_count()
    assert all(stage["seconds"] > 0 for stage in found["stages"])
    assert sum(stage["seconds"] for stage in found["stages"]) <= found["total_seconds"]
    assert found["result_seconds"] < found["total_seconds"]
    assert found["peak_bytes"] >= max(found["peak_bytes_of"].values()) > 1 << 20
    mixers = [stage for stage in found["stages"] if stage["stage"].startswith("mixer/")]
    assert all({"verify", "shuffle", "prove"} <= set(stage["parts"]) for stage in mixers)
    assert f"{BALLOTS} ballots" in said
    assert (tmp_path / "kept" / "record" / "tally" / "checkpoint").is_file()
    # The cache serves the next run: it is whole, and has nothing that this run made.
    (made,) = (tmp_path / "cache").iterdir()
    assert json.loads((made / "made.json").read_text())["ballots"] == BALLOTS
    entries = [path.name for path in (made / "record" / "ballot" / "tile" / "entries").iterdir()]
    assert entries == ["000.p"]
    assert [path.name for path in (made / "record/ballot/tile/entries/000.p").iterdir()] == [str(BALLOTS + 1)]


def test_without_the_kernel_it_says_so_and_works(tmp_path: Path) -> None:
    # Every process of the run finds no kernel.
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text("import sys\nsys.modules['vemre_native'] = None\n")
    found, said = measured(tmp_path / "cache", env={"PYTHONPATH": str(blocked)})
    assert found["backend"] == "reference"
    assert "Without the native kernel" in said


def test_a_folder_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    done = bench("--scale", SCALE, "--keep", tmp_path)
    assert done.returncode == 1
    assert not done.stdout


def test_a_run_that_fails_is_no_measurement(tmp_path: Path) -> None:
    # A cache that cannot be made: a file stands in its place.
    (tmp_path / "pef-2024-37").write_text("")
    done = bench("--scale", SCALE, "--cache", tmp_path, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did not come to its end" in done.stderr


@pytest.mark.parametrize("scale", ["0", "-1", "much"])
def test_a_scale_that_is_none_is_refused(scale: str) -> None:
    done = bench("--scale", scale)
    assert done.returncode == 2
    assert not done.stdout
