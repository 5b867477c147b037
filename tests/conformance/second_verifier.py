"""The second verifier as a program: whether it can run here, and what it says of a record."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FOLDER = Path(__file__).resolve().parents[2] / "audit" / "verifier-ts"
COMMAND = FOLDER / "bin" / "verify.mjs"
STAYING = ["node", str(Path(__file__).with_name("batch.mjs")), str(FOLDER / "dist" / "cli.mjs")]
"""The command as one process that is asked about many records by lines."""
OLDEST = (20, 19)


def why_not() -> str | None:
    """Why it cannot run, or None."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "Node 20.19 or newer and npm are not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", version)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return f"Node is {version.strip() or 'unknown'}, 20.19 is needed"
    if not (FOLDER / "dist").is_dir():
        return "it is not built: make verifier-ts builds it, and says what is in the way"
    return None


def verdict(record: Path, policy: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    run = subprocess.run(
        ["node", str(COMMAND), str(record), "--policy", str(policy), "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return run.returncode, json.loads(run.stdout)


class Batch:
    """The command as one process that is asked about many records, one after another."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(STAYING, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            self._process.kill()

    def verdict(self, record: Path, policy: Path) -> tuple[int, dict[str, Any] | None]:
        """Exit code, and the report where there is one."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"record": str(record), "policy": str(policy)}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return answer["code"], json.loads(answer["output"]) if answer["output"] else None
