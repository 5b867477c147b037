"""A witness at work: it follows, verifies, answers, keeps what it finds, and tells its listeners.

One thread follows (`round`), any thread asks. Source: docs/spec/witness.md; protocol, section 12.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from audit.hooks.events import Listener
from audit.witness.cosigning import TEXT, Answer, Cosigning
from audit.witness.election import Election, Round, Violated
from audit.witness.evidence import Observation, Violation
from audit.witness.feed import Contradiction
from audit.witness.findings import record_writer
from audit.witness.ground import Foreign, Ground
from audit.witness.happenings import events_of
from audit.witness.lateness import Lateness
from audit.witness.mirror import Mirror
from audit.witness.status import LogStatus, WitnessStatus
from audit.witness.store import ELECTION, InTime
from vemre.cli import errors
from vemre.cli.translations import language
from vemre.election.rules import engine
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused, VemreError
from vemre.group import Group
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of, open_checkpoint
from vemre.log.signer import Cosigner
from vemre.log.witness import Cosigned, log_line_only
from vemre.service.client import ServiceClient
from vemre.service.sources import LogSource
from vemre.types import LOG_NAMES, Clock, LogName, Random

T = TypeVar("T")
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Watched:
    """The election that a witness verifies: whom to trust, where the logs are, and (with `posts`) the services to which
    it posts its cosignatures itself."""

    anchors: Anchors
    sources: Mapping[LogName, LogSource]
    posts: Mapping[LogName, ServiceClient] | None = None


class Witness:
    """One witness. `cosigner` is None for whoever watches without cosigning; `role` is the auditor's, if it is one.

    `add_checkpoint`, `latest`, `status`, `listen` may be called from any thread.
    """

    def __init__(
        self,
        folder: Path,
        database: str,
        *,
        name: str,
        cosigner: Cosigner | None,
        role: str | None = None,
        watched: Watched | None = None,
        foreign: Sequence[Foreign] = (),
        group: Group,
        random: Random,
        clock: Clock,
    ) -> None:
        """Takes up what was verified before. Raises StoreError where database or mirror cannot be believed, OSError."""
        self.name = name
        self.role = role
        anchors = None if watched is None else watched.anchors
        self.ground = Ground(folder, database, anchors, foreign, cosigner, clock)
        self.evidence = self.ground.findings.folder
        """The folder of the evidence files."""
        self.mirror: Mirror | None = None
        self.election: Election | None = None
        self._lateness: Lateness | None = None
        self._posts = {} if watched is None else dict(watched.posts or {})
        if watched is not None:
            try:
                self.mirror = Mirror(folder / "mirror", self._believed(watched.anchors))
                self.election = Election(
                    watched.anchors, watched.sources, self.mirror, self.ground.store, group, random
                )
            except BaseException:
                self.ground.store.close()
                raise
            self._lateness = Lateness(self.election, self.ground.store, role)
        self.cosigning = Cosigning(self.ground, self.election, self._lateness, self._ask)
        self.started = clock()
        self.waiting: Exception | None = None
        """Why the last round could not go on, or None."""
        self._stage = "empty" if self.election is None else engine.stage_reached(self.election.view)
        self._offers: dict[LogName, bytes] = {}
        self._posted: dict[LogName, int] = {}
        self._round = threading.Lock()
        self._changed = threading.Condition()
        self._rounds = 0
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._at_close: list[Callable[[], None]] = []

    def _believed(self, anchors: Anchors) -> Callable[[str, LogName], tuple[int, bytes]]:
        def believed(mirror: str, log: LogName) -> tuple[int, bytes]:
            found = self.ground.store.verified(mirror, anchors.logs[log].name)
            return found.size, found.root

        return believed

    def listen(self, listener: Listener) -> None:
        """Tell a listener from now on."""
        self.ground.listen(listener)

    def add_checkpoint(self, body: bytes, wait: float = 5.0) -> Answer:
        """See `Cosigning`."""
        return self.cosigning.add_checkpoint(body, wait)

    # --- running --------------------------------------------------------------------------------------------

    def start(self, interval: float) -> None:
        """Follow in a thread of its own, every `interval` seconds and whenever somebody asks for more."""
        self._thread = threading.Thread(target=self._run, args=(interval,), name="witness", daemon=True)
        self._thread.start()

    def at_close(self, act: Callable[[], None]) -> None:
        """Do something when the witness has ended, such as closing its connections."""
        self._at_close.append(act)

    def close(self) -> None:
        """End the thread and close files and database."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with self._round:
            if self.election is not None and self.election.size("tally"):
                self.election.keep_digest()
            if self.mirror is not None:
                self.mirror.close()
            self.ground.store.close()
        for act in self._at_close:
            act()

    def _run(self, interval: float) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self.round()
            except Exception as error:
                # Whatever a log serves must not end the witness; the place in the code goes to the technical log.
                self.waiting = error
                _logger.error("round-failed", exc_info=error)
            self._wake.wait(interval)

    def round(self) -> None:
        """Follow everything as far as it goes now. What went wrong is in the findings and in `waiting`."""
        with self._round:
            try:
                if self.election is not None:
                    self._follow(self.election)
            finally:
                with self._changed:
                    self._rounds += 1
                    self._changed.notify_all()

    def look(self, act: Callable[[Election], T]) -> T | None:
        """The result of `act` on the verified election between two rounds; None where no election is followed."""
        with self._round:
            return None if self.election is None else act(self.election)

    def _ask(self, name: LogName, note: bytes, done: Callable[[], bool], wait: float) -> None:
        """See `audit.witness.cosigning.Ask`."""
        end = time.monotonic() + wait
        self._offers[name] = note
        with self._changed:
            # The round that is under way may have looked at the log already.
            last = self._rounds + 2
        self._wake.set()
        while (left := end - time.monotonic()) > 0 and not self._closing.is_set():
            with self._changed:
                self._changed.wait(min(left, 0.2))
                looked = self._rounds >= last
            if done() or looked:
                return
            self._wake.set()

    # --- following the election -----------------------------------------------------------------------------

    def _follow(self, election: Election) -> None:
        store = self.ground.store
        found = Round()
        opened: dict[LogName, list[OpenedCheckpoint]] = {name: [] for name in LOG_NAMES}
        # First what a crash kept from the listeners.
        self._tell_entries(election)
        if ELECTION not in store.stopped():
            for name in election.feeds:
                if self.ground.is_stopped(election.anchors.logs[name].name):
                    found.waits[name] = Refused("witness-stopped", log=name)
                else:
                    self._look(election, name, found, opened[name])
            try:
                election.advance(found, self._closing.is_set)
            except Violated as violated:
                self._convict(election, violated)
        self._tell_entries(election)
        for wait in found.waits.values():
            if isinstance(wait, CheckFailed):
                self._observe(election, wait)
        self.waiting = next(iter(found.waits.values()), None)
        self._stage = engine.stage_reached(election.view)
        for name in election.feeds:
            try:
                self._after(election, name, opened[name])
            except VemreError as error:
                self.waiting = self.waiting or error

    def _look(self, election: Election, name: LogName, found: Round, opened: list[OpenedCheckpoint]) -> None:
        """The latest checkpoint of one log, and the one that was offered, as targets."""
        feed = election.feeds[name]
        offer = self._offers.pop(name, None)
        try:
            served = feed.look()
            opened += [one for one in (served, None if offer is None else feed.opened(offer)) if one is not None]
            for one in opened:
                # Whether it contradicts anything is judged by what was seen before.
                feed.compare(one)
                self.ground.see(one.checkpoint, log_line_only(one.note.encode(), feed.vkey))
                feed.aim(one)
            if served is not None:
                feed.served(served)
        except Contradiction as clash:
            self.ground.findings.keep(clash.failure, clash.split, stops=feed.vkey.name)
            found.waits[name] = clash.failure
        except (VemreError, OSError) as error:
            found.waits[name] = error

    def _tell_entries(self, election: Election) -> None:
        """Tell the listeners of every verified entry that they were not told of."""
        assert self.mirror is not None
        for name in LOG_NAMES:
            origin, size, log = election.anchors.logs[name].name, election.size(name), election.view.logs[name]
            told = self.ground.store.verified(self.mirror.id, origin).told
            for index in range(told, size):
                for event in events_of(election.view, name, index, log.records[index]):
                    self.ground.tell(event)
            if told < size:
                self.ground.store.told(self.mirror.id, origin, size)

    def _convict(self, election: Election, violated: Violated) -> None:
        """A rule is broken: for good where what the logs signed shows it."""
        self.waiting = violated.failure
        if not violated.shown:
            self._observe(election, violated.failure)
            return
        evidence = Violation({name: shown.part for name, shown in violated.shown.items()})
        entries = {name: shown.entries for name, shown in violated.shown.items()}
        writer = record_writer(entries, evidence, election.mirror.blob)
        self.ground.findings.keep(violated.failure, evidence, stops=ELECTION, write_record=writer)

    def _observe(self, election: Election, failure: CheckFailed) -> None:
        """Keep what proves nothing to others."""
        targets = [feed.target for feed in election.feeds.values() if feed.target is not None]
        seen = {target.origin: target.note.encode().decode() for target in targets}
        if not self._provable_already(failure):
            self.ground.findings.keep(failure, Observation(seen))

    def _provable_already(self, failure: CheckFailed) -> bool:
        """Whether the same fact stands among the findings with its proof."""
        key = (failure.check.value, failure.where, failure.party)
        return any((f.check, f.where, f.party) == key and f.provable for f in self.ground.store.findings())

    # --- after a round --------------------------------------------------------------------------------------

    def _after(self, election: Election, name: LogName, opened: list[OpenedCheckpoint]) -> None:
        """What others cosigned in time, what the mirror shows, what is posted."""
        feed, size = election.feeds[name], election.size(name)
        if not opened or self.ground.is_stopped(feed.vkey.name):
            return
        if not any(self._has_quorum(one) for one in opened):
            opened += [one for one in (feed.look_cosigned(),) if one is not None]
        fitting = [one for one in opened if one.size <= size and election.root(name, one.size) == one.root]
        if not fitting:
            return
        if name == "ballot" and self._lateness is not None:
            for one in fitting:
                self._lateness.hear(one, self.ground.now())
        self._show(name, max(fitting, key=lambda one: (self._has_quorum(one), one.size, len(one.cosigners))))
        if name in self._posts and self.ground.cosigner is not None:
            self._post(name, max(fitting, key=lambda one: one.size))

    def _anchors(self) -> Anchors:
        assert self.election is not None
        return self.election.anchors

    def _has_quorum(self, opened: OpenedCheckpoint) -> bool:
        anchors = self._anchors()
        return len(auditors_of(opened, anchors.witnesses)) >= anchors.quorum

    def _show(self, name: LogName, best: OpenedCheckpoint) -> None:
        """Let the mirror show a checkpoint, unless it shows a better one: one with a quorum first, then the larger."""
        assert self.mirror is not None
        anchors = self._anchors()
        witnesses = [key for keys in anchors.witnesses.values() for key in keys]
        shown, own = self.mirror.checkpoint(name), self.cosigning.note(anchors.logs[name].name)
        notes = [note for note in (shown, own) if note is not None]
        candidates = [*(open_checkpoint(note, anchors.logs[name], witnesses) for note in notes), best]
        chosen = max(candidates, key=lambda one: (self._has_quorum(one), one.size, len(one.cosigners)))
        if (note := chosen.note.encode()) != shown:
            self.mirror.show(name, note)

    def _post(self, name: LogName, opened: OpenedCheckpoint) -> None:
        """Cosign what is new and post it; post again what the service does not show.

        Raises RemoteProblem, Unreachable, StoreError.
        """
        cosigner, store = self.ground.cosigner, self.ground.store
        assert cosigner is not None
        last = store.last(opened.origin)
        if opened.size < last.size or cosigner.vkey in opened.cosigners or self._posted.get(name) == opened.size:
            return
        if self.cosigning.refusal(name, opened.checkpoint) is not None:
            return
        vkey = self.ground.logs[opened.origin]
        note = log_line_only(opened.note.encode(), vkey)
        line = self.ground.cosign(Cosigned(last.size, last.root), opened.checkpoint, note)
        if line is not None:
            self._posts[name].post("/log/cosignatures", str(line).encode(), TEXT, {"size": opened.size})
            if not any(cosigner.vkey in keys for keys in self._anchors().witnesses.values()):
                # A service that does not know this key shows nothing, however often it is told.
                self._posted[name] = opened.size

    def admit(self, size: int, reason: str) -> None:
        """The auditor's people decide that the first `size` entries of the ballot log count as in time."""
        self.ground.store.note_in_time(InTime("admitted", size, self.ground.now(), reason))

    # --- status ---------------------------------------------------------------------------------------------

    def status(self) -> WitnessStatus:
        """How it stands now."""
        store, waiting = self.ground.store, self.waiting
        cosigner = self.ground.cosigner
        return WitnessStatus(
            name=self.name,
            vkeys=() if cosigner is None else (str(cosigner.vkey),),
            mode="consistency" if self.election is None else "verify",
            role=self.role,
            stage=self._stage,
            logs=tuple(self.log_status(origin) for origin in self.ground.logs),
            findings=tuple(store.findings()),
            started=self.started,
            time=self.ground.now(),
            waiting=None if waiting is None else errors.explain(waiting)[0].wording(language()).detail,
        )

    def log_status(self, origin: str) -> LogStatus:
        """How one log stands. Raises KeyError for one that is not known."""
        name, store = self.ground.names.get(origin), self.ground.store
        last, seen = store.last(origin), store.latest_seen(origin)
        verified = last.size if name is None or self.election is None else self.election.size(name)
        return LogStatus(
            name=name or origin,
            origin=origin,
            seen=0 if seen is None else seen[0],
            verified=verified,
            cosigned=last.size,
            seen_time=None if seen is None else seen[1],
            cosigned_time=last.time if last.note else None,
        )
