"""Feeds a log's checkpoints to its witnesses, and stops the service where a witness can show that the log went back.

Each address of the file of witnesses has a task of its own in the application's event loop: one request in flight at
most, always about the newest checkpoint, so that a fast log queues nothing up and a slow or lying witness delays nobody
but itself. The writer is never waited for and never waits.

Nobody believes a witness. Its lines are verified before they are kept. Where it says that it saw more of the log than
there is, only its feeding ends; the service stops when the witness shows a checkpoint with this log's own signature
that the database does not contain: that the log's key made, and whatever would be appended now would fork the log that
others have seen. Source: docs/spec/log.md (feeding, rollback).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx2
import structlog
from starlette.concurrency import run_in_threadpool

from vemre.errors import CheckFailed, Refused, StoreError
from vemre.log import feeding
from vemre.log.checkpoint import open_checkpoint
from vemre.log.encoding import decode_text
from vemre.log.feeding import Next
from vemre.log.note import MAX_NOTE_BYTES, Vkey
from vemre.log.witness import add_checkpoint_body, log_line_only
from vemre.service.app import Stop
from vemre.service.sequencer import Sequencer
from vemre.service.witness_client import NoAnswer, WitnessClient
from vemre.service.witnesses import Witnesses
from vemre.storage.blobs import write_durably
from vemre.storage.log_store import LogStore

EVIDENCE: Final = "rolled-back.checkpoint"
"""In the data folder: a checkpoint of this log, as a witness showed it, that the database did not contain."""
START_SECONDS: Final = 5.0
"""How long a start waits for the witnesses that answer."""
GAP_SECONDS: Final = 0.5
"""At least so long between two checkpoints for one witness: each costs it a verification and us a small write."""
LOOK_SECONDS: Final = 5.0
"""How often the log is looked at even if nobody says that it grew."""
ALARM_SECONDS: Final = 60.0
"""How often a witness that gave an alarm is asked for the checkpoint that it says it has."""
_logger = structlog.get_logger(__name__)


def check_evidence(store: LogStore, folder: Path) -> None:
    """That the database contains the checkpoint for which an earlier run stopped, if one did.

    Raises StoreError. What is not this log's own signature is no evidence of anything.
    """
    try:
        note = (folder / EVIDENCE).read_bytes()
        opened = open_checkpoint(note, store.vkey)
    except FileNotFoundError:
        return
    except CheckFailed:
        _logger.warning("evidence-unreadable", file=EVIDENCE)
        return
    store.confirm(opened)


@dataclass
class _Box:
    """The witness keys behind one address. `done` is the size of the last checkpoint that needs no sending any more,
    `failures` how often in a row to send was put off."""

    client: WitnessClient
    vkeys: list[Vkey]
    done: int = 0
    failures: int = 0
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """For the service's own log."""
        return ", ".join(dict.fromkeys(vkey.name for vkey in self.vkeys))


