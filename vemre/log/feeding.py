"""What a log makes of a witness's answer to add-checkpoint: the pure part of the client of tlog-witness.

`judge` says what to do next; sending, waiting and verifying the lines are the caller's. Source: docs/spec/log.md
(feeding); C2SP tlog-witness v1.0.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from vemre.errors import CheckFailed
from vemre.log.encoding import parse_decimal

MAX_ANSWER_BYTES: Final = 65_536
"""No answer of a witness is read beyond this."""
_MAX_SIZE_BODY: Final = 20
_FIRST_PAUSE: Final = 1.0
MAX_PAUSE: Final = 60.0


class Next(Enum):
    """What to do after an answer."""

    VERIFY = "verify"
    """The body holds signature lines: verify them."""
    RETRY = "retry"
    """Send again at once, with a proof from the size that the answer names."""
    LATER = "later"
    """Send again after a pause."""
    FINAL = "final"
    """Do not send this checkpoint again; the next one may be sent."""
    ALARM = "alarm"
    """The witness says that it saw more of this log than there is: send nothing more."""


@dataclass(frozen=True)
class Verdict:
    """`size` is the one that a 409 names. `contradiction` says that the witness holds something that does not fit this
    log, so that what it holds should be looked at."""

    next: Next
    reason: str
    size: int | None = None
    contradiction: bool = False


def judge(status: int, body: bytes, *, old: int, sent: int, now: int, retried: bool) -> Verdict:
    """The verdict on an answer to ``old <old>`` with a checkpoint of `sent` entries.

    `now` is how many entries the log has after the answer came: a witness that follows the log by itself may be ahead
    of what was sent, but not of what there is. `retried` says that this was the second try with this checkpoint.
    """
    if status == 200:
        return Verdict(Next.VERIFY, "cosigned")
    if status == 409:
        return _judge_size(body, old=old, sent=sent, now=now, retried=retried)
    if status == 429 or status >= 500:
        return Verdict(Next.LATER, f"HTTP {status}")
    # A wrong consistency proof from us can only mean that the witness saw another history.
    return Verdict(Next.FINAL, f"HTTP {status}", contradiction=status == 422)


def _judge_size(body: bytes, *, old: int, sent: int, now: int, retried: bool) -> Verdict:
    size = _named_size(body)
    if size is None:
        return Verdict(Next.FINAL, "HTTP 409 without a size")
    if size > now:
        return Verdict(Next.ALARM, f"the witness saw {size} entries, there are {now}", size, contradiction=True)
    if size == old == sent:
        # Version 1.0.0 of the protocol says so where the size is the same and the root is another.
        return Verdict(Next.FINAL, f"the witness saw another log of {size} entries", size, contradiction=True)
    if size == old:
        return Verdict(Next.FINAL, "HTTP 409 for the size that it names itself", size)
    # It may follow the log by itself and be further each time: then a pause helps, and at once does not.
    return Verdict(Next.LATER if retried else Next.RETRY, f"the witness is at {size}", size)


def _named_size(body: bytes) -> int | None:
    if len(body) > _MAX_SIZE_BODY or not body.endswith(b"\n"):
        return None
    try:
        return parse_decimal(body[:-1].decode("ascii"), "size")
    except (CheckFailed, UnicodeDecodeError):
        return None


def pause(failures: int, asked: str | None, chance: float) -> float:
    """Seconds to wait after so many failures in a row (at least one), never more than a minute.

    `asked` is the Retry-After of the answer in seconds, which can make the pause longer only; `chance` is from 0 to 1,
    so that logs and witnesses do not all try again at once.
    """
    own = min(_FIRST_PAUSE * 2.0 ** min(failures - 1, 16), MAX_PAUSE) * (0.5 + chance / 2)
    if asked is not None and asked.isascii() and asked.isdecimal() and len(asked) <= 9:
        return max(own, min(float(asked), MAX_PAUSE))
    return own
