"""The second verifier as a program: whether it can run here, and what it says of a record."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "audit" / "verifier-ts"
COMMAND = FOLDER / "bin" / "verify.mjs"
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
