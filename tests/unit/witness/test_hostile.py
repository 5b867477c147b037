"""Logs that answer slowly, endlessly, or with far too much: over real sockets, within bounds of memory and time."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest
from served_simulator import Served
from simulator import GROUP, Simulator
from witnesses import Clock, Lie, serving

from audit.witness.engine import Watched, Witness
from audit.witness.sources import ServiceSource
from vemre.service.client import ServiceClient
from vemre.types import LogName


@contextmanager
def watching(served: Served, urls: dict[LogName, str], folder: Path, deadline: float = 1.0) -> Iterator[Witness]:
    clients = {name: ServiceClient(url, timeout=deadline, deadline=deadline, attempts=1) for name, url in urls.items()}
    witness = Witness(
        folder,
        f"sqlite:///{folder / 'service.sqlite3'}",
        name="witness",
        cosigner=served.simulator.witnesses["auditor/1"],
        role="auditor/1",
        watched=Watched(
            served.simulator.view.anchors,
            {name: ServiceSource(client, client) for name, client in clients.items()},
            clients,
        ),
        group=GROUP,
        random=os.urandom,
        clock=Clock(),
    )
    try:
        yield witness
    finally:
        witness.close()
        for client in clients.values():
            client.close()


def sizes(witness: Witness) -> dict[str, int]:
    return {log.name: log.verified for log in witness.status().logs}


@pytest.fixture
def served() -> Served:
    return Served(Simulator(trustees=2, threshold=2).reach("roll"))


def drip(end: Event) -> Lie:
    """One byte now and then, for ever: each step of the network is quick, the answer never ends."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while not end.wait(0.05):
                handler.wfile.write(b"x")
                handler.wfile.flush()
        except OSError:
            return

    return answer


def endless(handler: BaseHTTPRequestHandler) -> None:
    """As much as anybody takes, as fast as it can."""
    handler.send_response(200)
    handler.end_headers()
    chunk = b"x" * (1 << 20)
    try:
        while True:
            handler.wfile.write(chunk)
    except OSError:
        return


def test_a_log_that_never_finishes_is_left_and_the_others_go_on(served: Served, tmp_path: Path) -> None:
    end = Event()
    lies: dict[tuple[LogName, str], Lie] = {("registry", "*"): drip(end)}
    try:
        with serving(served, lies) as urls, watching(served, urls, tmp_path) as witness:
            witness.round()
            assert sizes(witness) == {"registry": 0, "ballot": 0, "tally": len(served.simulator.view.tally)}
            (found,) = witness.status().findings
            assert (found.check, found.party, found.provable) == ("LOG", "registry", False)
            lies.clear()
            witness.round()
            assert sizes(witness)["registry"] == len(served.simulator.view.registry)
    finally:
        end.set()


def test_an_endless_answer_costs_no_more_than_a_tile_may_have(served: Served, tmp_path: Path) -> None:
    lies: dict[tuple[LogName, str], Lie] = {("registry", "*"): endless}
    with serving(served, lies) as urls, watching(served, urls, tmp_path, 30) as witness:
        tracemalloc.start()
        try:
            witness.round()
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 100 << 20
        (found,) = witness.status().findings
        assert (found.check, found.party, found.provable) == ("LOG", "registry", False)
        assert sizes(witness)["tally"] == len(served.simulator.view.tally)
        for path in ("/log/checkpoint", "/log/cosigned"):
            lies[("ballot", path)] = endless
        witness.round()
        assert {found.check for found in witness.status().findings} == {"LOG", "NOTE"}


def test_an_endless_blob_costs_no_more_than_its_record_says(served: Served, tmp_path: Path) -> None:
    digest = next(iter(served.simulator.blobs))
    lies: dict[tuple[LogName, str], Lie] = {("tally", f"/blob/{digest}"): endless}
    with serving(served, lies) as urls, watching(served, urls, tmp_path, 30) as witness:
        witness.round()
        assert sizes(witness)["tally"] == 0
        (found,) = witness.status().findings
        assert (found.check, found.where, found.provable) == ("BLOB-DIGEST", f"blob/{digest}", False)
        lies.clear()
        witness.round()
        assert sizes(witness)["tally"] == len(served.simulator.view.tally)


def test_a_log_beyond_all_bounds_is_not_taken(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.witness.feed.MAX_LOG_BYTES", 1000)
    with serving(served, {}) as urls, watching(served, urls, tmp_path) as witness:
        witness.round()
        assert all(size == 0 for size in sizes(witness).values())
        assert {(found.check, found.provable) for found in witness.status().findings} == {("LOG", False)}


def test_portions_bound_what_is_held_unverified(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.witness.feed.PORTION_ENTRIES", 3)
    held: list[int] = []
    with serving(served, {}) as urls, watching(served, urls, tmp_path) as witness:
        assert witness.election is not None
        verify = witness.election._incremental.verify

        def watched() -> None:
            assert witness.election is not None
            held.append(max(len(feed.pending) for feed in witness.election.feeds.values()))
            verify()

        monkeypatch.setattr(witness.election._incremental, "verify", watched)
        witness.round()
        assert sizes(witness)["tally"] == len(served.simulator.view.tally)
        assert len(held) > 3
        assert max(held) <= 3
