"""Other people's programs judge ours: these tests run where Go and its modules are at hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import go_programs
from disk_log import DiskLog

REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.slow)
        # The first build on a machine compiles a whole SQLite in Go.
        item.add_marker(pytest.mark.timeout(1800))
    if REQUIRE_ALL or not here or go_programs.why_not() is None:
        return
    config.hook.pytest_deselected(items=here)
    items[:] = [item for item in items if item not in here]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    if (reason := go_programs.why_not()) is not None:
        print(f"NOT RUN: foreign witnesses and verifiers ({reason})")


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config) -> Path:
    """The folder of the built programs; building them anew costs seconds once Go has its caches."""
    return go_programs.build(Path(pytestconfig.cache.mkdir("foreign-go")))


@pytest.fixture
def disk_log(tmp_path: Path) -> Callable[..., DiskLog]:
    """Gives logs on disk: of one key and origin unless told otherwise."""

    def make(
        count: int, name: str = "log", *, origin: str = "vemre.example/log", key: int = 1, text: str = "e"
    ) -> DiskLog:
        return DiskLog.write(
            tmp_path / f"{name}-{count}", origin, key, [f"{text} {n}\n".encode() for n in range(count)]
        )

    return make
