"""The voter's pages as `make client` builds them.

A test that takes the fixture `pages`, directly or through another one, needs Node. Where it cannot run such tests are
left out and a line of the summary says so; with `VEMRE_REQUIRE_ALL=1` they fail instead.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

import client_program
import pytest

REQUIRE_ALL: Final = os.environ.get("VEMRE_REQUIRE_ALL") == "1"
FOLDER: Final = client_program.FOLDER
_FIXTURE: Final = "pages"


def built() -> Path:
    """The pages, built from the sources as they are; whoever builds them already is waited for."""
    with (FOLDER / "node_modules" / ".vemre-build").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sources = [*FOLDER.glob("*.html"), FOLDER / "build.mjs", FOLDER / "package-lock.json"]
        folders = [FOLDER / "src", FOLDER / "practice"]
        newest = max(path.stat().st_mtime for path in [*sources, *(path for one in folders for path in one.rglob("*"))])
        page = FOLDER / "dist" / "index.html"
        if not page.is_file() or page.stat().st_mtime < newest:
            run = client_program.run("build")
            assert run.returncode == 0, run.stdout + run.stderr
    return FOLDER / "dist"


@pytest.fixture(scope="session")
def pages() -> Path:
    """The folder of the build."""
    if (reason := client_program.why_not()) is not None:
        pytest.fail(f"tests of the voter's pages cannot run: {reason}")
    return built()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    here = [item for item in items if _FIXTURE in getattr(item, "fixturenames", ())]
    if REQUIRE_ALL or not here or client_program.why_not() is None:
        return
    config.hook.pytest_deselected(items=here)
    items[:] = [item for item in items if item not in here]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    if (reason := client_program.why_not()) is not None:
        print(f"NOT RUN: the voter's pages ({reason})")
