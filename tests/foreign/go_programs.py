"""The Go programs: our own two (`go/`), and two foreign witnesses at pinned versions (`go/go.mod`)."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "go"
OLDEST = (1, 25)
OWN = ("./checklog", "./feed")
WITNESSES = ("github.com/transparency-dev/witness/cmd/omniwitness", "filippo.io/torchwood/cmd/litewitness")
PATIENCE = 60.0


@cache
def why_not() -> str | None:
    """Why they cannot be built, or None. Fetches the modules where they are not at hand."""
    if shutil.which("go") is None:
        return "needs Go 1.25 or newer, from go.dev/dl; Debian's is older"
    version = subprocess.run(["go", "env", "GOVERSION"], cwd=FOLDER, capture_output=True, text=True, check=False)
    found = re.match(r"go(\d+)\.(\d+)", version.stdout)
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        return f"needs Go 1.25 or newer, found {(version.stdout or version.stderr).strip()[:80] or 'none'}"
    listed = subprocess.run(
        ["go", "list", "-deps", *OWN, *WITNESSES], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        lines = listed.stderr.strip().splitlines()
        return f"Go's modules are not at hand and cannot be fetched: {lines[-1][:160] if lines else 'no reason given'}"
    return None


def build(folder: Path) -> Path:
    """Build all of them into a folder."""
    if (reason := why_not()) is not None:
        raise AssertionError(f"the foreign programs cannot be built: {reason}")
    run = subprocess.run(
        ["go", "build", "-o", f"{folder}/", *OWN, *WITNESSES],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-4000:]
    return folder


def check_log(programs: Path, **job: Any) -> tuple[dict[str, Any] | None, str]:
    """What `checklog` finds, or None and the reason, the last line that it says, where something does not verify."""
    run = subprocess.run(
        [programs / "checklog"], input=json.dumps(job), capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode in (0, 1), run.stderr
    return (json.loads(run.stdout), "") if run.returncode == 0 else (None, run.stderr.strip().splitlines()[-1])


def feed(programs: Path, *arguments: object) -> dict[str, Any]:
    """What `feed` did."""
    run = subprocess.run(
        [programs / "feed", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stderr
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def free_port() -> int:
    """A port that was free a moment ago, for programs that cannot choose one themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[object], port: int, output: Path, **options: Any) -> Iterator[str]:
    """A program that listens on a port, as its address; stopped at the end. `output` is where it writes."""
    with open(output, "wb") as file:
        process = subprocess.Popen([str(word) for word in command], stdout=file, stderr=file, **options)
    try:
        wait_for(lambda: process.poll() is not None or _listens(port))
        assert process.poll() is None, output.read_text(errors="replace")[-4000:]
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
