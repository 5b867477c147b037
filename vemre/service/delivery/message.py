"""One message to one person, before it has its words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from vemre.crypto import canonical

Channel = Literal["mail", "sms"]
CHANNELS: Final[tuple[Channel, ...]] = ("mail", "sms")
NAME: Final = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Message:
    """What is to be told, and to whom.

    `name` is 32 hexadecimal digits; a newer message of the same name takes the place of an older one that waits.
    `to` is an e-mail address or a number in the form E.164. `template` and `values`: see `letters`. After `until`
    (POSIX seconds) the message is of no use any more and is dropped.
    """

    name: str
    channel: Channel
    to: str
    template: str
    values: Mapping[str, str]
    until: int | None = None

    def __repr__(self) -> str:
        return "Message(...)"


def name_of(*parts: str) -> str:
    """A name for the message about these things: the same for the same, and telling nothing of them if one is secret
    or random."""
    return hashlib.sha256(canonical.encode(list(parts))).hexdigest()[:32]
