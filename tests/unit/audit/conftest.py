"""Elections for the auditor's tests."""

import pytest
from served_simulator import Served
from simulator import Simulator


@pytest.fixture
def served() -> Served:
    """An election with a manifest and nothing more, behind HTTP."""
    return Served(Simulator(trustees=2, threshold=2))
