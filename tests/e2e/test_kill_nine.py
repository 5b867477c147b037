"""The ballot box is killed with SIGKILL at random points of casting, several times over.

After each restart every receipt that was sent verifies, no ballot counts twice, and the same bytes sent again get the
same receipt. Real processes, real sockets, real files.
"""

import os
import random
import time
from pathlib import Path
from threading import Event, Thread

import pytest
from ballot_processes import (
    Casting,
    ballot_boxes,
    cast_until_told,
    check,
    committed,
    database_of,
    open_voting,
    small_offer,
)
from simulator import Simulator

from vemre.election.choice import Marks
from vemre.records.record import parse

VOTERS = 36
ROUNDS = 6
CASTERS = 6


@pytest.fixture(scope="module")
def sim() -> Simulator:
    return Simulator(votes=[("urna-17", (Marks((0,)),))] * VOTERS, the_offer=small_offer()).reach("setup")


@pytest.mark.slow
def test_killed_at_random_points_of_casting(sim: Simulator, tmp_path: Path) -> None:
    seed = int.from_bytes(os.urandom(4), "big")
    draws, over = random.Random(seed), Event()
    print(f"seed {seed}")
    with ballot_boxes(sim, tmp_path) as boxes:
        (box,) = boxes
        tokens = open_voting(box, sim, tmp_path)
        castings = [
            Casting(voter, sim.ballot(voter, voter.choices or ()).entry, token)
            for voter, token in zip(sim.voters, tokens, strict=True)
        ]
        casters = [
            Thread(target=cast_until_told, args=(boxes, castings[first::CASTERS], over)) for first in range(CASTERS)
        ]
        for caster in casters:
            caster.start()
        try:
            for _ in range(ROUNDS):
                time.sleep(draws.uniform(0.05, 0.5))
                box.kill()
                told = [casting.answers[-1]["leaf_hash"] for casting in castings if casting.answers]
                stored = {parse(entry).leaf_hash.hex() for entry in committed(sim, database_of(tmp_path))}
                assert set(told) <= stored, "a receipt was sent before its ballot was durable"
                box.start()
            for caster in casters:
                caster.join(120)
                assert not caster.is_alive()
        finally:
            over.set()
        for casting in castings:
            assert casting.send(str(box.url))
    check(sim, tmp_path, castings, committed(sim, database_of(tmp_path)))
