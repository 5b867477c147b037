"""Small shared types: the sources of randomness and time that the pure core takes as arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Random = Callable[[int], bytes]
"""`random(n)` gives n fresh bytes. In production `os.urandom` or `secrets.token_bytes`, never a seeded source."""

Clock = Callable[[], int]
"""`clock()` gives the time now in whole POSIX seconds."""

LogName = Literal["registry", "ballot", "tally"]
"""The three logs of an election."""

LOG_NAMES: tuple[LogName, ...] = ("registry", "ballot", "tally")

WRITERS: dict[LogName, str] = {"registry": "registry", "ballot": "ballot-box", "tally": "tally"}
"""The role that writes each log."""
