"""What whole elections share: the demonstration that is run once, and tests that take the network away."""

from __future__ import annotations

import os

import offline
import pytest
from demo_run import demo

REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"

__all__ = ["demo"]


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of tests whose processes have no network."""
    config.addinivalue_line("markers", "offline: runs processes in a namespace without network")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    if REQUIRE_ALL or offline.why_not() is None:
        return
    missing = [item for item in items if item.get_closest_marker("offline")]
    config.hook.pytest_deselected(items=missing)
    items[:] = [item for item in items if item not in missing]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    if (reason := offline.why_not()) is not None:
        print(f"NOT RUN: ceremonies without network ({reason})")
