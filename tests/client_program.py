"""The voter's client in TypeScript as a program: whether it can run here, its own tests, and what it makes and says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

FOLDER: Final = Path(__file__).resolve().parents[1] / "ballot" / "client"
OLDEST: Final = (20, 19)


def why_not() -> str | None:
    """Why it cannot run, or None."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return "Node 20.19 or newer and npm are not installed"
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.", version)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return f"Node is {version.strip() or 'unknown'}, 20.19 is needed"
    if not (FOLDER / "node_modules").is_dir():
        return "its libraries are not installed: make client installs them, and says what is in the way"
    return None


def run(*script: str) -> subprocess.CompletedProcess[str]:
    """One of its npm scripts, such as ``test``."""
    return subprocess.run(
        ["npm", "run", "--silent", *script], cwd=FOLDER, capture_output=True, text=True, check=False, timeout=300
    )


class Client:
    """The program, as one process that is asked one thing after another."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            ["node", str(FOLDER / "node_modules" / ".vemre" / "test" / "driver.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            self._process.kill()

    def ask(self, act: str, **request: str) -> dict[str, Any]:
        """Its whole answer: ``{"good": ...}``, ``{"failed": check}``, ``{"refused": code}``; never ``broken``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"act": act, **request}) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        assert "broken" not in answer, answer
        return answer

    def good(self, act: str, **request: str) -> dict[str, Any]:
        """What it gives where nothing is wrong."""
        answer = self.ask(act, **request)
        assert "good" in answer, answer
        good: dict[str, Any] = answer["good"]
        return good
