"""What attacks on running services share: an election whose setup stands, and a ballot box that is open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from entering import Person, posts
from served import BallotBoxUnderTest
from simulator import Simulator


@pytest.fixture(scope="session")
def setup_election() -> Simulator:
    """An election whose setup stands. Shared: nobody may change it."""
    return Simulator().reach("setup")


@pytest.fixture
def box(setup_election: Simulator, tmp_path: Path) -> Iterator[BallotBoxUnderTest]:
    """A ballot box that is open."""
    with BallotBoxUnderTest(setup_election, tmp_path, **posts(tmp_path)).running() as running:
        yield running.open()


@pytest.fixture
def ana(box: BallotBoxUnderTest) -> Person:
    """A voter who got a link and set up the access, with an application; the code of that is a minute old."""
    box.official("access-links")
    person = Person(box, box.sim.voters[0]).enter()
    box.clock.now += 60
    return person
