"""What waits for one hook: bounded, and when it is full the least important goes first.

Findings and incidents come before checkpoints and gates, these before entries; within each, in the order in which they
happened. An event is only ever displaced by one at least as important.
"""

from __future__ import annotations

from collections import deque
from threading import Condition
from typing import Final

from audit.hooks.document import URGENT, kind_of
from audit.hooks.events import EntryEvent, Event

_RANKS: Final = 3


class Waiting:
    """Safe for many putting threads and one taking thread; `put` never waits for the hook."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._changed = Condition()
        self._events: tuple[deque[Event], ...] = tuple(deque() for _ in range(_RANKS))
        self._closed = False

    def __len__(self) -> int:
        return sum(len(events) for events in self._events)

    def put(self, event: Event) -> Event | None:
        """Let an event wait; gives the one that is dropped for it, which may be itself."""
        rank = rank_of(event)
        with self._changed:
            if self._closed:
                return event
            dropped = None
            if len(self) >= self._capacity:
                lowest = next(place for place, events in enumerate(self._events) if events)
                if lowest > rank:
                    return event
                dropped = self._events[lowest].popleft()
            self._events[rank].append(event)
            self._changed.notify()
            return dropped

    def take(self) -> Event | None:
        """The most important event, oldest first; waits for one. None once `close` was called and all are taken."""
        with self._changed:
            while not len(self):
                if self._closed:
                    return None
                self._changed.wait()
            return next(events for events in reversed(self._events) if events).popleft()

    def close(self) -> None:
        """Take nothing more in."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def discard(self) -> list[Event]:
        """Give up what still waits; gives it."""
        with self._changed:
            rest = [event for events in self._events for event in events]
            for events in self._events:
                events.clear()
            self._changed.notify_all()
            return rest


def rank_of(event: Event) -> int:
    """How important: 2 for what somebody must hear of, 0 for entries."""
    if isinstance(event, EntryEvent):
        return 0
    return 2 if kind_of(event) in URGENT else 1
