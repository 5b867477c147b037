"""One vote for each person, whatever the channel (REQ-32): blocks in the ballot log, and votes by other channels.

The ballot log is the one arbiter. Of a ballot and a block of the same credential the one that stands there first
counts; so a vote by another channel is taken after its block stands, and never the other way round.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from starlette.concurrency import run_in_threadpool

from registry.node import RegistryNode
from registry.places import urn_of
from registry.roles import By
from registry.settings import RegistrySettings
from registry.store import Blocked, Enrolled, RegistryStore
from vemre.checks import Check
from vemre.election import drafts
from vemre.election.rules.view import View
from vemre.errors import Refused
from vemre.messages import RemoteProblem
from vemre.records import bundle
from vemre.records import vote_bodies as v
from vemre.service.station import Station

Reason = Literal["post", "in-person", "withdrawn"]
Channel = Literal["post", "in-person"]


@dataclass(frozen=True)
class Intake:
    """A vote by another channel that was taken. `block` is the place of the block in the ballot log, where the voter
    had a credential; `new` is false where this very request took it before."""

    block: int | None
    new: bool


class Channels:
    """Blocks and intake. `one_act` is the lock of the office's acts."""

    def __init__(
        self, station: Station[RegistryNode], settings: RegistrySettings, store: RegistryStore, one_act: asyncio.Lock
    ) -> None:
        self._station = station
        self._node = station.node
        self._store = store
        self._one_act = one_act
        self._ballot = station.client("ballot") if settings.ballot_url else None

    async def block(self, folio: str, reason: Reason, by: By) -> int:
        """Use a voter's credential up, since the vote came by another channel; gives the place in the ballot log.

        Raises Refused: "voter-unknown", "credentials-missing", "no-setup", "already-blocked" for another reason,
        "already-voted-online" where the ballot came first, "box-not-open"; Unreachable.
        """
        async with self._one_act:
            return await self._block(await run_in_threadpool(self.voter, folio), reason, by)

    async def _block(self, voter: Enrolled, reason: Reason, by: By) -> int:
        order = await run_in_threadpool(self._store.blocked, voter.voter)
        if order is None:
            await run_in_threadpool(self._node.sync)
            order = await run_in_threadpool(self._order, voter, reason)
        if order.position is None:
            # Also where it was another reason: only the ballot log knows whether that order came to stand.
            await self._note("block", voter.voter, by)
            position = await run_in_threadpool(self._submit_block, order)
            await run_in_threadpool(self._store.place_block, voter.voter, position)
        else:
            position = order.position
        if order.reason != reason:
            raise Refused("already-blocked", reason=order.reason)
        return position

    async def take_in(self, folio: str, channel: Channel, request: str | None, by: By) -> Intake:
        """Take a vote that came by another channel, after the voter's credential was used up in the ballot log.

        Whichever of ballot and block is there first counts, so nothing is taken before the block stands. The same
        `request` again gives the same answer. Raises Refused: "not-enrolled", "vote-already-taken",
        "already-voted-online", "already-blocked", "box-not-open", "no-setup"; Unreachable.
        """
        async with self._one_act:
            number = await run_in_threadpool(self._store.number_by_folio, folio)
            if number is None:
                raise Refused("not-enrolled")
            await self._note("intake", number, by)
            position = await run_in_threadpool(self._store.block_position, number)
            known = await run_in_threadpool(self._store.taken, number)
            if known is not None:
                if known[0] != channel or request is None or known[1] != request:
                    raise Refused("vote-already-taken", channel=known[0])
                return Intake(position, new=False)
            voter = await run_in_threadpool(self._store.by_folio, folio)
            if voter is not None and voter.credential is not None:
                position = await self._used_up(voter, channel, by)
            await run_in_threadpool(self._store.take_in, number, channel, request, self._station.clock())
            return Intake(position, new=True)

    async def _used_up(self, voter: Enrolled, channel: Channel, by: By) -> int | None:
        """Make sure that a voter cannot vote on line any more; gives the block's place, or None where the log closed
        without a ballot of this voter."""
        withdrawn = await run_in_threadpool(self._store.blocked, voter.voter)
        reason: Reason = "withdrawn" if withdrawn is not None and withdrawn.reason == "withdrawn" else channel
        try:
            return await self._block(voter, reason, by)
        except Refused as refused:
            if refused.code != "box-not-open":
                raise
            await run_in_threadpool(self._node.sync)
            if self._node.look(lambda view: view.ballot.first("close") is None):
                raise
            _, signers = self._node.look(closed)
            if voter.credential in signers:
                raise Refused("already-voted-online") from None
            return None

    def _order(self, voter: Enrolled, reason: Reason) -> Blocked:
        if voter.credential is None:
            raise Refused("credentials-missing", count=1)
        context, urns = self._node.look(lambda view: (drafts.context_of(view), [u.id for u in view.offer.urns]))
        body = v.Block(context, urn_of_voter(voter, urns), voter.credential.hex(), reason)
        log, identity = self._station.anchors.logs["ballot"].name, self._station.identity
        entry = drafts.sign_entry(body, log=log, signer=identity.role, key=identity.sign)
        order = Blocked(voter.voter, reason, entry, None)
        self._store.add_block(order)
        return order

    def _submit_block(self, order: Blocked) -> int:
        if self._ballot is None:
            raise Refused("settings-unusable", fields="ballot_url")
        try:
            return int(self._ballot.submit(bundle.encode(order.entry))["index"])
        except RemoteProblem as problem:
            if problem.code in ("already-voted", f"check-{Check.BALLOT_ONCE.lower()}"):
                raise Refused("already-voted-online") from None
            if problem.code in ("box-not-open", "voting-closed"):
                raise Refused("box-not-open") from None
            raise

    def voter(self, folio: str) -> Enrolled:
        """The voter with this folio and the Internet modality. Blocking. Raises Refused("voter-unknown")."""
        voter = self._store.by_folio(folio)
        if voter is None:
            raise Refused("voter-unknown")
        return voter

    async def _note(self, act: str, number: int, by: By) -> None:
        now, subject = self._station.clock(), f"voter/{number}"
        await run_in_threadpool(lambda: self._store.note_access(act, 1, by.request, now, who=by.who, subject=subject))


def closed(view: View) -> tuple[int, dict[bytes, int]]:
    """The place of `close`, and of every ballot by its credential."""
    close = view.ballot.first("close")
    if close is None:
        raise Refused("box-not-closed")
    return close, {bytes.fromhex(record.signer): index for index, record, _ in view.ballot.of(v.Ballot)}


def urn_of_voter(voter: Enrolled, urns: list[str]) -> str:
    """The urn of a voter. Raises Refused("entity-without-urn")."""
    urn = urn_of(voter.entity, urns)
    if urn is None:
        raise Refused("entity-without-urn", count=1)
    return urn
