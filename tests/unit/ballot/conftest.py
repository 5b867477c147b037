"""A ballot box over a simulated election."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import BallotBoxUnderTest
from simulator import Simulator


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
