"""Reverse proxies are programs of others: their tests run where these are at hand."""

from __future__ import annotations

import os
import shutil

import pytest

REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"
PROGRAMS = ("nginx", "caddy")


def why_not(program: str) -> str | None:
    """Why a proxy cannot be run, or None."""
    # Debian puts servers where a user's PATH need not lead.
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    return None if shutil.which(program, path=path) else f"no {program}: apt-get install {program}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    missing = [f"[{program}" for program in PROGRAMS if not REQUIRE_ALL and why_not(program)]
    gone = [item for item in items if "tests/proxy" in item.path.as_posix() and any(m in item.name for m in missing)]
    config.hook.pytest_deselected(items=gone)
    items[:] = [item for item in items if item not in gone]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    for program in PROGRAMS:
        if (reason := why_not(program)) is not None:
            print(f"NOT RUN: the reverse proxy {program} ({reason})")
