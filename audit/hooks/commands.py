"""`vemre audit hooks`: which hooks are installed, and whether those of a hooks file work."""

from __future__ import annotations

import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Final

import click

from audit.hooks import settings
from audit.hooks.document import encode, kind_of
from audit.hooks.events import CheckpointEvent, EntryEvent, Event, FindingEvent, GateEvent, IncidentEvent
from audit.hooks.process import HookDown, HookProcess
from audit.hooks.settings import HookSetting
from vemre.cli import console
from vemre.cli.command import Command, Group, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.translations import say

_TEST: Final = "vemre audit hooks test"
_CLOSE_SECONDS: Final = 5.0
_STDERR: Final = 2


@click.group("hooks", cls=Group, help="hooks-about")
def group() -> None:
    """The text stands in the catalogue."""


@group.command("list", cls=Command, help="hooks-list-about")
@json_option
def list_hooks(as_json: bool) -> None:
    """What the entry points name; nothing of it is imported."""
    found = settings.installed()
    if as_json:
        console.put_json({"hooks": [_installed(entry) for entry in found]})
        return
    columns = [say(f"hooks-column-{name}") for name in ("use", "from", "object")]
    console.put_table(
        say("hooks-list-title"), columns, [(entry.name, _distribution(entry), entry.value) for entry in found]
    )


@group.command("test", cls=Command, help="hooks-test-about")
@option("--hooks", "file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="hooks-option-file")
@json_option
def test(file: Path, as_json: bool) -> int:
    """Ends with 0 where every hook took every sample that it hears, with 1 otherwise."""
    outcomes = {setting.name: _try(setting) for setting in settings.read(file)}
    ok = all(outcome in ("delivered", "not-heard") for tried in outcomes.values() for outcome in tried.values())
    if as_json:
        console.put_json({"ok": ok, "hooks": outcomes})
    else:
        rows = [(hook, kind, _words(outcome)) for hook, tried in outcomes.items() for kind, outcome in tried.items()]
        console.put_table(
            say("hooks-test-title"), [say(f"hooks-column-{n}") for n in ("hook", "event", "outcome")], rows
        )
        console.say(say("hooks-test-good" if ok else "hooks-test-bad"))
    return OK if ok else INVALID


def samples(now: int) -> list[Event]:
    """One event of each kind, which says of itself that it is a test. `now` is POSIX seconds."""
    return [
        EntryEvent("tally", 0, "manifest", _TEST, "00" * 32),
        CheckpointEvent(_TEST, 1, "00" * 32, now, cosigned=False, note=f"{_TEST}\n"),
        GateEvent("tally", 1, "setup", (("registry", 1),), ("auditor/1", "auditor/2")),
        FindingEvent(0, "NOTE", None, None, f"{_TEST}: this is no finding", False, "", now),
        IncidentEvent("tally", 2, _TEST, "test", f"{_TEST}: this is no incident", "2026-01-01T00:00:00Z"),
    ]


def _try(setting: HookSetting) -> dict[str, str]:
    """What became of each sample: ``delivered``, ``not-heard``, or what went wrong in technical English."""
    # Standard output is for this command's result.
    process = HookProcess(setting, _TEST, stdout=_STDERR)
    events = samples(int(time.time()))
    try:
        begun = process.start()
        if begun.error is not None:
            return {kind_of(event): begun.error for event in events}
        wanted = set(begun.hears) & set(setting.events)
        return {kind_of(event): _offer(process, event, kind_of(event) in wanted) for event in events}
    except HookDown as down:
        return {kind_of(event): str(down) for event in events}
    finally:
        process.close(_CLOSE_SECONDS)


def _offer(process: HookProcess, event: Event, wanted: bool) -> str:
    if not wanted:
        return "not-heard"
    try:
        if not process.running:
            process.start()
        return process.deliver(encode(event)).error or "delivered"
    except HookDown as down:
        return str(down)


def _words(outcome: str) -> str:
    return say(f"hooks-outcome-{outcome}") if outcome in ("delivered", "not-heard") else outcome


def _installed(entry: EntryPoint) -> dict[str, Any]:
    return {"use": entry.name, "from": _distribution(entry), "object": entry.value}


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "—"
