"""What one more ballot costs whoever verifies an election that grows: the same at every size.

The logs are filled by hand, and taken as verified before: only the cost of the next ballots is measured.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import simulator

from vemre.crypto.signing import SigningKey
from vemre.election.choice import Marks
from vemre.election.rules import engine
from vemre.election.rules.incremental import Incremental
from vemre.records import vote_bodies as v
from vemre.records.record import Record, assemble, parse

SIZES = (100, 1_000, 10_000)
ROUNDS = 5
CHUNK = 20


def filler(model: Record, key: SigningKey) -> Record:
    """A ballot of another credential with points that nobody has used and proofs of something else."""
    body = model.body
    assert isinstance(body, v.Ballot)
    contests = [
        msgspec.structs.replace(
            contest, ciphertexts=[v.Ciphertext(os.urandom(32).hex(), os.urandom(32).hex()) for _ in contest.ciphertexts]
        )
        for contest in body.contests
    ]
    changed = msgspec.structs.replace(body, contests=contests)
    return parse(assemble(model.log, key.public.hex(), changed, bytes(64)))


@pytest.fixture(scope="module")
def election() -> simulator.Simulator:
    """An open box, with voters enough to fill it and to go on."""
    votes = [("urna-17", None)] * (max(SIZES) + ROUNDS * (CHUNK + 1))
    return simulator.Simulator(votes=votes).reach("open")


@pytest.fixture(scope="module")
def fillers(election: simulator.Simulator) -> list[Record]:
    model = election.ballot(election.voters[0], (Marks((0,)),))
    return [filler(model, voter.key) for voter in election.voters[: max(SIZES)]]


@pytest.fixture(scope="module")
def next_ballots(election: simulator.Simulator) -> list[Record]:
    return [election.ballot(voter, (Marks((0,)),)) for voter in election.voters[max(SIZES) :]]


@pytest.fixture(params=SIZES)
def grown(request: pytest.FixtureRequest, election: simulator.Simulator, fillers: list[Record]) -> Incremental:
    """A box of that many ballots, all verified."""
    log = election.view.ballot
    while len(log) > 1:
        log.pop()
    for record in fillers[: request.param]:
        log.append(record)
    incremental = Incremental(election.view, verified={name: len(log) for name, log in election.view.logs.items()})
    incremental.verify()
    return incremental


@pytest.mark.parametrize("ballots", [1, CHUNK])
def test_verify_new_ballots(benchmark: Any, grown: Incremental, next_ballots: list[Record], ballots: int) -> None:
    """All rules over so many ballots more, of two blocks each."""
    left = iter(next_ballots)

    def take() -> None:
        for _ in range(ballots):
            grown.view.ballot.append(next(left))

    benchmark.pedantic(grown.verify, setup=take, rounds=ROUNDS)
    assert grown.verified["ballot"] == len(grown.view.ballot)


def test_nothing_new(benchmark: Any, grown: Incremental) -> None:
    """All rules where nothing came: what does not depend on ballots at all."""
    benchmark(engine.verify, grown.view)


def test_take_up_after_a_restart(benchmark: Any, grown: Incremental) -> None:
    """The state of a prefix that was verified before, without signatures and proofs; it grows with the log."""

    def take_up() -> None:
        view = grown.view.over(grown.view.logs)
        Incremental(view, verified=grown.verified).verify()

    benchmark.pedantic(take_up, rounds=3)


def test_root(benchmark: Any, grown: Incremental) -> None:
    """The root of the log at its size."""
    log = grown.view.ballot
    benchmark(log.root, len(log))
