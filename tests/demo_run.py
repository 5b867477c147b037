"""One demonstration for all tests of a run: it takes a while, and nobody changes what it leaves."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from forge import Keys

from audit.verify.folder import RecordFolder
from audit.verify.report import Report
from audit.verify.verifier import verify_record
from vemre import group
from vemre.cli.main import root
from vemre.election.rules.view import Anchors
from vemre.records.policy import parse_policy

SEED = "a seed"
VOTERS = 12
ENTITIES = 2


@dataclass(frozen=True)
class Demo:
    """What a demonstration left: its folder, and what it printed."""

    folder: Path
    output: str

    @property
    def record(self) -> Path:
        return self.folder / "record"

    @property
    def policy(self) -> Path:
        return self.folder / "policy.json"

    @property
    def report(self) -> Any:
        """What `vemre audit verify --json` said at the end."""
        return json.loads((self.folder / "report.json").read_text())

    @property
    def keys(self) -> Keys:
        return Keys.read(self.folder / "keys" / "keys.json")

    def verify(self, record: Path) -> Report:
        """Verify a record of this election, in this process."""
        anchors = Anchors(parse_policy(self.policy.read_bytes()))
        return verify_record(RecordFolder(record), anchors, group.load(), os.urandom)


def vemre(*arguments: object, timeout: float = 500) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "vemre.cli", "--lang", "en", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def run_demo(folder: Path) -> Demo:
    """A small demonstration, led by this process so that its coverage is seen."""
    size = ("--voters", str(VOTERS), "--entities", str(ENTITIES))
    done = CliRunner().invoke(root, ["--lang", "en", "demo", *size, "--seed", SEED, "--no-serve", "--out", str(folder)])
    assert done.exit_code == 0, done.output
    (folder / "output.txt").write_text(done.output)
    return Demo(folder, done.output)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Demo:
    """The demonstration of this run; workers of pytest-xdist share one."""
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    folder = shared / "demo"
    with open(shared / "demo.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "output.txt").exists():
            return Demo(folder, (folder / "output.txt").read_text())
        return run_demo(folder)