class Feeder:
    """The tasks that feed the witnesses of one log. An async context manager; entering it compares the log with what
    the witnesses show, before anything is written."""

    def __init__(
        self,
        store: LogStore,
        witnesses: Witnesses,
        stop: Stop,
        folder: Path,
        sequencer: Sequencer | None = None,
    ) -> None:
        """`folder` is where evidence is kept. Of several instances, the one feeds whose `sequencer` has the lease.

        Raises Refused("witnesses-unusable") for an address that is none."""
        self._store = store
        self._sequencer = sequencer or Sequencer(None, stop)
        self._witnesses = witnesses
        self._stop = stop
        self._folder = folder
        self._tasks: list[asyncio.Task[None]] = []
        urls: dict[str, list[Vkey]] = {}
        for witness in witnesses.listed:
            if witness.url is not None:
                urls.setdefault(witness.url, []).append(witness.vkey)
        self._boxes = [_Box(_connect(url, vkeys), vkeys) for url, vkeys in urls.items()]

    async def __aenter__(self) -> Feeder:
        """Raises StoreError where a witness shows that the log was rolled back."""
        answered = await asyncio.gather(*(self._compare(box) for box in self._boxes))
        if self._stop.reason is not None:
            await self._close()
            raise StoreError(self._stop.reason)
        silent = [box for box, here in zip(self._boxes, answered, strict=True) if not here]
        acts = [*map(self._attend, self._boxes), *map(self._compare_later, silent)]
        self._tasks = [asyncio.create_task(act) for act in acts]
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close()

    async def _close(self) -> None:
        for box in self._boxes:
            await box.client.close()

    def grown(self) -> None:
        """Tell that there is a new checkpoint."""
        for box in self._boxes:
            box.news.set()

    # --- one witness ----------------------------------------------------------------------------------------------

    async def _attend(self, box: _Box) -> None:
        """Feed one witness for ever, or until it gives an alarm; then look for what it says it has."""
        alarmed = False
        while True:
            try:
                if alarmed:
                    await asyncio.sleep(ALARM_SECONDS)
                    await self._look(box)
                    continue
                await self._wait_for_news(box)
                pause, alarmed = await self._feed(box)
            except Exception as error:
                # A fault of ours, such as a busy database, must not end the feeding.
                _logger.error("feeding-failed", witness=box.name, exc_info=error)
                pause = self._put_off(box, type(error).__name__)
            await asyncio.sleep(pause)

    async def _wait_for_news(self, box: _Box) -> None:
        while True:
            box.news.clear()
            if self._sequencer.holds and self._store.size > self._handled(box):
                return
            # Not `wait_for`: before Python 3.12 it swallows a cancellation that comes together with the news.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await box.news.wait()

    def _handled(self, box: _Box) -> int:
        """Up to which size nothing is to be sent: sent already, or cosigned whichever way by all keys."""
        return max(box.done, min(self._witnesses.standing(vkey).size or 0 for vkey in box.vkeys))

    async def _feed(self, box: _Box) -> tuple[float, bool]:
        """Send the newest checkpoint; gives the seconds to wait, and whether the witness gave an alarm."""
        old = max(self._witnesses.standing(vkey).size or 0 for vkey in box.vkeys)
        retried = False
        while True:
            sent = self._store.size
            body = await run_in_threadpool(self._request, old, sent)
            try:
                answer = await box.client.add_checkpoint(body)
            except NoAnswer as failure:
                return self._put_off(box, str(failure)), False
            now = self._store.size
            verdict = feeding.judge(answer.status, answer.body, old=old, sent=sent, now=now, retried=retried)
            if verdict.next is not Next.RETRY or verdict.size is None:
                break
            old, retried = verdict.size, True
        if verdict.next is Next.LATER:
            return self._put_off(box, verdict.reason, answer.retry_after), False
        box.done, box.failures = sent, 0
        if verdict.next is Next.VERIFY:
            await self._merge(box, sent, answer.body)
        else:
            self._failed(box, verdict.reason)
        if verdict.next is Next.ALARM:
            for vkey in box.vkeys:
                self._witnesses.alarm(vkey)
            _logger.critical("witness-alarm", witness=box.name, reason=verdict.reason)
        if verdict.contradiction:
            await self._look(box)
        return GAP_SECONDS, verdict.next is Next.ALARM

    def _request(self, old: int, sent: int) -> bytes:
        note = log_line_only(self._store.checkpoint_at(sent), self._store.vkey)
        return add_checkpoint_body(old, self._store.consistency_proof(old, sent), note)

    async def _merge(self, box: _Box, size: int, body: bytes) -> None:
        """Keep the lines of this witness that verify. Whatever else it sent is dropped."""
        try:
            lines = decode_text(body, limit=MAX_NOTE_BYTES, name="cosignatures")
            accepted = await run_in_threadpool(self._store.add_cosignatures, size, lines, box.vkeys)
        except CheckFailed as failure:
            self._failed(box, failure.detail)
            return
        for vkey, time in accepted.items():
            self._witnesses.cosigned(vkey, size, time)
        if not accepted:
            self._failed(box, "an answer without a line of this witness")

    def _put_off(self, box: _Box, reason: str, asked: str | None = None) -> float:
        """Note a failure that may pass; gives the seconds to wait before the next attempt."""
        box.failures += 1
        self._failed(box, reason)
        return feeding.pause(box.failures, asked, _chance())

    def _failed(self, box: _Box, reason: str) -> None:
        if any(self._witnesses.standing(vkey).failure != reason for vkey in box.vkeys):
            _logger.warning("witness-failed", witness=box.name, reason=reason)
        for vkey in box.vkeys:
            self._witnesses.failed(vkey, reason)

    # --- rollback -------------------------------------------------------------------------------------------------

    async def _compare(self, box: _Box) -> bool:
        """At the start: look at what the witness shows; gives whether it answered in time."""
        try:
            async with asyncio.timeout(START_SECONDS):
                return await self._look(box)
        except TimeoutError:
            _logger.warning("witness-not-compared", witness=box.name, reason="no answer in time")
            return False

    async def _compare_later(self, box: _Box) -> None:
        """Look as soon as a witness answers that did not at the start: a log that nobody writes to is not fed, and
        shows nothing by itself."""
        answered, failures = False, 0
        while not answered:
            failures += 1
            await asyncio.sleep(feeding.pause(failures, None, _chance()))
            answered = await self._look(box)

    async def _look(self, box: _Box) -> bool:
        """Look at the checkpoint of this log that the witness shows; stop the service where it is our own signature
        under something that the database does not contain. Gives whether the witness answered."""
        try:
            note = await box.client.latest(self._store.origin)
        except NoAnswer as failure:
            _logger.warning("witness-not-compared", witness=box.name, reason=str(failure))
            return False
        reason = None if note is None else await run_in_threadpool(self._contradiction, box, note)
        if reason is not None:
            for vkey in box.vkeys:
                self._witnesses.alarm(vkey)
            _logger.critical("log-rolled-back", witness=box.name, reason=reason, evidence=EVIDENCE)
            self._stop.request(reason)
        return True

    def _contradiction(self, box: _Box, note: bytes) -> str | None:
        """Why the database cannot be the log that `note` is of, after the evidence is kept; or None."""
        try:
            opened = open_checkpoint(note, self._store.vkey)
        except CheckFailed as failure:
            _logger.warning("witness-shows-nonsense", witness=box.name, reason=failure.detail)
            return None
        try:
            # What another instance appended meanwhile is no contradiction.
            self._sequencer.freshen()
            self._store.confirm(opened)
        except StoreError as error:
            write_durably(self._folder / EVIDENCE, note)
            return str(error)
        return None


def _chance() -> float:
    return random.random()  # noqa: S311  (scatters pauses, nothing more)


def _connect(url: str, vkeys: list[Vkey]) -> WitnessClient:
    try:
        return WitnessClient(url)
    except httpx2.InvalidURL:
        raise Refused("witnesses-unusable", line=0, reason=f"the address of {vkeys[0].name} is none") from None
