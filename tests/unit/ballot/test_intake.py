"""Ballots that are taken together are judged one by one."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import msgspec
import pytest
from served import BallotBoxUnderTest

from ballot import intake
from ballot.intake import Intake
from vemre.log.proof import Receipt
from vemre.records import vote_bodies as v
from vemre.records.record import parse

Work = tuple[Any, bytes]


class Gate:
    """Holds the first batch until `open`, so that whatever comes meanwhile waits together."""

    def __init__(self) -> None:
        self.open = Event()
        self.batches: list[int] = []
        self.waiting: Callable[[], int] = lambda: 0

    def passed(self, takes: Intake, batch: Sequence[Any]) -> None:
        self.waiting = lambda: len(takes._waiting)
        self.batches.append(len(batch))
        assert self.open.wait(60)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made, check = Gate(), Intake._check

    def held(takes: Intake, batch: Sequence[Any]) -> Any:
        made.passed(takes, batch)
        return check(takes, batch)

    monkeypatch.setattr(Intake, "_check", held)
    monkeypatch.setattr(intake, "_AT_ONCE", 1)
    yield made
    made.open.set()


def together(box: BallotBoxUnderTest, gate: Gate, works: Sequence[Work]) -> list[Any]:
    """The answers to ballots of which all but the first wait together."""
    tokens = [box.token(voter) for voter, _ in works]
    tick = Event()
    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(box.cast, *works[0], tokens[0])]
        while not gate.batches:
            assert not tick.wait(0.01)
        for work, token in zip(works[1:], tokens[1:], strict=True):
            seen = gate.waiting()
            futures.append(pool.submit(box.cast, *work, token))
            while gate.waiting() == seen:
                assert not tick.wait(0.01)
        gate.open.set()
        return [future.result() for future in futures]


def wrong_proof(box: BallotBoxUnderTest, voter: Any) -> bytes:
    """A ballot whose first proof is that of another ballot; everything else is in order."""
    body, other = (parse(box.ballot(voter)).body for _ in range(2))
    assert isinstance(body, v.Ballot)
    assert isinstance(other, v.Ballot)
    contest = msgspec.structs.replace(body.contests[0], pok=other.contests[0].pok)
    forged = msgspec.structs.replace(body, contests=[contest, *body.contests[1:]])
    return box.sim.sign("ballot", voter.key.public.hex(), forged, voter.key).entry


def without_number(answer: Any) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def test_only_the_bad_one_of_a_batch_is_refused(box: BallotBoxUnderTest, gate: Gate) -> None:
    voters = [voter for voter in box.sim.voters if voter.choices]
    bad, strange = wrong_proof(box, voters[2]), box.ballot(voters[0])
    works = [(voter, box.ballot(voter)) for voter in voters]
    works[2] = (voters[2], bad)
    works.append((voters[4], strange))
    answers = together(box, gate, works)
    assert gate.batches == [1, len(works) - 1]
    assert [answer.status_code for answer in answers] == [201, 201, 422, 201, 201, 403]
    alone = box.cast(voters[2], bad)
    assert without_number(answers[2]) == without_number(alone)
    assert alone.json()["check"] == "BALLOT-POK"
    logged = [record.entry for record in box.entries() if record.type == "ballot"]
    assert sorted(logged) == sorted(works[k][1] for k in (0, 1, 3, 4))
    notes = set()
    for answer, (_, entry) in zip(answers, works, strict=True):
        if answer.status_code == 201:
            receipt = Receipt.parse(answer.json()["receipt"].encode())
            receipt.verify(parse(entry).leaf_hash, box.station.store.vkey)
            notes.add(receipt.checkpoint)
    assert len(notes) == 2, "one checkpoint for each batch"
    assert box.cast(*works[3]).json() == answers[3].json()


def test_two_ballots_of_one_credential_in_a_batch(box: BallotBoxUnderTest, gate: Gate) -> None:
    one, other = box.sim.voters[:2]
    first, second = box.ballot(other), box.ballot(other)
    works = [(one, box.ballot(one)), (other, first), (other, second), (other, first)]
    answers = together(box, gate, works)
    assert [answer.status_code for answer in answers] == [201, 201, 409, 200]
    assert answers[1].content == answers[3].content
    assert answers[2].json()["code"] == "already-voted"


def test_too_many_are_sent_away_at_once(box: BallotBoxUnderTest, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_WAITING", 2)
    voters = [voter for voter in box.sim.voters if voter.choices]
    entry, token = box.ballot(voters[3]), box.token(voters[3])
    refused: list[Any] = []
    works = [(voter, box.ballot(voter)) for voter in voters[:3]]
    set_open = gate.open.set

    def when_full() -> None:
        if not refused:
            refused.append(box.cast(voters[3], entry, token))
        set_open()

    monkeypatch.setattr(gate.open, "set", when_full)
    answers = together(box, gate, works)
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert (refused[0].status_code, refused[0].json()["code"]) == (503, "log-busy")
    assert int(refused[0].headers["retry-after"]) > 0
    assert box.cast(voters[3], entry, token).status_code == 201


def test_a_batch_that_fails_as_a_whole_leaves_nobody_waiting(
    box: BallotBoxUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    voter, token = box.sim.voters[0], box.token(box.sim.voters[0])
    entry = box.ballot(voter)

    def broken(*_: Any) -> Any:
        raise OSError("the disk went away")

    with monkeypatch.context() as patched:
        patched.setattr(Intake, "_check", broken)
        assert box.cast(voter, entry, token).status_code == 500
    assert box.cast(voter, entry, token).status_code == 201
