"""The command ``vemre tally``: the service, the officials' acts, and the authority's."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from tally import keys
from tally.authority import Authority, Order, read_lnere
from tally.keys import RoleFile
from tally.manifest_commands import manifest
from tally.options import FILE, Election, election_options, hand_over
from tally.role_commands import show_public
from tally.roles import submit as submit_act
from vemre.cli import console, files
from vemre.cli.command import Group, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.integrity import integrity
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.services import Build, add_init, add_serve, official, official_options
from vemre.cli.translations import say
from vemre.election.rules import engine
from vemre.records.bundle import MAGIC
from vemre.service.client import ServiceClient

_MAX_ACT: Final = 1 << 30


@click.group("tally", cls=Group, help="command-tally")
def group() -> None:
    """The tally."""


def _service() -> tuple[type[Any], Build]:
    from tally.service.main import create_app
    from vemre.service.settings import ServiceSettings

    return ServiceSettings, create_app


add_init(group, "tally")
add_serve(group, "tally", _service)
group.add_command(integrity)
group.add_command(manifest)


# --- the officials of the tally -------------------------------------------------------------------------------


@group.command("drill", help="tally-drill")
@official_options
@json_option
def drill(url: str, token_file: Path, as_json: bool) -> None:
    """Closes the drill."""
    _tell(_official(url, token_file, "drill"), as_json)


@group.command("input", help="tally-input")
@official_options
@json_option
def fix_input(url: str, token_file: Path, as_json: bool) -> None:
    """Publishes the list to mix."""
    _tell(_official(url, token_file, "tally-input"), as_json)


@group.command("results", help="tally-results")
@official_options
@json_option
def count(url: str, token_file: Path, as_json: bool) -> int:
    """Exit code 1 while something is missing."""
    answer = _official(url, token_file, "results")
    if as_json:
        console.put_json(answer)
    else:
        for item in answer["missing"]:
            console.put(
                f"{item['urn']} {item['contest']}: {say('act-' + item['what'])} {item['found']}/{item['needed']} "
                f"({', '.join(item['by'])})"
            )
        if answer["waiting"]:
            console.put(say("tally-waiting-cosignatures", missing=answer["waiting"]))
        if answer["result"]:
            console.put(say("tally-result-closed", index=answer["result"]["index"]))
    return OK if answer["result"] else INVALID


def _official(url: str, token_file: Path, act: str) -> Any:
    with official(url, token_file) as service:
        return service.decode(service.post(f"/official/{act}", b"", "application/json"))


def _tell(answer: Any, as_json: bool) -> None:
    if as_json:
        console.put_json(answer)
        return
    console.say(say("service-done"))
    for name, value in answer.items():
        console.put(f"{name}: {json.dumps(value, ensure_ascii=False)}")


@group.command("status", help="tally-status")
@option("--url", required=True, help="service-option-url")
@json_option
def status(url: str, as_json: bool) -> None:
    """What is due, and by whom."""
    with ServiceClient(url) as service:
        answer = service.get_json("/state")
    if as_json:
        console.put_json(answer)
        return
    console.put(f"{say('tally-stage')}: {_stage(answer['stage'])}")
    for item in answer["due"]:
        place = f" {item['urn']} {item['contest']}" if item["urn"] else ""
        console.put(f"{say('act-' + item['act'])}{place}: {', '.join(item['by'])}")


def _stage(name: str) -> str:
    """The words of a stage."""
    known = {stage for _, _, stage in engine.STAGE_NAMES}
    if name in known:
        return say(f"audit-stage-{name}")
    return say("tally-stage-none") if name == "empty" else name


@group.command("submit", help="tally-submit")
@click.argument("acts", nargs=-1, required=True, type=FILE)
@option("--url", required=True, help="service-option-url")
@json_option
def submit(acts: tuple[Path, ...], url: str, as_json: bool) -> None:
    """Sends what came on a stick, in the order given."""
    answers = []
    with ServiceClient(url) as service:
        for path in acts:
            data = files.read(path, limit=_MAX_ACT)
            answer = submit_act(service, data, drill=not data.startswith(MAGIC))
            answers.append({"file": path.name, "answer": answer})
            if not as_json:
                console.put(f"{path.name}: {json.dumps(answer)}")
    if as_json:
        console.put_json({"sent": answers})


# --- the authority --------------------------------------------------------------------------------------------


@group.group("authority", cls=Group, help="tally-authority")
def authority() -> None:
    """The authority's keys."""


@authority.command("init", help="authority-init")
@option("--key", "key_file", required=True, type=FILE, help="tally-option-key")
@passphrase_options
@json_option
def authority_init(key_file: Path, passphrase: Passphrase, as_json: bool) -> None:
    """Makes the authority's key."""
    secret = passphrase.get(confirm=True)
    public = keys.create(key_file, "authority", "authority", "", secret, os.urandom, insecure=passphrase.insecure)
    show_public(public, key_file, as_json)


def _act_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every act of the authority takes."""
    for add in (
        json_option,
        passphrase_options,
        option("--out", type=FILE, help="tally-option-out-file"),
        election_options,
        option("--key", "key_file", required=True, type=FILE, help="tally-option-key"),
    ):
        function = add(function)
    return function


def _act(
    key_file: Path,
    election: Election,
    out: Path | None,
    passphrase: Passphrase,
    as_json: bool,
    act: Callable[[Authority], Sequence[Order]],
) -> None:
    file = RoleFile.open(key_file, "authority", passphrase.get(), os.urandom, allow_insecure=passphrase.insecure)
    with election.source() as source:
        orders = act(Authority.of(source, file, lambda: int(time.time())))
    hand_over(orders, election.urls, out, as_json)


@group.command("setup", help="tally-setup")
@option("--lnere", required=True, type=FILE, help="tally-option-lnere")
@option("--release", required=True, help="tally-option-release")
@_act_options
def setup(lnere: Path, release: str, **given: Any) -> None:
    """Binds manifest, key, roll and release."""
    counts = read_lnere(lnere)
    _act(**given, act=lambda authority: [authority.setup(counts, release)])


@group.command("open", help="tally-open")
@_act_options
def open_box(**given: Any) -> None:
    """Orders the opening."""
    _act(**given, act=lambda authority: [authority.open()])


@group.command("decide", help="tally-decide")
@option("--batch", "batches", nargs=2, multiple=True, help="tally-option-batch")
@option("--reason", required=True, help="tally-option-reason")
@_act_options
def decide(batches: tuple[tuple[str, str], ...], reason: str, **given: Any) -> None:
    """Decides on small batches."""
    _act(**given, act=lambda authority: authority.decide(list(batches), reason))


@group.command("certify", help="tally-certify")
@_act_options
def certify(**given: Any) -> None:
    """Makes the result official."""
    _act(**given, act=lambda authority: [authority.certify()])


@group.command("void", help="tally-void")
@option("--reason", required=True, help="tally-option-void-reason")
@_act_options
def void(reason: str, **given: Any) -> None:
    """Ends an attempt at key generation."""
    _act(**given, act=lambda authority: [authority.void(reason)])
