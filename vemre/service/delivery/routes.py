"""Letters that wait, over HTTP, for officials.

GET  /official/deliveries            how many wait, by kind and state; ?refused=true&after=&limit= names some of them,
                                     ?addresses=true says where to, which is an access to personal data
POST /official/deliveries/resend     {"names": [...]} or {"all_refused": true}: try again what was refused
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from vemre.records.fields import format_time
from vemre.service.delivery.courier import Courier
from vemre.service.delivery.message import CHANNELS
from vemre.service.delivery.outbox import Waiting

W = TypeVar("W")
State = Literal["new", "retried", "refused"]
Name = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
_MAX_NAMES: Final = 500


class Group(BaseModel):
    """Letters of one kind in one state: `new` was not tried yet, `retried` was tried in vain and will be again,
    `refused` waits for an official. `problem` is what the mail server or the sender answered, `oldest` since when the
    first of them waits."""

    channel: str
    template: str
    state: State
    problem: str
    count: int
    oldest: str


class Delivery(BaseModel):
    """One letter. `to` is null unless it was asked for, or where the letter cannot be read."""

    name: str
    channel: str
    template: str
    state: State
    since: str
    tries: int
    next: str | None
    problem: str
    to: str | None


class Deliveries(BaseModel):
    """What waits. `served` are the channels that somebody takes letters of; `next` is the `after` of those that
    follow, null where there are no more."""

    waiting: int
    served: list[str]
    groups: list[Group]
    deliveries: list[Delivery]
    next: str | None


class ResendOrder(BaseModel):
    """What to try again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    names: Annotated[list[Name], Field(max_length=_MAX_NAMES)] = []
    all_refused: bool = False


class Resent(BaseModel):
    """How many letters will be tried again."""

    resent: int


def delivery_routes(
    courier: Courier, official: Callable[[Request], W], note: Callable[[int, W], Awaitable[None]]
) -> APIRouter:
    """The routes. `official` lets officials pass and gives who it is; `note` is told how many addresses were shown to
    whom, before they are."""
    router = APIRouter(prefix="/official/deliveries", tags=["official"])
    signed_in = Depends(official)
    listing = asyncio.Semaphore(1)

    @router.get("", summary="Letters that wait, and those that were refused")
    async def deliveries(
        by: W = signed_in,
        refused: bool = False,
        addresses: bool = False,
        after: Annotated[str, Query(pattern=r"^[0-9a-f]{0,32}$")] = "",
        limit: Annotated[int, Query(ge=0, le=_MAX_NAMES)] = 100,
    ) -> Deliveries:
        async with listing:
            entries = await run_in_threadpool(_entries, courier)
        wanted = [entry for entry in entries if entry.name > after and (entry.refused or not refused)]
        shown = sorted(wanted, key=lambda entry: entry.name)[:limit]
        if addresses:
            await note(len(shown), by)
        found = await run_in_threadpool(lambda: [_delivery(courier, entry, addresses) for entry in shown])
        more = shown[-1].name if shown and len(wanted) > len(shown) else None
        return Deliveries(
            waiting=len(entries), served=list(courier.channels), groups=_groups(entries), deliveries=found, next=more
        )

    @router.post("/resend", summary="Try again what was refused", dependencies=[signed_in])
    async def resend(order: ResendOrder) -> Resent:
        return Resent(resent=await run_in_threadpool(_resend, courier, order))

    return router


def _entries(courier: Courier) -> list[Waiting]:
    return [entry for channel in CHANNELS for entry in courier.outbox.entries(channel)]


def _resend(courier: Courier, order: ResendOrder) -> int:
    names = set(order.names)
    wanted = [entry for entry in _entries(courier) if entry.name in names or (order.all_refused and entry.refused)]
    for entry in wanted:
        courier.outbox.again(entry)
    courier.wake()
    return len(wanted)


def _state(entry: Waiting) -> State:
    return "refused" if entry.refused else "retried" if entry.tries else "new"


def _groups(entries: list[Waiting]) -> list[Group]:
    counts = Counter((entry.channel, entry.template, _state(entry), entry.problem) for entry in entries)
    oldest: dict[tuple[str, str, State, str], int] = {}
    for entry in entries:
        key = (entry.channel, entry.template, _state(entry), entry.problem)
        oldest[key] = min(oldest.get(key, entry.since), entry.since)
    return [
        Group(
            channel=key[0], template=key[1], state=key[2], problem=key[3], count=count, oldest=format_time(oldest[key])
        )
        for key, count in sorted(counts.items())
    ]


def _delivery(courier: Courier, entry: Waiting, addresses: bool) -> Delivery:
    message = courier.outbox.open(entry) if addresses else None
    return Delivery(
        name=entry.name,
        channel=entry.channel,
        template=entry.template,
        state=_state(entry),
        since=format_time(entry.since),
        tries=entry.tries,
        next=None if entry.refused else format_time(entry.due),
        problem=entry.problem,
        to=message.to if message is not None else None,
    )
