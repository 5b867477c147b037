"""A22: two casts at once with one credential, a cast at the closing second, a retry after a crash: one ballot, the same
receipt for the same bytes, a clear refusal otherwise."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from served import BallotBoxUnderTest
from simulator import CLOSES, Simulator, refusal

from vemre.checks import Check
from vemre.election.choice import Marks
from vemre.election.rules import engine
from vemre.storage.log_store import LogStore


def at_once(box: BallotBoxUnderTest, entries: list[bytes]) -> list[Any]:
    """All posted together by one voter."""
    voter, start = box.sim.voters[0], Barrier(len(entries))
    token = box.token(voter)

    def post(entry: bytes) -> Any:
        start.wait()
        return box.cast(voter, entry, token)

    with ThreadPoolExecutor(len(entries)) as pool:
        return list(pool.map(post, entries))


def ballots(box: BallotBoxUnderTest) -> list[bytes]:
    return [record.entry for record in box.entries() if record.type == "ballot"]


def test_two_ballots_at_once(box: BallotBoxUnderTest) -> None:
    entries = [box.ballot(box.sim.voters[0]) for _ in range(4)]
    answers = at_once(box, entries)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 3}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"already-voted"}
    (winner,) = (entry for entry, answer in zip(entries, answers, strict=True) if answer.status_code == 201)
    assert ballots(box) == [winner]


def test_one_ballot_many_times_at_once(box: BallotBoxUnderTest) -> None:
    entry = box.ballot(box.sim.voters[0])
    answers = at_once(box, [entry] * 5)
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.content for answer in answers}) == 1
    assert ballots(box) == [entry]


def test_ballot_and_block_at_once(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    entry, block, token, start = box.ballot(voter), box.block(voter), box.token(voter), Barrier(2)

    def cast() -> Any:
        start.wait()
        return box.cast(voter, entry, token)

    def order() -> Any:
        start.wait()
        return box.submit(block)

    with ThreadPoolExecutor(2) as pool:
        answers = [future.result() for future in [pool.submit(cast), pool.submit(order)]]
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert len(box.entries()) == 2


def test_cast_around_the_closing_second(box: BallotBoxUnderTest) -> None:
    first, second = box.sim.voters[:2]
    entry = box.ballot(first)
    box.clock.now = CLOSES - 1
    assert box.cast(first, entry).status_code == 201
    box.clock.now = CLOSES
    assert box.cast(second, box.ballot(second)).json()["code"] == "voting-closed"
    assert box.close().status_code == 200
    assert box.cast(first, entry).status_code == 200
    assert box.cast(second, box.ballot(second)).json()["code"] == "voting-closed"
    assert ballots(box) == [entry]


@pytest.mark.parametrize("persisted", [False, True], ids=["lost", "persisted"])
def test_retry_after_a_commit_whose_outcome_nobody_knows(
    box: BallotBoxUnderTest, monkeypatch: pytest.MonkeyPatch, persisted: bool
) -> None:
    voter = box.sim.voters[0]
    entry, other = box.ballot(voter), box.ballot(voter, [Marks((2,)), Marks((1,))])

    def broken(store: LogStore, database: Any) -> None:
        if persisted:
            database.commit()
        raise OSError("the disk went away")

    stopped = Event()
    box.station.app.state.stop.on_request(stopped.set)
    with monkeypatch.context() as broken_disk:
        broken_disk.setattr(LogStore, "_commit", broken)
        answer = box.cast(voter, entry)
    assert (answer.status_code, answer.json()["code"]) == (503, "log-stopped")
    assert stopped.wait(10)
    assert box.cast(voter, other).json()["code"] == "log-stopped"
    with box.running():
        if persisted:
            assert box.cast(voter, other).json()["code"] == "already-voted"
        again = box.cast(voter, entry)
        assert again.status_code == (200 if persisted else 201)
        assert box.cast(voter, entry).json() == again.json()
        assert ballots(box) == [entry]


def test_verifier_finds_a_second_ballot() -> None:

    sim = Simulator().reach("open")
    voter = sim.voters[0]
    for _ in range(2):
        sim.admit("ballot", sim.ballot(voter, voter.choices or ()), check=False)
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.where, failure.party) == (Check.BALLOT_ONCE, "ballot/2", "ballot-box")
