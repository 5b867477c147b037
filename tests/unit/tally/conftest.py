"""A tally service over a simulated election."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from served_tally import TallyUnderTest
from simulator import Simulator

Start = Callable[[Simulator], TallyUnderTest]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Runs the tally of an election, as far as the simulator has brought it."""
    with ExitStack() as stack:
        yield lambda sim: stack.enter_context(TallyUnderTest(sim, tmp_path).running())
