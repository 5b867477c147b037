"""Answers add-checkpoint: the checks of C2SP tlog-witness in their order, and between them and the cosignature what a
witness of an election owes: that every entry is verified, that none is late, that nothing found forbids it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from audit.witness.election import Election
from audit.witness.evidence import Split
from audit.witness.feed import Signed, contradiction, split_between
from audit.witness.ground import Ground
from audit.witness.lateness import Lateness
from vemre.errors import CheckFailed, VemreError
from vemre.log import merkle
from vemre.log.checkpoint import Checkpoint, SignedCheckpoint
from vemre.log.reader import LogReader
from vemre.log.witness import SIZE_CONTENT_TYPE, AddCheckpoint, Cosigned, decide, log_line_only
from vemre.types import LogName

RETRY_SECONDS: Final = 2
TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """The answer to an add-checkpoint request; `retry_after` in seconds."""

    status: int
    body: bytes
    content_type: str = TEXT
    retry_after: int | None = None


class Ask(Protocol):
    """Asks the thread that follows for a checkpoint of a log, and waits until `done()`, until it has looked, or for
    `wait` seconds."""

    def __call__(self, name: LogName, note: bytes, done: Callable[[], bool], wait: float) -> None: ...


class Cosigning:
    """The witness towards the logs. Safe from several threads."""

    def __init__(self, ground: Ground, election: Election | None, lateness: Lateness | None, ask: Ask) -> None:
        self._ground = ground
        self._store = ground.store
        self._election = election
        self._lateness = lateness
        self._ask = ask

    def add_checkpoint(self, body: bytes, wait: float) -> Answer:
        """The answer to a request. Waits up to `wait` seconds for entries to be verified.

        Raises StoreError where what was cosigned cannot be read or written: then nothing is answered.
        """
        known: dict[str, Cosigned] = {}

        def last(origin: str) -> Cosigned:
            found = self._store.last(origin)
            known[origin] = Cosigned(found.size, found.root)
            return known[origin]

        decision = decide(body, self._ground.logs, last)
        request = self._signed(body)
        if request is not None:
            self._keep_seen(request)
        if decision.checkpoint is None or request is None:
            self._look_into(request)
            return Answer(decision.status, decision.body, decision.content_type)
        checkpoint, origin = decision.checkpoint, decision.checkpoint.origin
        name = self._ground.names.get(origin)
        refusal = None if name is None else self._unverified(name, checkpoint, request, wait)
        if self._ground.is_stopped(origin):
            return Answer(422, b"a finding forbids to cosign this log\n")
        if refusal is not None:
            return refusal
        note = log_line_only(request.checkpoint.encode(), self._ground.logs[origin])
        line = self._ground.cosign(known[origin], checkpoint, note)
        if line is None:
            return Answer(409, f"{self._store.last(origin).size}\n".encode(), SIZE_CONTENT_TYPE)
        return Answer(200, str(line).encode())

    def latest(self, digest: str) -> bytes | None:
        """The latest cosigned checkpoint of the log whose origin has this SHA-256 (hex), with the log's line and this
        witness's; None where there is none."""
        for origin in self._ground.logs:
            if hashlib.sha256(origin.encode()).hexdigest() == digest:
                return self.note(origin)
        return None

    def note(self, origin: str) -> bytes | None:
        """The latest cosigned checkpoint of a log, with both lines."""
        last, cosigner = self._store.last(origin), self._ground.cosigner
        if not last.note or cosigner is None:
            return None
        signed = SignedCheckpoint.parse(last.note)
        return signed.note.with_lines([cosigner.cosign(signed.checkpoint, last.time)]).encode()

    def refusal(self, name: LogName, checkpoint: Checkpoint) -> Answer | None:
        """Why a checkpoint of the election is not cosigned now: not verified, not the entries' root, late. None where
        nothing is in the way."""
        election = self._election
        assert election is not None
        assert self._lateness is not None
        if election.size(name) < checkpoint.size:
            return Answer(503, b"the entries are not verified yet\n", retry_after=RETRY_SECONDS)
        if election.root(name, checkpoint.size) != checkpoint.root:
            return Answer(422, b"the root is not that of the entries\n")
        if name == "ballot" and self._lateness.refuses(checkpoint.size, self._ground.now()):
            return Answer(503, b"late ballots: the auditor's people decide\n", retry_after=RETRY_SECONDS)
        return None

    def _unverified(self, name: LogName, checkpoint: Checkpoint, request: AddCheckpoint, wait: float) -> Answer | None:
        """`refusal`, after the thread that follows had its chance."""
        election = self._election
        assert election is not None

        def covered() -> bool:
            size = checkpoint.size
            return election.size(name) >= size and election.root(name, size) == checkpoint.root

        if not covered():
            stopped = self._ground.is_stopped
            done = lambda: covered() or stopped(checkpoint.origin)  # noqa: E731
            self._ask(name, request.checkpoint.encode(), done, wait)
        return self.refusal(name, checkpoint)

    def _look_into(self, request: AddCheckpoint | None) -> None:
        """Let the thread that follows hold a refused checkpoint against the log, without waiting for it."""
        if request is None or self._election is None:
            return
        checkpoint = request.checkpoint.checkpoint
        name = self._ground.names.get(checkpoint.origin)
        if name is not None and checkpoint.size > self._election.size(name):
            self._ask(name, request.checkpoint.encode(), lambda: True, 0)

    # --- contradictions -------------------------------------------------------------------------------------

    def _signed(self, body: bytes) -> AddCheckpoint | None:
        """The request, where it bears the signature of a log that is known here."""
        try:
            request = AddCheckpoint.parse(body)
            vkey = self._ground.logs.get(request.checkpoint.checkpoint.origin)
            if vkey is None:
                return None
            request.checkpoint.log_line(vkey)
        except CheckFailed:
            return None
        return request

    def _keep_seen(self, request: AddCheckpoint) -> None:
        """Keep what a log signed, and the proof where it signed something else before."""
        checkpoint = request.checkpoint.checkpoint
        note = log_line_only(request.checkpoint.encode(), self._ground.logs[checkpoint.origin])
        split = self._split(checkpoint, note, request)
        if split is not None:
            clash = contradiction(split, *self._ground.place(checkpoint.origin))
            self._ground.findings.keep(clash.failure, clash.split, stops=checkpoint.origin)
        self._ground.see(checkpoint, note)

    def _split(self, checkpoint: Checkpoint, note: bytes, request: AddCheckpoint) -> Split | None:
        origin = checkpoint.origin
        if checkpoint.size == 0 and checkpoint.root != merkle.EMPTY_ROOT:
            return Split(origin, note, note)
        for root, other in self._store.seen_at(origin, checkpoint.size):
            if root != checkpoint.root:
                return Split(origin, other, note)
        name, election = self._ground.names.get(origin), self._election
        if name is not None and election is not None and checkpoint.size <= election.size(name):
            return self._split_by_entries(name, checkpoint, note)
        last = self._store.last(origin)
        if request.old != last.size or not 0 < last.size < checkpoint.size:
            return None
        proof = request.proof
        try:
            # A proof that leads to the new root shows by itself what the log says its beginning was.
            shown = merkle.prefix_root(last.size, checkpoint.size, proof, checkpoint.root)
        except CheckFailed:
            return self._split_by_tiles(checkpoint, note, last.note, proof)
        return None if shown == last.root else Split(origin, last.note, note, tuple(proof))

    def _split_by_entries(self, name: LogName, checkpoint: Checkpoint, note: bytes) -> Split | None:
        """A checkpoint of the election against the verified entries and a signed checkpoint over them."""
        election = self._election
        assert election is not None
        tree = election.mirror.logs[name].tree
        held = self._store.seen_until(checkpoint.origin, tree.size)
        if tree.root(checkpoint.size) == checkpoint.root or held is None:
            return None
        found = SignedCheckpoint.parse(held).checkpoint
        if found.root != tree.root(found.size):
            return None
        return split_between(Signed(found, held, tree.read), Signed(checkpoint, note))

    def _split_by_tiles(self, checkpoint: Checkpoint, note: bytes, last: bytes, proof: Sequence[bytes]) -> Split | None:
        """The same from the tiles of a foreign log, where its address is known and the proof does not hold."""
        foreign = self._ground.foreign.get(checkpoint.origin)
        old = SignedCheckpoint.parse(last).checkpoint
        if foreign is None or foreign.source is None:
            return None
        try:
            merkle.verify_consistency(old.size, checkpoint.size, old.root, checkpoint.root, proof)
        except CheckFailed:
            try:
                reader = LogReader(foreign.source.tile, checkpoint, name=checkpoint.origin, allow_full=True)
                return split_between(Signed(old, last), Signed(checkpoint, note, reader.hash_at))
            except (VemreError, OSError):
                return None
        return None
