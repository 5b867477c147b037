"""Who writes: the lease as an instance believes in it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy.exc import OperationalError

from vemre.crypto.signing import SigningKey
from vemre.errors import Refused, StoreError
from vemre.log.signer import LogSigner
from vemre.service.app import Stop
from vemre.service.sequencer import Sequencer
from vemre.service.writer import Writer
from vemre.storage.engine import open_engine, sqlite_url
from vemre.storage.lease import Lease
from vemre.storage.log_store import LogStore
from vemre.storage.schema import upgrade


class FakeLease:
    """A lease whose database is a field. `answers` is False where another has it, an error where it does not answer."""

    def __init__(self) -> None:
        self.holder, self.seconds = "me", 6.0
        self.answers: bool | Exception = True
        self.calls: list[str] = []

    def _answer(self, call: str) -> bool:
        self.calls.append(call)
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers

    def take(self) -> bool:
        return self._answer("take")

    def renew(self) -> bool:
        return self._answer("renew")

    def release(self) -> None:
        self._answer("release")

    def close(self) -> None:
        self.calls.append("close")


class Case:
    """A sequencer at a clock that stands still."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lease, self.stop = FakeLease(), Stop()
        self.sequencer = Sequencer(cast(Lease, self.lease), self.stop, clock=lambda: self.now)
        self.followed = 0
        self.sequencer.follow = self.follow

    def follow(self) -> None:
        self.followed += 1

    def step(self) -> Sequencer:
        self.sequencer._step()
        return self.sequencer


@pytest.fixture
def case() -> Case:
    return Case()


def down() -> Exception:
    return OperationalError("", None, Exception("no connection"))


def test_without_a_lease_there_is_one_instance() -> None:
    assert Sequencer(None, Stop()).holds


def test_it_follows_before_it_takes_the_lease_and_once_more_after(case: Case) -> None:
    case.lease.answers = False
    assert not case.step().holds
    assert (case.followed, case.lease.calls) == (1, ["take"])
    case.lease.answers = True
    assert case.step().holds
    assert case.followed == 3


def test_it_believes_no_longer_than_the_lease_lasts(case: Case) -> None:
    assert case.step().holds
    case.now += 5.9
    assert case.sequencer.holds
    case.now += 0.1
    assert not case.sequencer.holds
    # Nobody else asked for it: it goes on.
    assert case.step().holds
    assert case.stop.reason is None


def test_a_take_over_that_took_too_long_asks_again(case: Case) -> None:
    case.sequencer.follow = lambda: setattr(case, "now", case.now + 4)
    assert case.step().holds
    assert case.lease.calls == ["take", "renew"]


def test_whoever_lost_it_stops(case: Case) -> None:
    assert case.step().holds
    case.lease.answers = False
    assert not case.step().holds
    assert case.stop.reason is not None


def test_a_database_that_is_slow_for_a_while_is_asked_again(case: Case) -> None:
    assert case.step().holds
    case.lease.answers = down()
    assert case.step().holds
    assert case.stop.reason is None
    case.now += 6
    assert not case.step().holds
    assert case.stop.reason is not None


def test_a_log_that_contradicts_itself_stops_the_standby(case: Case) -> None:
    def contradicts() -> None:
        raise StoreError("two logs")

    case.sequencer.follow = contradicts
    assert not case.step().holds
    assert case.stop.reason is not None
    assert not case.lease.calls


def test_a_standby_looks_again_only_after_a_while(case: Case) -> None:
    case.sequencer.freshen()
    case.sequencer.freshen()
    assert case.followed == 1
    case.now += 1
    case.sequencer.freshen()
    assert case.followed == 2
    assert case.step().holds
    case.now += 1
    case.sequencer.freshen()
    assert case.followed == 4


def test_it_gives_the_lease_back_at_the_end(case: Case) -> None:
    async def serve() -> None:
        async with case.sequencer as sequencer:
            assert sequencer.holds

    asyncio.run(serve())
    assert not case.sequencer.holds
    assert case.lease.calls[-2:] == ["release", "close"]


def test_a_standby_writes_nothing(case: Case, tmp_path: Path) -> None:
    engine = open_engine(sqlite_url(tmp_path / "log"))
    upgrade(engine)
    store = LogStore.create(engine, LogSigner("vemre.example/ballot", SigningKey.from_seed(bytes(32))))
    writer = Writer(store, case.stop, may_write=lambda: case.sequencer.holds)

    async def submit() -> None:
        async with writer:
            with pytest.raises(Refused, match="log-elsewhere") as refusal:
                await writer.submit(lambda transaction: transaction.append([b"x"]))
            assert refusal.value.params["retry_after"]
            case.step()
            await writer.submit(lambda transaction: transaction.append([b"y"]))

    asyncio.run(submit())
    assert list(store.entries()) == [b"y"]
    engine.dispose()
