"""The command ``vemre ballot``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ballot.access.commands import recovery, token
from ballot.page_command import page_assets
from vemre.cli import console, files
from vemre.cli.command import Group, json_option, option
from vemre.cli.deliveries import add_deliveries
from vemre.cli.integrity import integrity
from vemre.cli.rotation import Vaulted, add_rotate_vault
from vemre.cli.services import Build, add_init, add_serve, official, official_options
from vemre.cli.translations import say
from vemre.service.client import ServiceClient


@click.group("ballot", cls=Group, help="command-ballot")
def ballot() -> None:
    """The ballot box."""


def _service() -> tuple[type[Any], Build]:
    from ballot.main import create_app
    from ballot.settings import BallotSettings

    return BallotSettings, create_app


def _vaulted() -> Vaulted:
    from ballot.box import COMPONENTS
    from ballot.settings import BallotSettings
    from ballot.store import BallotStore
    from ballot.tables import SEALED, vault

    return Vaulted(BallotSettings, COMPONENTS, BallotStore, vault, SEALED)


_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
add_init(ballot, "ballot", vault=True)
add_serve(
    ballot,
    "ballot",
    _service,
    [
        option("--roster-token-file", type=_FILE, help="ballot-option-roster-token-file"),
        option("--vault-dir", type=_FOLDER, help="service-option-vault-dir"),
    ],
)
ballot.add_command(integrity)
ballot.add_command(page_assets)
ballot.add_command(token)
ballot.add_command(recovery)
add_deliveries(ballot)
add_rotate_vault(ballot, _vaulted)


@ballot.command("roster", help="ballot-roster")
@option("--file", "file", type=_FILE, help="ballot-option-roster-file")
@official_options
@json_option
def roster(file: Path | None, url: str, token_file: Path, as_json: bool) -> None:
    """Fetched from the registry unless a file is given."""
    from ballot.box import MAX_ROSTER_BYTES

    order = files.read(file, limit=MAX_ROSTER_BYTES) if file is not None else b"{}"
    _act(url, token_file, "roster", order, as_json)


@ballot.command("access-links", help="ballot-access-links")
@official_options
@json_option
def access_links(url: str, token_file: Path, as_json: bool) -> None:
    """Sends until nobody lacks a link."""
    _act(url, token_file, "access-links", b"{}", as_json)


@ballot.command("close", help="ballot-close")
@official_options
@json_option
def close(url: str, token_file: Path, as_json: bool) -> None:
    """Closes once the time has come."""
    _act(url, token_file, "close", b"{}", as_json)


@ballot.command("turnout", help="ballot-turnout")
@option("--url", required=True, help="service-option-url")
@json_option
def turnout(url: str, as_json: bool) -> None:
    """Anyone may ask."""
    with ServiceClient(url) as service:
        answer = service.get_json("/turnout")
    if as_json:
        console.put_json(answer)
        return
    columns = [say("ballot-urn"), say("ballot-ballots")]
    console.put_table(say("ballot-turnout-title"), columns, list(answer["ballots"].items()), numeric={1})


def _act(url: str, token_file: Path, act: str, order: bytes, as_json: bool) -> None:
    with official(url, token_file) as service:
        answer: dict[str, Any] = service.decode(service.post(f"/official/{act}", order, "application/json"))
    if as_json:
        console.put_json(answer)
        return
    console.say(say("service-done"))
    for name, value in answer.items():
        console.put(f"{name}: {json.dumps(value)}")
