"""Two instances of the ballot box on one PostgreSQL: one writes, the other follows and takes over.

Real processes are killed, stopped for a while and told to end while voters cast. Whatever happens there is one log, and
every ballot that got a receipt is in it, once, under the same receipt.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import httpx2
import pytest
from ballot_processes import (
    PROGRAM,
    Box,
    Casting,
    ballot_boxes,
    cast_until_told,
    check,
    committed,
    open_voting,
    small_offer,
)
from simulator import Simulator

from vemre.election.choice import Marks
from vemre.records.record import parse
from vemre.service.serve import STOPPED
from vemre.storage.lease import SECONDS

VOTERS = 60
CASTERS = 6
PATIENCE = 60.0
FEARLESS = f"import vemre.service.sequencer as s; s.Sequencer.holds = property(lambda self: True); {PROGRAM}"
"""An instance that believes to have the lease, always."""

pytestmark = pytest.mark.slow


@pytest.fixture
def sim() -> Simulator:
    return Simulator(votes=[("urna-17", (Marks((0,)),))] * VOTERS, the_offer=small_offer()).reach("setup")


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Wait until something holds; gives how long that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, "it did not come about"
        time.sleep(0.05)
    return time.monotonic() - begun


def castings_of(sim: Simulator, tokens: list[str]) -> list[Casting]:
    return [
        Casting(voter, sim.ballot(voter, voter.choices or ()).entry, token)
        for voter, token in zip(sim.voters, tokens, strict=True)
    ]


@contextmanager
def casting(boxes: list[Box], castings: list[Casting]) -> Iterator[None]:
    """Voters cast meanwhile; at the end each has been told."""
    over = Event()
    threads = [Thread(target=cast_until_told, args=(boxes, castings[first::CASTERS], over)) for first in range(CASTERS)]
    for thread in threads:
        thread.start()
    try:
        yield
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
    finally:
        over.set()
    assert all(casting.answers for casting in castings)


def checkpoint(box: Box) -> bytes:
    return httpx2.get(f"{box.url}/log/checkpoint", timeout=20, trust_env=False).content


def told(castings: list[Casting]) -> int:
    return sum(bool(casting.answers) for casting in castings)


def test_the_standby_reads_and_refuses_and_takes_over_at_once_at_a_clean_end(
    sim: Simulator, tmp_path: Path, postgres_url: str
) -> None:
    with ballot_boxes(sim, tmp_path, postgres_url, 2) as boxes:
        writer, standby = boxes
        until(writer.writes)
        assert not standby.writes()
        tokens = open_voting(writer, sim, tmp_path, postgres_url)
        castings = castings_of(sim, tokens)
        first, second, third = castings[:3]
        assert first.send(str(writer.url))
        with httpx2.Client(base_url=str(standby.url), timeout=20, trust_env=False) as client:
            # A session, a receipt, a checkpoint and a tile are the same at either instance.
            signed_in = {"Authorization": f"Bearer {first.token}"}
            assert client.get(f"/receipts/{first.answers[0]['leaf_hash']}").status_code == 200
            assert client.get("/session", headers=signed_in).json()["voted"] is not None
            assert client.get("/log/checkpoint").content == checkpoint(writer)
            assert client.get(f"/log/tile/0/000.p/{first.answers[0]['index'] + 1}").status_code == 200
            order = {**signed_in, "Content-Type": "application/json"}
            answer = client.post("/ballots", content=second.entry, headers=order)
            assert (answer.status_code, answer.json()["code"]) == (503, "log-elsewhere")
            assert int(answer.headers["Retry-After"]) >= 1
        writer.signal(signal.SIGTERM)
        assert writer.ended() == 0
        # The lease was given back: nobody waits for its time to be over.
        assert until(standby.writes) < SECONDS / 2
        for each in (first, second, third):
            assert each.send(str(standby.url))
        writer.start()
        assert not writer.writes()
        with casting(boxes, castings):
            pass
    check(sim, tmp_path, castings, committed(sim, postgres_url))


def test_killed_in_the_middle_of_the_load(sim: Simulator, tmp_path: Path, postgres_url: str) -> None:
    with ballot_boxes(sim, tmp_path, postgres_url, 2) as boxes:
        writer, standby = boxes
        until(writer.writes)
        castings = castings_of(sim, open_voting(writer, sim, tmp_path, postgres_url))
        with casting(boxes, castings):
            until(lambda: told(castings) >= 10)
            writer.kill()
            given = {casting.answers[0]["leaf_hash"] for casting in castings if casting.answers}
            assert given <= {parse(entry).leaf_hash.hex() for entry in committed(sim, postgres_url)}
            assert until(standby.writes) < 10
            writer.start()
            until(lambda: told(castings) >= 30)
            standby.kill()
            assert until(writer.writes) < 10
            standby.start()
        for each in castings:
            assert each.send(str(writer.url))
    check(sim, tmp_path, castings, committed(sim, postgres_url))


def test_an_instance_that_was_stopped_for_a_while_forks_nothing(
    sim: Simulator, tmp_path: Path, postgres_url: str
) -> None:
    with ballot_boxes(sim, tmp_path, postgres_url, 2) as boxes:
        writer, standby = boxes
        until(writer.writes)
        castings = castings_of(sim, open_voting(writer, sim, tmp_path, postgres_url))
        with casting(boxes, castings):
            until(lambda: told(castings) >= 10)
            writer.signal(signal.SIGSTOP)
            # Wherever it was, be it in the middle of a transaction.
            assert until(standby.writes) < 10
            until(lambda: told(castings) >= 30)
            writer.signal(signal.SIGCONT)
            assert writer.ended() == STOPPED
            writer.start()
        assert standby.writes()
    check(sim, tmp_path, castings, committed(sim, postgres_url))


def test_two_that_both_believe_make_one_log(sim: Simulator, tmp_path: Path, postgres_url: str) -> None:
    seen: list[bytes] = []
    with ballot_boxes(sim, tmp_path, postgres_url, 2, FEARLESS) as boxes:
        castings = castings_of(sim, open_voting(boxes[0], sim, tmp_path, postgres_url))
        # The second one has not heard of the opening yet.
        until(lambda: checkpoint(boxes[1]) == checkpoint(boxes[0]))
        over = Event()

        def keep_up(box: Box) -> None:
            """What a service manager does; and whatever checkpoint is shown meanwhile is kept."""
            while not over.is_set():
                if box.process is not None and box.process.poll() is not None:
                    assert box.ended() == STOPPED
                    box.start()
                with suppress(httpx2.HTTPError):
                    seen.append(checkpoint(box))
                time.sleep(0.05)

        keepers = [Thread(target=keep_up, args=(box,)) for box in boxes]
        for keeper in keepers:
            keeper.start()
        # Half of the voters begin at the one, half at the other.
        ways = [boxes, boxes[::-1]]
        threads = [
            Thread(target=cast_until_told, args=(ways[first % 2], castings[first::CASTERS], over))
            for first in range(CASTERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(240)
        unfinished = [thread for thread in threads if thread.is_alive()]
        over.set()
        for thread in [*threads, *keepers]:
            thread.join(60)
        assert not unfinished
    stops = sum((tmp_path / f"log-{number}").read_text().count('"log-stopped"') for number in (1, 2))
    assert stops, "the two never met"
    log = committed(sim, postgres_url)
    check_prefixes(sim, log, seen)
    check(sim, tmp_path, castings, log)


def check_prefixes(sim: Simulator, log: list[bytes], seen: list[bytes]) -> None:
    """Every checkpoint that anybody was shown is of the one log."""
    from vemre.log import merkle
    from vemre.log.checkpoint import open_checkpoint

    leaves = [merkle.leaf_hash(entry) for entry in log]
    notes = {note for note in seen if note.startswith(sim.log_signers["ballot"].origin.encode())}
    assert notes
    for note in notes:
        opened = open_checkpoint(note, sim.log_signers["ballot"].vkey)
        assert merkle.root(leaves[: opened.size]) == opened.root
