"""The hooks file: which hooks a witness has, and their settings. TOML, one table for each hook::

[hooks.alarm]
use = "webhook"                  # a name in the entry point group vemre.audit_hooks
events = ["finding", "incident"] # all that the hook hears, where it is left out
timeout = 30                     # seconds for one event
queue = 10000                    # events that may wait
url = "https://example.org/"     # everything else is the hook's own
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from audit.hooks.document import KINDS
from audit.hooks.interface import GROUP
from vemre.cli import files
from vemre.errors import Refused

MAX_BYTES: Final = 1 << 20
MAX_HOOKS: Final = 32
_NAME: Final = re.compile(r"\A[a-z][a-z0-9_]{0,31}\Z")
_OWN: Final = ("use", "events", "timeout", "queue")
_TIMEOUT: Final = (0.1, 600.0)
_QUEUE: Final = (1, 1_000_000)


@dataclass(frozen=True)
class HookSetting:
    """One hook. `events` are the kinds that it is to hear, `timeout` seconds for one event, `queue` how many events
    may wait, `settings` what is the hook's own."""

    name: str
    use: str
    settings: Mapping[str, Any]
    events: tuple[str, ...] = tuple(KINDS)
    timeout: float = 30.0
    queue: int = 10_000


def read(path: Path) -> tuple[HookSetting, ...]:
    """The hooks of a file. Raises Refused("hooks-file-unusable" or "hook-unknown"), OSError."""
    try:
        return parse(files.read(path, limit=MAX_BYTES))
    except ValueError as error:
        raise Refused("hooks-file-unusable", file=str(path), reason=str(error)) from None


def parse(data: bytes) -> tuple[HookSetting, ...]:
    """Raises ValueError saying what is wrong, and Refused("hook-unknown" or "hook-ambiguous")."""
    value = tomllib.loads(data.decode("utf-8"))
    tables = value.pop("hooks", {})
    if value or not isinstance(tables, dict):
        raise ValueError("only tables [hooks.<name>] may stand here")
    if len(tables) > MAX_HOOKS:
        raise ValueError(f"more than {MAX_HOOKS} hooks")
    return tuple(_setting(name, table) for name, table in tables.items())


def installed() -> list[EntryPoint]:
    """The hooks of this installation, by name; none of them is imported."""
    return sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def find(hook: str, use: str) -> EntryPoint:
    """The entry point `use` of the hook in table `hook`. Raises Refused("hook-unknown" or "hook-ambiguous")."""
    # One that is installed twice, in two places of the path, is still one.
    found = {entry.value: entry for entry in installed() if entry.name == use}
    if not found:
        known = ", ".join(sorted({entry.name for entry in installed()})) or "—"
        raise Refused("hook-unknown", hook=hook, use=use, known=known)
    if len(found) > 1:
        raise Refused("hook-ambiguous", hook=hook, use=use, found=", ".join(sorted(found)))
    return next(iter(found.values()))


def _setting(name: str, table: object) -> HookSetting:
    if not _NAME.match(name):
        raise ValueError(f"{name[:64]!r}: a name has small letters, digits and _, begins with a letter, 32 at most")
    if not isinstance(table, dict) or not isinstance(use := table.get("use"), str):
        raise ValueError(f'hooks.{name}: a table with use = "<entry point>"')
    find(name, use)
    events = table.get("events", list(KINDS))
    if (
        not isinstance(events, list)
        or not events
        or not all(isinstance(event, str) and event in KINDS for event in events)
    ):
        raise ValueError(f"hooks.{name}.events: a list of {', '.join(KINDS)}")
    own = {key: value for key, value in table.items() if key not in _OWN}
    timeout = _number(table, name, "timeout", _TIMEOUT, HookSetting.timeout)
    queue = _number(table, name, "queue", _QUEUE, HookSetting.queue)
    return HookSetting(name, use, own, tuple(events), timeout, int(queue))


def _number(table: Mapping[str, Any], hook: str, key: str, bounds: tuple[float, float], default: float) -> float:
    value = table.get(key, default)
    least, most = bounds
    wanted = int if isinstance(least, int) else (int, float)
    if isinstance(value, bool) or not isinstance(value, wanted) or not least <= value <= most:
        raise ValueError(f"hooks.{hook}.{key}: a number from {least} to {most}")
    return float(value)
