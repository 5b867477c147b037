"""What is served against what is on the record. No network here: `get` gives what a vantage point was answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from audit.assets.fetching import Served
from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.records.fields import Hex32
from vemre.records.record import parse_value

LIST: Final = "/assets.json"
MAX_LIST_BYTES: Final = 1 << 20
MAX_ASSETS: Final = 1000
_PATH: Final = re.compile(r"\A/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*(?:[A-Za-z0-9_-][A-Za-z0-9._-]*)?\Z", re.ASCII)


@dataclass(frozen=True)
class Difference:
    """A path whose answer is not what the record names: `expected` and `found` are SHA-256 (hex); `found` is
    ``HTTP <status>`` where there was no such answer, ``unreadable`` for one too large or garbled. `data` is what
    was served, None where there is nothing."""

    path: str
    expected: str
    found: str
    data: bytes | None


def parse_list(data: bytes) -> dict[str, str]:
    """The list of a `page-assets` record. Raises CheckFailed(CANONICAL), also for a path that could lead elsewhere."""
    found = parse_value(data, dict[str, Hex32], limit=MAX_LIST_BYTES)
    if len(found) > MAX_ASSETS:
        raise CheckFailed(Check.CANONICAL, "the list of assets is too long")
    for path in found:
        if not _PATH.match(path) or len(path) > 500:
            raise CheckFailed(Check.CANONICAL, "a path of the list of assets is none of a page")
    return found


def compare(recorded: bytes, get: Callable[[str], Served]) -> list[Difference]:
    """Everything that differs: the list itself, and every asset on the record. Raises what `get` raises."""
    expected: Mapping[str, str] = {LIST: sha256(recorded).hexdigest(), **parse_list(recorded)}
    differences = []
    for path, digest in expected.items():
        served = get(path)
        found = _found(served)
        if found != digest:
            differences.append(Difference(path, digest, found, served.data))
    return differences


def _found(served: Served) -> str:
    if served.status != 200:
        return f"HTTP {served.status}"
    return "unreadable" if served.data is None else sha256(served.data).hexdigest()
