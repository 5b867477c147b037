"""A ballot box over a simulated election."""

import os
from collections.abc import Iterator
from pathlib import Path

import client_program
import pytest
from client_program import Client
from served import BallotBoxUnderTest
from simulator import Simulator

REQUIRE_ALL = os.environ.get("VEMRE_REQUIRE_ALL") == "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the client in TypeScript where it cannot run."""
    here = [item for item in items if item.path.name.startswith("test_client_")]
    if REQUIRE_ALL or not here or client_program.why_not() is None:
        return
    config.hook.pytest_deselected(items=here)
    items[:] = [item for item in items if item not in here]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Close with what was not run, and why."""
    if hasattr(config, "workerinput") or REQUIRE_ALL:
        return
    if (reason := client_program.why_not()) is not None:
        print(f"NOT RUN: the voter's client in TypeScript ({reason})")


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """The client in TypeScript, built, as a program."""
    built = client_program.run("build-tests")
    assert built.returncode == 0, built.stdout + built.stderr
    with Client() as program:
        yield program


@pytest.fixture(scope="session")
def sim() -> Simulator:
    """An election whose setup stands. Shared: nobody may change it."""
    return Simulator().reach("setup")


@pytest.fixture
def closed_box(sim: Simulator, tmp_path: Path) -> Iterator[BallotBoxUnderTest]:
    """A ballot box that is running and not open yet."""
    with BallotBoxUnderTest(sim, tmp_path).running() as box:
        yield box


@pytest.fixture
def box(closed_box: BallotBoxUnderTest) -> BallotBoxUnderTest:
    """A ballot box that is open."""
    return closed_box.open()
