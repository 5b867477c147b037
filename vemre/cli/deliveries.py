"""``deliveries`` and ``resend``: what a service has to hand over to people, for its officials."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from vemre.cli import console
from vemre.cli.command import Group, json_option, option
from vemre.cli.services import official, official_options
from vemre.cli.translations import say

_PATH: Final = "/official/deliveries"
_PAGE: Final = 500
_GROUPS: Final = ("channel", "template", "state", "problem", "count", "oldest")


def add_deliveries(group: Group) -> None:
    """Adds the two commands."""

    @group.command("deliveries", help="deliveries-about")
    @option("--refused", is_flag=True, help="deliveries-option-refused")
    @option("--addresses", is_flag=True, help="deliveries-option-addresses")
    @official_options
    @json_option
    def deliveries(refused: bool, addresses: bool, url: str, token_file: Path, as_json: bool) -> None:
        """Numbers by kind; single letters where the refused ones or their addresses are asked for."""
        each = refused or addresses
        asked = {"refused": str(refused).lower(), "addresses": str(addresses).lower(), "limit": _PAGE if each else 0}
        with official(url, token_file) as service:
            answer = page = service.get_json(_PATH, asked)
            found: list[dict[str, Any]] = page["deliveries"]
            while page["next"] is not None:
                page = service.get_json(_PATH, {**asked, "after": page["next"]})
                found += page["deliveries"]
        if as_json:
            told = {"waiting": answer["waiting"], "served": answer["served"], "groups": answer["groups"]}
            console.put_json({**told, "deliveries": found} if each else told)
            return
        console.put(say("deliveries-waiting", count=answer["waiting"], served=", ".join(answer["served"]) or "—"))
        _table("deliveries-title-groups", _GROUPS, answer["groups"])
        if each:
            columns = ("name", "template", "state", "since", "tries", "problem", *(("to",) if addresses else ()))
            _table("deliveries-title-each", columns, found)

    @group.command("resend", help="resend-about")
    @click.argument("names", nargs=-1)
    @option("--all-refused", is_flag=True, help="resend-option-all-refused")
    @official_options
    @json_option
    def resend(names: tuple[str, ...], all_refused: bool, url: str, token_file: Path, as_json: bool) -> None:
        """Only what still waits can go out again."""
        if not names and not all_refused:
            raise click.UsageError(say("resend-nothing"))
        order = {"names": list(names), "all_refused": all_refused}
        with official(url, token_file) as service:
            answer = service.post_json(f"{_PATH}/resend", order)
        if as_json:
            console.put_json(answer)
        else:
            console.say(say("resend-done", count=answer["resent"]))


def _table(title: str, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    if rows:
        shown = [[str(row[column] if row[column] is not None else "—") for column in columns] for row in rows]
        console.put_table(say(title), [say(f"deliveries-column-{column}") for column in columns], shown)
