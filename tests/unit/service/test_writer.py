"""From asyncio to the writer thread: answers after the commit, refusals alone, and a stop when the truth is unknown."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from vemre.checks import Check
from vemre.errors import CheckFailed, Refused
from vemre.service.app import Stop
from vemre.service.metrics import Metrics
from vemre.service.writer import Writer
from vemre.storage.log_store import LogTransaction


def test_requests_are_committed_in_order_and_refused_alone(served: Any) -> None:
    applied: list[int] = []
    metrics = Metrics()

    async def run() -> list[Any]:
        async with Writer(served.store, Stop(), metrics) as writer:

            def entry(number: int) -> Any:
                def decide(transaction: LogTransaction) -> int:
                    transaction.append([b"%d" % number])
                    if number == 2:
                        raise CheckFailed(Check.BALLOT_ONCE, "again")
                    if number == 3:
                        raise Refused("conflict")
                    return number

                return writer.submit(decide, applied.append)

            return await asyncio.gather(*(entry(number) for number in range(6)), return_exceptions=True)

    results = asyncio.run(run())
    assert isinstance(results[2], CheckFailed)
    assert isinstance(results[3], Refused)
    good = [result for result in results if not isinstance(result, Exception)]
    assert [result.value for result in good] == applied == [0, 1, 4, 5]
    assert [list(result.indices) for result in good] == [[0], [1], [2], [3]]
    assert list(served.store.entries()) == [b"0", b"1", b"4", b"5"]
    assert all(result.size <= served.store.size for result in good)
    assert b"vemre_log_entries 4.0" in metrics.render()


def test_unknown_outcome_stops_the_service(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stop()
    stopped: list[int] = []
    stop.on_request(lambda: stopped.append(1))

    def lose(database: Any) -> None:
        database.commit()
        raise OperationalError("COMMIT", {}, Exception("connection lost"))

    async def run() -> None:
        async with Writer(served.store, stop) as writer:
            monkeypatch.setattr(served.store, "_commit", lose)
            with pytest.raises(Refused) as refused:
                await writer.submit(lambda transaction: transaction.append([b"x"]))
            assert refused.value.code == "log-stopped"
            # Nobody is answered from memory any more, not even with what would be refused anyhow.
            with pytest.raises(Refused, match="log-stopped"):
                await writer.submit(lambda transaction: transaction.append([b"y"]))

    asyncio.run(run())
    assert stop.reason is not None
    assert stopped == [1]


def test_stop_from_elsewhere_refuses(served: Any) -> None:
    stop = Stop()
    stop.request("disk full")

    async def run() -> None:
        async with Writer(served.store, stop) as writer:
            with pytest.raises(Refused, match="log-stopped"):
                await writer.submit(lambda transaction: transaction.append([b"x"]))

    asyncio.run(run())
    assert served.store.size == 0


def test_ending_waits_for_what_was_accepted(served: Any) -> None:
    async def run() -> Any:
        async with Writer(served.store, Stop()) as writer:
            task = asyncio.create_task(writer.submit(lambda transaction: transaction.append([b"x"])))
            await asyncio.sleep(0)
        return await task

    assert asyncio.run(run()).size == 1


def test_what_is_committed_while_the_service_stops_is_not_promised(served: Any) -> None:
    """Such as when a witness has just shown that the log was rolled back: nobody gets a receipt of the fork."""
    stop = Stop()

    def decide(transaction: LogTransaction) -> None:
        stop.request("rolled back")
        transaction.append([b"x"])

    async def run() -> None:
        async with Writer(served.store, stop) as writer:
            with pytest.raises(Refused, match="log-stopped"):
                await writer.submit(decide)

    asyncio.run(run())
    assert served.store.size == 1
