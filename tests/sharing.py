"""How the workers of pytest-xdist share the tests: a module stays on one of them, and what takes longest begins first.

A module's own fixtures (an election, a served page, a browser) are then made once, whatever the number of workers, and
no worker is left alone with a long module at the end. Groups of pytest-xdist itself are not used: it writes them into
the ids of the tests, which pytest no longer lets it change.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadScopeScheduling

TOGETHER: Final = {
    # All look at the one demonstration of `demo_run`.
    "tests/e2e/test_demo.py": "demo",
    "tests/e2e/test_altered_records.py": "demo",
    # One cluster at a time is enough for a machine.
    "tests/executors/": "executors",
    # They share the built programs.
    "tests/foreign/": "foreign",
    "tests/unit/ballot/test_client_": "client-core",
}
"""What stays on one worker besides the tests of a module: by how the ids of the tests begin."""

LONGEST: Final = (
    "tests/unit/registry/pages/test_browser.py",
    "tests/e2e/test_voter_journey.py",
    "tests/e2e/test_demo.py",
    "tests/e2e/test_altered_records.py",
    "tests/conformance/",
    "tests/e2e/",
    "tests/unit/bench/",
    "tests/client/",
    "tests/executors/",
    "tests/foreign/",
    "tests/unit/ballot/test_client_",
    "tests/proxy/",
    "tests/fuzz/",
    "tests/attacks/",
    "tests/unit/tally/test_results_page.py",
    "tests/unit/audit/",
)
"""What begins first, in this order; the rest follows as it was collected."""


def together(test: str) -> str:
    """The name of what stays on the worker of a test, from its id."""
    return next((group for begins, group in TOGETHER.items() if test.startswith(begins)), test.partition("::")[0])


def place(test: str) -> int:
    """The place of a test in the order in which they begin, from its id."""
    return next((place for place, begins in enumerate(LONGEST) if test.startswith(begins)), len(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """For `-n auto`: half as many again as there are processors, since many tests wait for browsers and services.

    `PYTEST_XDIST_AUTO_NUM_WORKERS` says otherwise, as pytest-xdist itself has it.
    """
    return None if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ else (os.cpu_count() or 1) * 3 // 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Give out whole modules and groups, in the order of the tests."""
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return together(nodeid)

    config.option.loadscopereorder = False
    return Sharing(config, log)  # type: ignore[arg-type]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On a worker, put what takes longest first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: place(item.nodeid))


def missing(root: Path) -> list[str]:
    """What is named here and stands nowhere below the root of the repository."""
    named = {*TOGETHER, *LONGEST}
    return sorted(name for name in named if not any(root.glob(f"{name}*" if not name.endswith("/") else f"{name}*.py")))
