"""What officials do about access at the command line: tokens with names, and recoveries by two."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import click

from vemre.cli import console
from vemre.cli.command import Group, json_option, option
from vemre.cli.services import data_option, official, official_options
from vemre.cli.translations import say

_SHOWN: Final = {
    "ballot-recovery-id": "id",
    "ballot-recovery-user": "user",
    "ballot-recovery-why": "reason",
    "ballot-recovery-by": "opened_by",
    "ballot-recovery-since": "opened",
}


@click.group("token", cls=Group, help="ballot-token-group")
def token() -> None:
    """The officials' tokens."""


@token.command("add", help="ballot-token-add")
@click.argument("name")
@data_option
@json_option
def add(name: str, data: Path, as_json: bool) -> None:
    """The running service takes it at once."""
    from vemre.service.holders import add_holder

    path = add_holder(data, "official", name)
    if as_json:
        console.put_json({"file": str(path)})
    else:
        console.say(say("ballot-token-made", file=str(path)))


@click.group("recovery", cls=Group, help="ballot-recovery-group")
def recovery() -> None:
    """Recoveries."""


@recovery.command("open", help="ballot-recovery-open")
@option("--user", required=True, help="ballot-option-user")
@option("--reason", required=True, help="ballot-option-reason")
@official_options
@json_option
def open_recovery(user: str, reason: str, url: str, token_file: Path, as_json: bool) -> None:
    """Somebody else confirms it."""
    with official(url, token_file) as service:
        order = json.dumps({"user": user, "reason": reason}).encode()
        answer = service.decode(service.post("/official/recovery", order, "application/json"))
    if as_json:
        console.put_json(answer)
    else:
        _show([answer])


@recovery.command("list", help="ballot-recovery-list")
@official_options
@json_option
def waiting(url: str, token_file: Path, as_json: bool) -> None:
    """Exit code 0 also where none waits."""
    with official(url, token_file) as service:
        answer = service.get_json("/official/recovery")
    if as_json:
        console.put_json(answer)
    else:
        _show(answer["recoveries"])


@recovery.command("confirm", help="ballot-recovery-confirm")
@click.argument("id")
@official_options
@json_option
def confirm(id: str, url: str, token_file: Path, as_json: bool) -> None:
    """With another token than the one that opened it."""
    with official(url, token_file) as service:
        answer = service.decode(service.post(f"/official/recovery/{id}/confirm", b"{}", "application/json"))
    if as_json:
        console.put_json(answer)
    else:
        console.say(say("service-done"))


def _show(recoveries: list[dict[str, Any]]) -> None:
    """Line by line: what is to be copied and judged must not be cut off."""
    for row in recoveries:
        for label, name in _SHOWN.items():
            console.put(f"{say(label)}: {row[name]}")
        console.put("")
