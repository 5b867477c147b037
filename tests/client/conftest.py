"""The voter's page in a browser, over a real ballot box. Needs the client built, so Node, and Chromium."""

import os
from collections.abc import Iterator
from pathlib import Path

import client_program
import pytest
import voting_page
from voting_page import VotingPage

REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine cannot run."""
    here = [item for item in items if item.path.is_relative_to(HERE)]
    if REQUIRE_ALL or not here or client_program.why_not() is None:
        return
    config.hook.pytest_deselected(items=here)
    items[:] = [item for item in items if item not in here]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    if (reason := client_program.why_not()) is not None:
        print(f"NOT RUN: the voter's page ({reason})")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VotingPage]:
    """A ballot box that is open, with its page."""
    with voting_page.serving(tmp_path_factory.mktemp("site")) as serving:
        yield serving
