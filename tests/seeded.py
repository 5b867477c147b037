"""Randomness that follows from a seed wherever it is unpickled, and kinds of it that kill the process that asks.

A module of its own, so that the processes of a pool and the workers of a cluster can import it.
"""

from __future__ import annotations

import hashlib
import os
import signal
from pathlib import Path


class Seeded:
    """Bytes that follow from a seed and from how much was asked for before."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._asked = 0

    def __call__(self, count: int) -> bytes:
        self._asked += 1
        return hashlib.shake_256(self._seed + self._asked.to_bytes(8, "big")).digest(count)


class Deadly(Seeded):
    """Kills every process but the one that made it, in the middle of its work."""

    def __init__(self, seed: str) -> None:
        super().__init__(seed)
        self._home = os.getpid()

    def __call__(self, count: int) -> bytes:
        if os.getpid() != self._home:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(count)


class DeadlyOnce(Seeded):
    """Kills the first other process that asks; whoever does its work again is spared."""

    def __init__(self, seed: str, mark: Path) -> None:
        super().__init__(seed)
        self._home, self._mark = os.getpid(), mark

    def __call__(self, count: int) -> bytes:
        if os.getpid() != self._home and not self._mark.exists():
            self._mark.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(count)
