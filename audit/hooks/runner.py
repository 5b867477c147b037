"""Tells the hooks of a witness what happens, and never makes it wait.

Each hook has a thread, a bounded queue (`audit.hooks.waiting`) and a process of its own. The witness's part is to put
an event into the queues; everything that can go wrong beyond is counted, logged and survived.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from threading import Event as Flag
from threading import Lock, Thread
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from audit.hooks.document import KINDS, URGENT, encode, kind_of
from audit.hooks.events import Event
from audit.hooks.process import HookDown, HookProcess
from audit.hooks.settings import HookSetting
from audit.hooks.waiting import Waiting
from audit.hooks.wire import Answer, Family, shown
from vemre.errors import Refused

CLOSE_SECONDS: Final = 5.0
ATTEMPTS: Final = 3
"""How often a finding or an incident is offered to a hook that fails; everything else once."""

_FIRST_PAUSE: Final = 1.0
_MAX_PAUSE: Final = 60.0
_LAST_SECONDS: Final = 2.0
"""How long a killed process may take to be gone."""

_logger = structlog.get_logger(__name__)


class HookRunner(Collector):
    """A `Listener` (`audit.hooks.events`); safe from any thread. Use `start` first and `close` last."""

    def __init__(
        self, settings: Sequence[HookSetting], witness: str, registry: CollectorRegistry, *, pause: float = _FIRST_PAUSE
    ) -> None:
        """`witness` is the name that hooks are told; `registry` is where their metrics show. `pause` (seconds) is the
        first one before an attempt is repeated; each one after it is twice as long."""
        self._workers = [_Worker(setting, HookProcess(setting, witness), pause) for setting in settings]
        registry.register(self)

    def start(self) -> None:
        """Start all hooks. Raises Refused("hook-unusable") for the first that cannot be; then none runs."""
        try:
            for worker in self._workers:
                worker.begin()
        except Refused:
            self.close(0)
            raise

    def __call__(self, event: Event) -> None:
        """Tell all hooks; returns at once."""
        for worker in self._workers:
            worker.put(event)

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Let the hooks finish for that long, all together; what waits then is dropped, and who still works killed."""
        end = time.monotonic() + seconds
        for worker in self._workers:
            worker.finish(end)
        for worker in self._workers:
            worker.end(end)

    def counts(self, hook: str) -> dict[tuple[str, str], int]:
        """How many events of each (kind, outcome) a hook had; outcomes are delivered, failed, dropped."""
        return next(worker.counts() for worker in self._workers if worker.setting.name == hook)

    def collect(self) -> Iterator[Metric]:
        """For Prometheus."""
        labels = ("hook", "event", "outcome")
        events = CounterMetricFamily("vemre_audit_hook_events", "Events by hook and outcome.", labels=labels)
        waiting = GaugeMetricFamily("vemre_audit_hook_waiting", "Events that wait for a hook.", labels=("hook",))
        starts = CounterMetricFamily("vemre_audit_hook_starts", "Starts of a hook's process.", labels=("hook",))
        for worker in self._workers:
            name = worker.setting.name
            for (kind, outcome), count in sorted(worker.counts().items()):
                events.add_metric((name, kind, outcome), count)
            waiting.add_metric((name,), worker.waiting_now())
            starts.add_metric((name,), worker.starts)
        yield from (events, waiting, starts)
        for worker in self._workers:
            yield from shown(worker.metrics, f"vemre_hook_{worker.setting.name}_")


class _Worker:
    """One hook."""

    def __init__(self, setting: HookSetting, process: HookProcess, pause: float) -> None:
        self.setting = setting
        self.starts = 0
        self.metrics: list[Family] = []
        self._process = process
        self._pause = pause
        self._hears: frozenset[str] = frozenset()
        self._waiting = Waiting(setting.queue)
        self._lock = Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._closing = Flag()
        self._end = 0.0
        self._downs = 0
        self._told: str | None = None
        self._thread = Thread(target=self._work, name=f"hook-{setting.name}", daemon=True)

    def begin(self) -> None:
        """Start process and thread. Raises Refused("hook-unusable")."""
        try:
            answer = self._start()
        except HookDown as down:
            raise Refused("hook-unusable", hook=self.setting.name, reason=str(down)) from None
        if answer.error is not None:
            raise Refused("hook-unusable", hook=self.setting.name, reason=answer.error)
        self._hears = frozenset(answer.hears) & frozenset(self.setting.events) & frozenset(KINDS)
        self._thread.start()

    def put(self, event: Event) -> None:
        if kind_of(event) in self._hears and (dropped := self._waiting.put(event)) is not None:
            self._count(dropped, "dropped")

    def finish(self, end: float) -> None:
        """Take nothing more in; `end` (time.monotonic) is when to stop working."""
        self._end = end
        self._waiting.close()

    def end(self, end: float) -> None:
        """Wait until then, and no longer."""
        if self._thread.ident is not None:
            self._thread.join(max(end - time.monotonic(), 0))
        self._closing.set()
        for event in self._waiting.discard():
            self._count(event, "dropped")
        self._process.kill()
        if self._thread.ident is not None:
            self._thread.join(_LAST_SECONDS)
        if not self._thread.is_alive():
            self._process.close(0)

    def counts(self) -> dict[tuple[str, str], int]:
        with self._lock:
            return dict(self._counts)

    def waiting_now(self) -> int:
        return len(self._waiting)

    # --- in the hook's own thread -------------------------------------------------------------------------------

    def _work(self) -> None:
        while (event := self._waiting.take()) is not None:
            self._count(event, "delivered" if self._deliver(event) else "failed")
        self._process.close(self._end - time.monotonic())

    def _deliver(self, event: Event) -> bool:
        line = encode(event)
        for attempt in range(ATTEMPTS if kind_of(event) in URGENT else 1):
            if attempt and self._closing.wait(self._pause_after(attempt)):
                break
            failure = self._attempt(line)
            self._tell(failure)
            if failure is None:
                return True
        return False

    def _attempt(self, line: bytes) -> str | None:
        """Give the hook an event; gives what went wrong. A process that ended is started again, less and less often."""
        try:
            if not self._process.running:
                if self._closing.wait(self._pause_after(self._downs) if self._downs else 0):
                    return "the witness ends"
                if (refusal := self._start().error) is not None:
                    self._downs += 1
                    return refusal
            answer = self._process.deliver(line)
        except HookDown as down:
            self._downs += 1
            return str(down)
        self._downs = 0
        self.metrics = answer.metrics
        return answer.error

    def _pause_after(self, failures: int) -> float:
        return float(min(self._pause * 2 ** min(failures - 1, 16), _MAX_PAUSE))

    def _start(self) -> Answer:
        self.starts += 1
        answer = self._process.start()
        if answer.error is not None:
            self._process.close(0)
        return answer

    def _tell(self, failure: str | None) -> None:
        """One line for each change, not for each event."""
        if failure != self._told:
            self._told = failure
            if failure is None:
                _logger.info("hook-works-again", hook=self.setting.name)
            else:
                _logger.warning("hook-failed", hook=self.setting.name, reason=failure)

    def _count(self, event: Event, outcome: str) -> None:
        with self._lock:
            self._counts[kind_of(event), outcome] += 1
