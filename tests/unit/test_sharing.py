"""The workers share the tests as it is meant to be: whole modules, groups together, the longest first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sharing

ROOT = Path(__file__).parents[2]


def test_everything_named_is_there() -> None:
    assert sharing.missing(ROOT) == []


def test_a_module_stays_together_and_some_modules_do() -> None:
    one, other = "tests/unit/log/test_tiles.py::test_paths[a::b]", "tests/unit/log/test_tiles.py::test_widths"
    assert sharing.together(one) == sharing.together(other) == "tests/unit/log/test_tiles.py"
    assert sharing.together("tests/foreign/test_foreign_feeder.py::t") == sharing.together("tests/foreign/test_x.py::t")
    assert sharing.together("tests/e2e/test_demo.py::t") == sharing.together("tests/e2e/test_altered_records.py::t")
    assert sharing.together("tests/e2e/test_https.py::t") == "tests/e2e/test_https.py"


def test_what_takes_longest_begins_first() -> None:
    ids = [
        "tests/unit/log/test_tiles.py::t",
        "tests/e2e/test_https.py::t",
        "tests/unit/registry/pages/test_browser.py::t",
    ]
    assert sorted(ids, key=sharing.place) == ids[::-1]


@pytest.mark.slow
def test_workers_keep_to_it(tmp_path: Path) -> None:
    """Two real workers: each module is seen by one of them only, whatever else would be the way of pytest-xdist."""
    for name in ("a", "b", "c"):
        (tmp_path / f"test_{name}.py").write_text(
            "import pytest\n@pytest.mark.parametrize('k', range(6))\n"
            f"def test_it(k, worker_id):\n    open({str(tmp_path / 'seen')!r}, 'a').write(f'{name} {{worker_id}}\\n')\n"
        )
    words = ["-q", "-n", "2", "--dist", "load", "-p", "sharing", "-p", "no:cacheprovider", "-c", "/dev/null"]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, f"--rootdir={tmp_path}", str(tmp_path)],
        capture_output=True, text=True, check=False, env={**outside, "PYTHONPATH": str(ROOT / "tests")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    seen = (tmp_path / "seen").read_text().splitlines()
    assert len(seen) == 18
    assert len(set(seen)) == 3
    assert len({line.split()[1] for line in seen}) == 2
