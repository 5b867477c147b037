"""Blocking work of tasks that are cancelled at the end of a service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def seen_through(act: Callable[[], T], on_cancel: Callable[[], None] = lambda: None) -> T:
    """The result of `act`, run in a thread. A task that is cancelled meanwhile calls `on_cancel` and ends only when the
    thread does: nobody closes a database below it."""
    work = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        on_cancel()
        with suppress(Exception):
            await work
        raise
