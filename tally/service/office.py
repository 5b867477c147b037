"""The tally's own acts: collect and close drills, fix the list to mix, count, close the result.

Each act is safe to repeat, and acts run one after the other.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from tally.service import core
from tally.service.core import Due, Lacking
from tally.service.node import TallyNode
from tally.service.store import TallyStore
from tally.service.tables import COMPONENT
from vemre.election import drafts, published
from vemre.election.rules import engine
from vemre.election.rules.view import View
from vemre.errors import Refused
from vemre.records import setup_bodies as s
from vemre.records.fields import Bilingual
from vemre.service.node import Appended
from vemre.service.station import Station

COMPONENTS: Final = (COMPONENT,)


@dataclass(frozen=True)
class OpenDrill:
    """The drill that is not closed yet: its number, whose shares are here, how many close it."""

    number: int
    trustees: tuple[str, ...]
    needed: int


@dataclass(frozen=True)
class Counted:
    """What counting did: batches that have their result, the result once it stands, and what is missing."""

    batches: int
    result: Appended | None
    lacking: list[Lacking]
    waiting: str | None
    """Why the result cannot be closed yet although everything is counted: the cosignatures that are missing."""


@dataclass(frozen=True)
class Results:
    """The result as it is shown. `offer` and `name` are None before there is a manifest."""

    status: published.Status
    name: Bilingual | None
    offer: s.Offer | None
    batches: list[dict[str, Any]]
    opinions: list[tuple[s.Auditor, s.Verdict | None]]
    entries: int
    """Entries of the tally log that this rests on."""


@dataclass(frozen=True)
class State:
    """How far the election is and what it waits for."""

    stage: str
    due: list[Due]
    sizes: dict[str, int]


class Office:
    """The tally's acts over its rows and its log."""

    def __init__(self, station: Station[TallyNode]) -> None:
        self._node = station.node
        self.store = TallyStore(station.engine)
        self._one_act = asyncio.Lock()

    # --- drills ---------------------------------------------------------------------------------------------------

    async def open_drill(self) -> OpenDrill:
        """The next drill. Raises Refused("key-not-complete")."""
        return await run_in_threadpool(self._open_drill)

    def _open_drill(self) -> OpenDrill:
        context, number, needed = self._node.look(_drill_of)
        return OpenDrill(number, tuple(self.store.shares(context, number)), needed)

    async def take_share(self, number: int, share: s.DrillShare) -> bool:
        """Keep a trustee's share of the next drill once it is verified; false where it is here already.

        Raises CheckFailed for a share that is not the trustee's, Refused("drill-number") for another drill.
        """
        return await run_in_threadpool(self._take_share, number, share)

    def _take_share(self, number: int, share: s.DrillShare) -> bool:
        def verify(view: View) -> bytes | None:
            key = core.complete_key(view)
            logged = {body.number: body for _, _, body in view.tally.of(s.Drill)}
            if number in logged and any(known.trustee == share.trustee for known in logged[number].shares):
                return None
            if number != core.next_drill(view):
                raise Refused("drill-number", number=number, next=core.next_drill(view))
            core.check_drill_share(view, key, number, share)
            return key.context

        context = self._node.look(verify)
        return context is not None and self.store.add_share(context, number, share)

    async def close_drill(self) -> tuple[int, Appended]:
        """Close the next drill with the shares that are here; gives its number and place.

        Where none are here, repeats the answer for the drill that was closed last. Raises
        Refused("drill-shares-missing").
        """
        async with self._one_act:
            context, number, _ = self._node.look(_drill_of)
            shares = await run_in_threadpool(self.store.shares, context, number)
            if not shares and number > 1:
                return number - 1, self._node.look(_last_drill)
            return number, await self._node.append_own(
                lambda view: drafts.Draft(core.drill(view, core.next_drill(view), shares))
            )

    # --- after the close ------------------------------------------------------------------------------------------

    async def fix_input(self) -> Appended:
        """Publish the list to mix. Raises Refused: "box-not-closed", "marks-missing", "not-cosigned-yet"."""
        async with self._one_act:
            standing = self._standing("tally-input")
            if standing is not None:
                return standing
            await run_in_threadpool(self._node.sync)
            close, marks = self._node.look(_closed)
            ballot = await run_in_threadpool(self._node.cosigned_checkpoint_of, "ballot", close + 1)
            registry = await run_in_threadpool(self._node.cosigned_checkpoint_of, "registry", marks + 1)
            return await self._node.append_own(lambda view: drafts.tally_input(view, ballot=ballot, registry=registry))

    async def count(self) -> Counted:
        """Count every batch once all are decrypted, then close the result once that is cosigned.

        Raises Refused("no-tally-input").
        """
        async with self._one_act:
            standing = self._standing("result")
            found = [] if standing else self._node.look(_lacking)
            if standing or found:
                return Counted(len(self._node.look(core.counted)), standing, found, None)
            await self._count_batches()
            size = self._node.look(lambda view: max(view.tally.indices("result-batch", "decryption"), default=0) + 1)
            done = len(self._node.look(core.counted))
            try:
                gate = await run_in_threadpool(self._node.cosigned_checkpoint_of, "tally", size)
            except Refused as refused:
                return Counted(done, None, [], str(refused.params.get("missing", "—")))
            return Counted(done, await self._node.append_own(lambda view: drafts.result(view, gate=gate)), [], None)

    async def _count_batches(self) -> None:
        done, batches = self._node.look(lambda view: (core.counted(view), view.batches))
        for batch in batches:
            if batch not in done:
                await self._node.append_own(lambda view, batch=batch: drafts.result_batch(view, batch))  # type: ignore[misc]

    # --- what everybody may see -----------------------------------------------------------------------------------

    async def results(self) -> Results:
        """The result as it is shown, from the logs alone."""
        return await run_in_threadpool(self._node.look, _results)

    async def state(self) -> State:
        """How far the election is, by the logs as they stand."""
        await run_in_threadpool(self._node.sync)
        return await run_in_threadpool(self._state)

    def _state(self) -> State:
        try:
            shares = self._open_drill().trustees
        except Refused:
            shares = ()

        def read(view: View) -> State:
            sizes: dict[str, int] = {name: len(log) for name, log in view.logs.items()}
            return State(engine.stage_reached(view), core.due(view, shares), sizes)

        return self._node.look(read)

    # --- shared ---------------------------------------------------------------------------------------------------

    def _standing(self, type_: str) -> Appended | None:
        """Where the one record of a type stands in our log."""

        def find(view: View) -> Appended | None:
            index = view.tally.first(type_)
            return None if index is None else Appended(index, view.tally.records[index].leaf_hash, new=False)

        return self._node.look(find)


def _results(view: View) -> Results:
    if not view.tally.records:
        return Results("none", None, None, [], [], 0)
    verdicts = published.opinions(view)
    return Results(
        status=published.status(view),
        name=view.manifest.name,
        offer=view.offer,
        batches=published.batches(view),
        opinions=[(auditor, verdicts[auditor.id]) for auditor in view.manifest.auditors],
        entries=len(view.tally),
    )


def _drill_of(view: View) -> tuple[bytes, int, int]:
    return core.complete_key(view).context, core.next_drill(view), core.drill_needs(view)


def _last_drill(view: View) -> Appended:
    index = view.tally.indices("drill")[-1]
    return Appended(index, view.tally.records[index].leaf_hash, new=False)


def _closed(view: View) -> tuple[int, int]:
    """The places of `close` and `marks`."""
    close, marks = view.ballot.first("close"), view.registry.first("marks")
    if close is None:
        raise Refused("box-not-closed")
    if marks is None:
        raise Refused("marks-missing")
    return close, marks


def _lacking(view: View) -> list[Lacking]:
    if not view.tally.records or view.tally_input is None:
        raise Refused("no-tally-input")
    return core.lacking(view)
