"""A service's place in the election: its own log, the two others as it follows them, and one view of all three.

`ElectionNode` is where a record gets into a log: it is checked against every rule together with everything before it
(`vemre.election.rules.engine`), its blobs are kept, it is committed, and only then is anybody told. Everything that
touches the view runs under one lock; what takes long or waits for the network runs in a thread pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

import structlog
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from vemre.checks import Check
from vemre.crypto import ed25519
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.rules import cited, engine
from vemre.election.rules.view import Anchors, LogView, View, role_keys
from vemre.errors import CheckFailed, Refused, StoreError
from vemre.group import Group
from vemre.records import bundle
from vemre.records.bulk import parse_all
from vemre.records.fields import Blob
from vemre.records.record import Record, parse
from vemre.service.follower import PORTION, Follower
from vemre.service.writer import Writer
from vemre.storage.blobs import BlobStore
from vemre.storage.log_store import LogTransaction
from vemre.types import WRITERS, Clock, LogName, Random

T = TypeVar("T")

SYNC_ROUNDS: Final = 8
_logger = structlog.get_logger(__name__)

UNTIMELY: Final = frozenset({Check.ORDER, Check.DKG_ORDER, Check.DKG_ACK, Check.GATE, Check.CHECKPOINT, Check.NOTE})
"""Failures that may come of being early or out of step: refused, but nobody is accused in the log."""


@dataclass(frozen=True)
class Appended:
    """Where a record stands. `new` is false where it stood there before."""

    index: int
    leaf_hash: bytes
    new: bool


class ElectionNode:
    """One service's log in the election.

    `followers` are the other logs, by name; a log that is not followed stays empty in the view. `key` signs the
    records of the service's own role.
    """

    def __init__(
        self,
        name: LogName,
        *,
        anchors: Anchors,
        group: Group,
        random: Random,
        clock: Clock,
        writer: Writer,
        blobs: BlobStore,
        key: SigningKey,
        followers: Mapping[LogName, Follower],
        freshen: Callable[[], None] = lambda: None,
    ) -> None:
        """`freshen` looks at what another instance may have appended to the service's own log.

        Reads that log from the store. Raises StoreError where an entry of it is no record.
        """
        self.name = name
        self.role = WRITERS[name]
        self.anchors = anchors
        self.store = writer.store
        self.blobs = blobs
        self._clock = clock
        self._key = key
        self._writer = writer
        self._followers = dict(followers)
        self._lock = threading.RLock()
        self._sync_lock = threading.Lock()
        self.freshen = freshen
        self._accused: set[tuple[str, str, Check]] = set()
        self._view = View(anchors, self._blob, group, random)
        log, entries = self._view.logs[name], iter(self.store.entries())
        while portion := list(islice(entries, PORTION)):
            records: list[Record] = []
            try:
                records.extend(parse_all(portion, group))
            except CheckFailed as failure:
                index = len(log) + len(records)
                raise StoreError(f"{self.store.origin}: entry {index} is no record: {failure}") from failure
            log.extend(records)

    def catch_up(self) -> None:
        """Take over what another instance appended to the service's own log. Blocking. Raises StoreError."""
        for entry in self.store.catch_up():
            try:
                record = parse(entry)
            except CheckFailed as failure:
                raise StoreError(f"{self.store.origin}: an entry from elsewhere is no record: {failure}") from failure
            with self._lock:
                self._learn(record)

    def _learn(self, record: Record) -> None:
        """A record that stands in the log already."""
        self.own.append(record)

    @property
    def own(self) -> LogView:
        """The service's own log in the view."""
        return self._view.logs[self.name]

    def look(self, act: Callable[[View], T]) -> T:
        """The result of `act` on the view, which nobody changes meanwhile. `act` must not keep the view."""
        with self._lock:
            return act(self._view)

    def _blob(self, digest: str) -> bytes:
        try:
            return self.blobs.get(digest)
        except FileNotFoundError:
            raise KeyError(digest) from None

    # --- following the other logs -------------------------------------------------------------------------

    def sync(self) -> None:
        """Follow the other logs until no record cites a state beyond what is held.

        Raises CheckFailed where another log is not what it promised to be, Unreachable where it does not answer,
        StoreError where another log cites a state of our own that we do not have: then our database was rolled back.
        """
        with self._sync_lock:
            for _ in range(SYNC_ROUNDS):
                for name, follower in self._followers.items():
                    self._take(name, follower)
                ahead = self._ahead()
                if self.name in ahead:
                    # What another instance appended may be cited before it was taken over here.
                    self.freshen()
                    ahead = self._ahead()
                if self.name in ahead:
                    raise StoreError(f"{self.store.origin}: others have seen more of this log than it holds")
                if not ahead & set(self._followers):
                    return
        raise Refused("logs-out-of-step")

    def _ahead(self) -> set[LogName]:
        """The logs of which more is cited than is held."""
        with self._lock:
            return cited.beyond(self._view)

    def _take(self, name: LogName, follower: Follower) -> None:
        """Take over the new entries of another log, each after its blobs."""
        follower.refresh()

        def keep(ref: Blob) -> None:
            if not self.blobs.has(ref.sha256):
                self.blobs.put(follower.blob(ref))

        for records in follower.new_records(self._view.group, keep):
            with self._lock:
                self._view.logs[name].extend(records)

    # --- appending ------------------------------------------------------------------------------------------

    async def submit(self, data: bytes) -> Appended:
        """Append a record that somebody else signed, with its blobs (vemre.records.bundle).

        Sending the same bytes again gives the same answer. Raises CheckFailed for what breaks a rule, and puts an
        incident into the log that names the signer where it was validly signed and not merely early.
        """
        submission = await run_in_threadpool(bundle.decode, data)
        record = submission.record
        known = self.find(record)
        if known is not None:
            return known
        await run_in_threadpool(self._prepare, submission)
        try:
            return (await self._writer.submit(lambda transaction: self._admit(transaction, record))).value
        except CheckFailed as failure:
            await self._accuse(record, failure)
            raise

    def _prepare(self, submission: bundle.Submission) -> None:
        self.sync()
        self._check_signer(submission.record)
        for blob in submission.blobs.values():
            self.blobs.put(blob)

    async def append_own(
        self, make: Callable[[View], drafts.Draft], rows: Callable[[Connection], None] | None = None
    ) -> Appended:
        """Append a record of the service's own role. `make` gives its draft from the view as it then is; `rows` writes
        the service's own rows in the same transaction."""
        await run_in_threadpool(self.sync)

        def decide(transaction: LogTransaction) -> Appended:
            with self._lock:
                draft = make(self._view)
                entry = drafts.sign_entry(draft.body, log=self.store.origin, signer=self.role, key=self._key)
                for blob in draft.blobs:
                    self.blobs.put(blob)
                if rows is not None:
                    # Before the view changes: rows that are refused must leave it as it was.
                    rows(transaction.connection)
                return self._admit(transaction, parse(entry))

        return (await self._writer.submit(decide)).value

    def find(self, record: Record) -> Appended | None:
        """Where the very same record stands in the log, if it does. Only what is committed counts."""
        with self._lock:
            index = self.own.find(record.leaf_hash)
        if index is None or index >= self.store.size:
            return None
        return Appended(index, record.leaf_hash, new=False)

    def _admit(self, transaction: LogTransaction, record: Record) -> Appended:
        """In the writer thread: check a record with everything before it, and append it."""
        with self._lock:
            known = self.own.find(record.leaf_hash)
            if known is not None:
                return Appended(known, record.leaf_hash, new=False)
            self.check_timely(self._view, record)
            (index,) = transaction.append([record.entry])
            engine.admit(self._view, self.name, record)
        return Appended(index, record.leaf_hash, new=True)

    def check_timely(self, view: View, record: Record) -> None:
        """What a writer refuses although the rules would let it stand in a log. Raises CheckFailed. Here: nothing."""

    def _check_signer(self, record: Record) -> None:
        """Nobody but a role of the election fills our disk. Raises CheckFailed(RECORD-SIGNATURE or RECORD-ROLE)."""
        with self._lock:
            started = bool(self._view.tally.records)
            keys = role_keys(self._view.manifest) if started else {}
        keys.setdefault("authority", bytes.fromhex(self.anchors.policy.authority))
        key = keys.get(record.signer)
        if key is None or not record.kind.may_sign(record.signer, self.name):
            raise CheckFailed(Check.RECORD_ROLE, f"{record.signer[:80]} may not sign a {record.type} here")
        try:
            ed25519.verify(key, record.signed_bytes, record.signature)
        except ed25519.SignatureInvalid:
            problem = f"the signature does not verify under the key of {record.signer}"
            raise CheckFailed(Check.RECORD_SIGNATURE, problem) from None

    async def _accuse(self, record: Record, failure: CheckFailed) -> None:
        """Put an incident into the log; once for each signer, type and check, so that nobody floods the log."""
        key = (record.signer, record.type, failure.check)
        if failure.check in UNTIMELY or key in self._accused or not len(self.own):
            return
        self._accused.add(key)
        text = f"{record.signer}: {record.type} refused [{failure.check}] {failure.detail}"
        try:
            await self.append_own(lambda _: drafts.incident("refused-record", text, self._clock()))
        except (CheckFailed, Refused) as error:
            _logger.warning("incident-not-logged", check=str(failure.check), reason=str(error))

    # --- checkpoints ----------------------------------------------------------------------------------------

    def cosigned_checkpoint(self, size: int) -> str:
        """A checkpoint of our own log that covers at least `size` entries and has its quorum, for a gate.

        Raises Refused("not-cosigned-yet") naming the auditors whose cosignature is missing.
        """
        opened = self.store.latest_cosigned(self.anchors.witnesses, self.anchors.quorum, covering=size)
        if opened is None:
            missing = self.store.missing_auditors(self.anchors.witnesses, size)
            raise Refused("not-cosigned-yet", log=self.name, size=size, missing=", ".join(missing))
        return opened.note.encode().decode()

    def cosigned_checkpoint_of(self, name: LogName, size: int) -> str:
        """The same of any of the three logs."""
        if name == self.name:
            return self.cosigned_checkpoint(size)
        return self._followers[name].cosigned(size)


__all__ = ["Appended", "ElectionNode"]
