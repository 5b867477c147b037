"""A registry over a simulated election."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from served import RegistryUnderTest
from simulator import Simulator


@pytest.fixture
def sim() -> Simulator:
    """An election whose key stands and whose roll is not published."""
    return Simulator().reach("keys")


@pytest.fixture
def registry(sim: Simulator, tmp_path: Path) -> Iterator[RegistryUnderTest]:
    """A registry that is running and knows nobody."""
    with RegistryUnderTest(sim, tmp_path).running() as running:
        yield running
