"""Processor time of programs that are started, and of this one."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Seconds: of the processor (all cores, programs that were started and ended included), and of the clock."""

    cpu: float
    wall: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


@contextmanager
def measured(costs: dict[str, Cost], name: str) -> Iterator[None]:
    """Add what happens inside to `costs[name]`."""
    cpu, wall = _cpu(), time.perf_counter()
    yield
    costs[name] = costs.get(name, Cost(0.0, 0.0)) + Cost(_cpu() - cpu, time.perf_counter() - wall)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
