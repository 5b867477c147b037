"""The ballot box's log: ballots one at a time, at a cost that does not grow with the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ballot import core
from ballot.core import Window
from ballot.sessions import Session
from vemre.checks import Check
from vemre.election import drafts
from vemre.election.rules import ballots, cited
from vemre.election.rules.ballots import BallotState
from vemre.election.rules.view import LogView, View
from vemre.errors import CheckFailed, Refused
from vemre.records import vote_bodies as v
from vemre.records.fields import format_time
from vemre.records.record import Record, parse
from vemre.service.node import Appended, ElectionNode
from vemre.storage.group_commit import Committed
from vemre.storage.log_store import LogTransaction
from vemre.types import LogName

Outcome: TypeAlias = Appended | CheckFailed | Refused
"""What becomes of a ballot in the writer."""


@dataclass(frozen=True)
class PageRecord:
    """A `page-assets` record, and where it stands."""

    index: int
    leaf_hash: bytes
    body: v.PageAssets


class BallotNode(ElectionNode):
    """`ElectionNode` with a state that tells of one ballot whether it may be appended.

    The state exists once the box is open. Only the writer thread changes it, together with the view.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._state: BallotState | None = None
        self._window: Window | None = None
        self._page: bytes | None = None

    def begin(self) -> tuple[BallotState, Window]:
        """The state and the window, built from the logs where they are not there yet. Blocking.

        Raises Refused("box-not-open"), CheckFailed where the other logs are not those that `open` was checked
        against, Unreachable.
        """
        if self._state is None or self._window is None:
            if self.own.first("open") is None:
                raise Refused("box-not-open")
            self.sync()
            self._build()
        assert self._state is not None
        assert self._window is not None
        return self._state, self._window

    def _build(self) -> None:
        with self._lock:
            if self._state is not None:
                return
            view = self._view
            # `open` was admitted after the whole setup had been verified. Its checkpoint pins the tally log, and
            # `setup` in there the registry log: what is followed now must be that.
            cited.check_notes(view)
            cited.check_checkpoints(view)
            state = ballots.state_of(_frozen(view, self._blob))
            if state is None:
                raise Refused("no-setup")
            for index in self.own.indices("ballot", "block"):
                state.add(index, self.own.records[index])
            self._window = Window.of(view.manifest)
            self._state = state

    async def cast(self, ballots: Sequence[tuple[Record, Session]]) -> Committed[list[Outcome]]:
        """Append ballots that passed every check but the writer's; answers after the commit, each as if it had come
        alone: where it stands, or why it is refused.

        That is Refused "box-not-open", "voting-not-begun", "voting-closed", "already-voted" or "credential-blocked", or
        CheckFailed(BALLOT-FRESH). Raises what `Writer.submit` raises.
        """
        return await self._writer.submit(
            lambda transaction: [self._outcome(transaction, record, session) for record, session in ballots]
        )

    def _outcome(self, transaction: LogTransaction, record: Record, session: Session) -> Outcome:
        # A refusal changes nothing, so that it takes back nothing.
        try:
            return self._admit_ballot(transaction, record, session)
        except (CheckFailed, Refused) as refusal:
            return refusal

    def check_writes(self) -> None:
        """Raises Refused("log-elsewhere") where another instance takes ballots, Refused("log-stopped")."""
        self._writer.check()

    def check_early(self, record: Record) -> None:
        """Spare the heavy checks where the log already decides. What is not committed yet decides nothing here: the
        writer answers for it, after its commit. Raises as `core.check_free`."""
        assert self._state is not None
        with self._lock:
            self._check_page()
            in_flight = self._state.used.get(bytes.fromhex(record.signer), -1) >= self.store.size
            if not in_flight and self.own.find(record.leaf_hash) is None:
                core.check_free(self.own, self._state, record)

    def ballot_of(self, credential: bytes) -> bytes | None:
        """The leaf hash of a credential's ballot, once it is committed. Blocking. Raises as `begin`."""
        self.freshen()
        if self.own.first("open") is None:
            return None
        state, _ = self.begin()
        with self._lock:
            index = state.used.get(credential)
            if index is None or index >= self.store.size or self.own.records[index].type != "ballot":
                return None
            return self.own.records[index].leaf_hash

    def _admit_ballot(self, transaction: LogTransaction, record: Record, session: Session) -> Appended:
        """In the writer thread. The clock is read here, so that the order of the log is the order of time."""
        with self._lock:
            known = self._standing(record)
            if known is not None:
                return known
            core.check_open(self.own)
            self._check_page()
            assert self._state is not None
            assert self._window is not None
            self._window.check(self._clock(), session)
            core.check_free(self.own, self._state, record)
            return self._append(transaction, record)

    def _append(self, transaction: LogTransaction, record: Record) -> Appended:
        """Nothing after this refuses the record: log, view and state go together."""
        (index,) = transaction.append([record.entry])
        self._learn(record)
        return Appended(index, record.leaf_hash, new=True)

    def _learn(self, record: Record) -> None:
        super()._learn(record)
        if self._state is not None and record.type in ("ballot", "block"):
            self._state.add(len(self.own) - 1, record)

    def _admit(self, transaction: LogTransaction, record: Record) -> Appended:
        """Blocks, and what may stand anywhere, without going through the whole log; all else by all rules."""
        match record.body:
            case v.Block():
                return self._admit_block(transaction, record)
            case v.Incident() | v.Integrity() | v.PageAssets():
                return self._admit_aside(transaction, record)
            case v.Open():
                self._check_opening()
                opened = super()._admit(transaction, record)
                if self._page is not None and opened.new:
                    self._append_page(transaction)
                return opened
        return super()._admit(transaction, record)

    # --- the page -------------------------------------------------------------------------------------------

    def serve_page(self, assets: bytes | None) -> None:
        """Say what the voter's page serves: the canonical JSON of {path: SHA-256}, None where there is no page."""
        if assets is not None:
            # It is there before a record names it.
            self.blobs.put(assets)
        self._page = assets

    def page_on_record(self) -> PageRecord | None:
        """The last committed `page-assets` record."""
        with self._lock:
            found = [index for index in self.own.indices("page-assets") if index < self.store.size]
            if not found:
                return None
            record = self.own.records[found[-1]]
            assert isinstance(record.body, v.PageAssets)
            return PageRecord(found[-1], record.leaf_hash, record.body)

    def page_list(self, digest: str) -> dict[str, str]:
        """The list that a `page-assets` record of this log names."""
        found: dict[str, str] = json.loads(self._blob(digest))
        return found

    async def append_page(self) -> Appended:
        """Put the page that is served on the record, unless the last record says so. Raises Refused("box-not-open")."""
        return (await self._writer.submit(self._renew_page)).value

    def _renew_page(self, transaction: LogTransaction) -> Appended:
        with self._lock:
            core.check_open(self.own)
            last = self.own.last("page-assets")
            if last is not None and self._is_page(self.own.records[last]):
                return Appended(last, self.own.records[last].leaf_hash, new=False)
            return self._append_page(transaction)

    def _append_page(self, transaction: LogTransaction) -> Appended:
        """The same list may come again after another one: the last record is the one that counts."""
        with self._lock:
            assert self._page is not None
            body = v.PageAssets(drafts.blob_of(self._page))
            entry = drafts.sign_entry(body, log=self.store.origin, signer=self.role, key=self._key)
            return self._append(transaction, parse(entry))

    def _is_page(self, record: Record) -> bool:
        assert isinstance(record.body, v.PageAssets)
        return self._page is not None and record.body.assets == drafts.blob_of(self._page)

    def _check_page(self) -> None:
        """No ballot while the log does not say which page is served. Raises Refused("page-not-on-record")."""
        last = self.own.last("page-assets")
        if self._page is not None and (last is None or not self._is_page(self.own.records[last])):
            raise Refused("page-not-on-record")

    def _check_opening(self) -> None:
        """The order to open may be signed before its time; it is not executed before."""
        with self._lock:
            if not self._view.tally.records:
                raise Refused("no-manifest")
            opens = Window.of(self._view.manifest).opens
        if self._clock() < opens:
            raise Refused("voting-not-begun", opens=format_time(opens))

    def _admit_block(self, transaction: LogTransaction, record: Record) -> Appended:
        with self._lock:
            known = self._standing(record)
            if known is not None:
                return known
            self._check_origin(record)
            core.check_open(self.own)
            self._build()
            assert self._state is not None
            core.check_block(self._state, record)
            core.check_free(self.own, self._state, record)
            return self._append(transaction, record)

    def _admit_aside(self, transaction: LogTransaction, record: Record) -> Appended:
        """Signature and role were checked on submission; nothing else of it can be wrong but its place."""
        with self._lock:
            known = self._standing(record)
            if known is not None:
                return known
            self._check_origin(record)
            if not len(self.own):
                raise CheckFailed(Check.ORDER, f"{record.type} may not be the first entry", where="ballot/0")
            return self._append(transaction, record)

    def _standing(self, record: Record) -> Appended | None:
        """Where the very same record stands, committed or in this batch."""
        index = self.own.find(record.leaf_hash)
        return None if index is None else Appended(index, record.leaf_hash, new=False)

    def _check_origin(self, record: Record) -> None:
        if record.log != self.store.origin:
            raise CheckFailed(Check.RECORD_ROLE, "the record was made for another log", party=record.signer)


def _frozen(view: View, blobs: Callable[[str], bytes]) -> View:
    """The election as the setup binds it: what a registry adds to its roll later gives nobody a vote."""
    index = view.setup_index
    if index is None:
        return view
    size = cited.opened(view, view.tally.records[index], "registry", "registry").size
    registry = LogView("registry", view.registry.records[:size])
    logs: dict[LogName, LogView] = {"registry": registry, "ballot": LogView("ballot"), "tally": view.tally}
    return View(view.anchors, blobs, view.group, view.random, logs=logs, memo=view.memo)
