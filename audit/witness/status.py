"""How a witness stands, for its status page, its metrics and whoever watches it. Public facts alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit.hooks.events import FindingEvent

Mode = Literal["verify", "consistency"]


@dataclass(frozen=True)
class LogStatus:
    """One log as this witness knows it. Sizes are numbers of entries, times POSIX seconds.

    `name` is ``registry``, ``ballot`` or ``tally`` for the logs of the election, else the origin. `seen` is the size
    of the latest checkpoint seen, `verified` that of the verified entries (in consistency mode: of the checkpoint
    proven consistent), `cosigned` that of the last cosigned checkpoint.
    """

    name: str
    origin: str
    seen: int
    verified: int
    cosigned: int
    seen_time: int | None
    cosigned_time: int | None

    @property
    def lag(self) -> int:
        """Entries that were seen and are not cosigned yet."""
        return max(0, self.seen - self.cosigned)


@dataclass(frozen=True)
class WitnessStatus:
    """The whole witness. `waiting` is why it cannot go on now, in the operator's language, or None."""

    name: str
    vkeys: tuple[str, ...]
    mode: Mode
    role: str | None
    stage: str
    logs: tuple[LogStatus, ...]
    findings: tuple[FindingEvent, ...]
    started: int
    time: int
    waiting: str | None
