"""The second verifier is another language's: its tests run where that language is at hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "rules"))

import second_verifier

REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"


@pytest.fixture(scope="module")
def second() -> Iterator[second_verifier.Batch]:
    """The second verifier, ready to be asked about many records."""
    with second_verifier.Batch() as verifier:
        yield verifier


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    if REQUIRE_ALL or not here or second_verifier.why_not() is None:
        return
    config.hook.pytest_deselected(items=here)
    items[:] = [item for item in items if item not in here]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    if (reason := second_verifier.why_not()) is not None:
        print(f"NOT RUN: the second verifier ({reason})")
