"""Work in a thread ends before the task that waits for it does."""

import asyncio
import threading

import pytest

from vemre.service.threads import seen_through


def test_result_and_failure() -> None:
    assert asyncio.run(seen_through(lambda: 7)) == 7
    with pytest.raises(ZeroDivisionError):
        asyncio.run(seen_through(lambda: 1 // 0))


@pytest.mark.parametrize("fails", [False, True])
def test_a_cancelled_task_waits_for_its_thread(fails: bool) -> None:
    begun, goes_on, done = threading.Event(), threading.Event(), threading.Event()

    def act() -> None:
        begun.set()
        assert goes_on.wait(30)
        done.set()
        if fails:
            raise ValueError

    async def main() -> None:
        task = asyncio.create_task(seen_through(act, goes_on.set))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done.is_set()

    asyncio.run(main())
