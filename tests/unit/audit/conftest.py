"""Elections for the auditor's tests, and auditors to attend them."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served_simulator import Served
from simulator import GROUP, OPENS, Simulator

from audit.auditor import Auditor
from audit.keys import AuditorKeys

Hire = Callable[..., Auditor]


@pytest.fixture
def served() -> Served:
    """An election with a manifest and nothing more, behind HTTP."""
    return Served(Simulator(trustees=2, threshold=2))


@pytest.fixture
def hire(served: Served, tmp_path: Path) -> Iterator[Hire]:
    """Gives an auditor of the election at work; with the same number, the same one after a restart."""
    made: list[dict[str, object]] = []

    def auditor(number: int = 1, *, now: Callable[[], int] = lambda: OPENS) -> Auditor:
        role = f"auditor/{number}"
        simulator = served.simulator
        keys = AuditorKeys(role, f"Auditor {number}", simulator.keys[role], simulator.witnesses[role])
        clients = served.clients()
        made.append({**clients})
        folder = tmp_path / f"auditor-{number}"
        return Auditor(folder, keys, simulator.view.anchors, clients, GROUP, os.urandom, now)

    yield auditor
    for clients in made:
        for client in clients.values():
            client.close()  # type: ignore[attr-defined]
