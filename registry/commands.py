"""The command ``vemre registry``."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import click

from registry.core import MAX_ROLL_BYTES, ROSTER
from vemre.cli import console, files
from vemre.cli.command import Group, json_option, option
from vemre.cli.deliveries import add_deliveries
from vemre.cli.integrity import integrity
from vemre.cli.rotation import Vaulted, add_rotate_vault
from vemre.cli.services import Build, add_init, add_serve, data_option, official, official_options
from vemre.cli.translations import language, say
from vemre.messages import RemoteProblem

_MAX_REPORT: Final = 1 << 30
Role = Literal["official", "party"]


@click.group("registry", cls=Group, help="command-registry")
def registry() -> None:
    """The registry."""


def _service() -> tuple[type[Any], Build]:
    from registry.main import create_app
    from registry.settings import RegistrySettings

    return RegistrySettings, create_app


def _vaulted() -> Vaulted:
    from registry.office import COMPONENTS
    from registry.settings import RegistrySettings
    from registry.store import RegistryStore
    from registry.tables import SEALED, vault

    return Vaulted(RegistrySettings, COMPONENTS, RegistryStore, vault, SEALED)


_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_vault_option = option("--vault-dir", type=_FOLDER, help="service-option-vault-dir")

add_init(registry, "registry", tokens=(ROSTER,), vault=True)
add_serve(registry, "registry", _service, options=(_vault_option,))
registry.add_command(integrity)
add_deliveries(registry)
add_rotate_vault(registry, _vaulted)


@registry.command("import", help="registry-import")
@click.argument("roll", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@official_options
@json_option
def import_roll(roll: Path, url: str, token_file: Path, as_json: bool) -> None:
    """Prints every refused line, then the refusal itself."""
    data = files.read(roll, limit=MAX_ROLL_BYTES)
    with official(url, token_file, max_problem=_MAX_REPORT) as service:
        try:
            answer = service.decode(service.post("/official/roll-import", data, "text/csv"))
        except RemoteProblem as problem:
            for line in problem.extra.get("lines", ()):
                console.put(f"{line['line']}\t{line['column'] or '—'}\t{line['code']}\t{line[language()]}")
            raise
    _tell(answer, as_json)


@registry.command("issue", help="registry-issue")
@official_options
@json_option
def issue(url: str, token_file: Path, as_json: bool) -> None:
    """Issues until nobody lacks a credential."""
    _act(url, token_file, "credentials", None, as_json)


@registry.command("roll", help="registry-roll")
@official_options
@json_option
def publish(url: str, token_file: Path, as_json: bool) -> None:
    """Publishes the roll."""
    _act(url, token_file, "roll", None, as_json)


@registry.command("reissue", help="registry-reissue")
@option("--folio", required=True, help="registry-option-folio")
@official_options
@json_option
def reissue(folio: str, url: str, token_file: Path, as_json: bool) -> None:
    """One run is one order, however often the network makes it go out."""
    _act(url, token_file, "reissue", {"folio": folio, "request": str(uuid.uuid4())}, as_json)


@registry.command("block", help="registry-block")
@option("--folio", required=True, help="registry-option-folio")
@option("--reason", required=True, type=click.Choice(["post", "in-person", "withdrawn"]), help="registry-option-reason")
@official_options
@json_option
def block(folio: str, reason: str, url: str, token_file: Path, as_json: bool) -> None:
    """Blocks a credential in the ballot log."""
    _act(url, token_file, "block", {"folio": folio, "reason": reason}, as_json)


@registry.command("intake", help="registry-intake")
@option("--folio", required=True, help="registry-option-folio")
@option("--channel", required=True, type=click.Choice(["post", "in-person"]), help="registry-option-channel")
@official_options
@json_option
def intake(folio: str, channel: str, url: str, token_file: Path, as_json: bool) -> None:
    """One run is one vote, however often the network makes it go out."""
    order = {"folio": folio, "channel": channel, "request": str(uuid.uuid4())}
    _act(url, token_file, "intake", order, as_json)


@registry.command("freeze", help="registry-freeze")
@option("--undecided", type=click.IntRange(0), default=0, help="registry-option-undecided")
@official_options
@json_option
def freeze(undecided: int, url: str, token_file: Path, as_json: bool) -> None:
    """Freezes the roll."""
    _act(url, token_file, "freeze", {"undecided": undecided}, as_json)


@registry.command("token", help="registry-token")
@click.argument("name")
@option("--role", type=click.Choice(["official", "party"]), required=True, help="registry-option-role")
@data_option
@json_option
def token(name: str, role: Role, data: Path, as_json: bool) -> None:
    """The running service takes it at once."""
    from registry.roles import add_holder

    path = add_holder(data, role, name)
    if as_json:
        console.put_json({"file": str(path)})
    else:
        console.say(say("registry-token-made", file=str(path)))


@registry.command("marks", help="registry-marks")
@official_options
@json_option
def marks(url: str, token_file: Path, as_json: bool) -> None:
    """Marks who voted."""
    _act(url, token_file, "marks", None, as_json)


def _act(url: str, token_file: Path, act: str, order: Mapping[str, str | int] | None, as_json: bool) -> None:
    with official(url, token_file) as service:
        data = json.dumps(order).encode() if order is not None else b""
        _tell(service.decode(service.post(f"/official/{act}", data, "application/json")), as_json)


def _tell(answer: Any, as_json: bool) -> None:
    if as_json:
        console.put_json(answer)
        return
    console.say(say("service-done"))
    for name, value in answer.items():
        console.put(f"{name}: {value}")
