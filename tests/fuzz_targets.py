"""One of each of the four services, running, for tests that ask them everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from applying import form
from served import BallotBoxUnderTest, RegistryUnderTest, listening, token_of
from served_simulator import Served
from served_tally import TallyUnderTest
from simulator import Simulator
from witnesses import witness_of

from audit.witness.api import create_app
from audit.witness.hub import EventHub
from audit.witness.web import web_routes
from registry.settings import ROSTER
from vemre.service.identity import OFFICIAL
from vemre.service.station import wall_clock


@dataclass
class Target:
    """A running service: where, what tokens open, and its routes (method and path), pages included."""

    url: str
    app: Any
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def routes(self) -> list[tuple[str, str]]:
        found = sorted((method, route.path) for route in _flat(self.app.routes) for method in route.methods)
        assert len(found) > 5
        return found


def _flat(routes: Iterable[Any]) -> Iterator[Any]:
    """The routes of an application, those of included routers too."""
    for route in routes:
        if getattr(route, "methods", None):
            yield route
        elif hasattr(route, "original_router"):
            yield from _flat(route.original_router.routes)


def registry(stack: ExitStack, folder: Path) -> Target:
    found = stack.enter_context(RegistryUnderTest(Simulator().reach("keys"), folder).running())
    url = stack.enter_context(listening(found.client.app))
    code = found.client.post("/solicitudes", json=form(1)).json()
    bearer = [{"Authorization": f"Bearer {value}"} for value in code.values() if isinstance(value, str)]
    return Target(url, found.client.app, [token_of(found.data), token_of(found.data, ROSTER), *bearer])


def ballot(stack: ExitStack, folder: Path) -> Target:
    build = folder / "dist"
    (build / "assets").mkdir(parents=True)
    (build / "index.html").write_bytes(b"<!doctype html>")
    box = BallotBoxUnderTest(Simulator().reach("setup"), folder, build=build)
    found = stack.enter_context(box.running()).open()
    voter = {"Authorization": f"Bearer {found.token(found.sim.voters[0])}"}
    return Target(stack.enter_context(listening(found.client.app)), found.client.app, [token_of(found.data), voter])


def tally(stack: ExitStack, folder: Path) -> Target:
    found = stack.enter_context(TallyUnderTest(Simulator().reach("setup"), folder).running())
    url = stack.enter_context(listening(found.client.app))
    return Target(url, found.client.app, [token_of(found.data, OFFICIAL)])


def witness(stack: ExitStack, folder: Path) -> Target:
    simulator = Simulator().reach("setup")
    found = witness_of(Served(simulator), folder / "witness")
    found.round()
    stack.callback(found.close)
    pages = web_routes(found.status, EventHub("ab12"), found.evidence, wall_clock)
    app = create_app(found, wait=0.01, routers=[pages])
    return Target(stack.enter_context(listening(app)), app)


STARTED: dict[str, Callable[[ExitStack, Path], Target]] = {
    "registry": registry,
    "ballot": ballot,
    "tally": tally,
    "witness": witness,
}
