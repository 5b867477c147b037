"""What attacks on running services share: an election whose setup stands, and a ballot box that is open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import BallotBoxUnderTest
from simulator import Simulator


@pytest.fixture(scope="session")
def setup_election() -> Simulator:
    """An election whose setup stands. Shared: nobody may change it."""
    return Simulator().reach("setup")


@pytest.fixture
def box(setup_election: Simulator, tmp_path: Path) -> Iterator[BallotBoxUnderTest]:
    """A ballot box that is open."""
    with BallotBoxUnderTest(setup_election, tmp_path).running() as running:
        yield running.open()
