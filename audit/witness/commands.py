"""`vemre audit witness`: runs the witness of an auditor; `replay` and `admit` are for the auditor's people."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from audit import keys
from vemre.cli import console
from vemre.cli.command import Group, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.passphrase import Passphrase, passphrase_options
from vemre.cli.policy import read_anchors
from vemre.cli.services import serving_options
from vemre.cli.translations import say
from vemre.errors import Refused
from vemre.service.settings import ServiceSettings, load
from vemre.types import LogName

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_SERVE: Final = "serve"


class _Witness(Group):
    """Without a subcommand's name it is `serve`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        first = args[0] if args else ""
        helped = first in ctx.help_option_names
        return super().parse_args(ctx, args if helped or first in self.commands else [_SERVE, *args])


@click.group("witness", cls=_Witness, help="witness-about")
def group() -> None:
    """The text stands in the catalogue."""


@group.command(_SERVE, help="witness-serve-about")
@option("--data", required=True, type=_FOLDER, help="audit-option-data")
@option("--policy", type=_FILE, help="audit-option-policy")
@option("--registry-url", help="service-option-registry-url")
@option("--ballot-url", help="service-option-ballot-url")
@option("--tally-url", help="service-option-tally-url")
@option("--consistency-log", "foreign", multiple=True, metavar="VKEY[=URL]", help="witness-option-consistency-log")
@option("--host", help="cli-option-host")
@option("--port", type=int, help="cli-option-port")
@option("--database-url", help="witness-option-database-url")
@option("--config", type=_FILE, help="cli-option-config")
@option("--interval", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="audit-option-interval")
@option("--post", is_flag=True, help="witness-option-post")
@option("--page", "pages", multiple=True, metavar="URL", help="witness-option-page")
@option("--page-via", "vias", multiple=True, metavar="PROXY", help="witness-option-page-via")
@option(
    "--page-interval",
    type=click.FloatRange(min=1),
    default=60.0,
    show_default=True,
    help="witness-option-page-interval",
)
@option("--hooks", "hooks_file", type=_FILE, help="hooks-option-file")
@serving_options
@passphrase_options
def serve(
    data: Path,
    policy: Path | None,
    registry_url: str | None,
    ballot_url: str | None,
    tally_url: str | None,
    foreign: Sequence[str],
    config: Path | None,
    interval: float,
    post: bool,
    pages: Sequence[str],
    vias: Sequence[str],
    page_interval: float,
    hooks_file: Path | None,
    passphrase: Passphrase,
    **given: Any,
) -> int:
    """Runs until it is told to stop."""
    from audit.assets.watch import looks
    from audit.hooks.settings import read
    from audit.witness.main import Plan, build
    from vemre.service.serve import serve as run

    urls = {"registry": registry_url, "ballot": ballot_url, "tally": tally_url}
    missing = [name for name, url in urls.items() if url is None]
    if (policy is not None and missing) or (policy is None and not foreign):
        lacking = [f"--{name}-url" for name in missing] if policy is not None else ["--policy", "--consistency-log"]
        raise Refused("witness-options", options=", ".join(lacking))
    settings = load(ServiceSettings, config=config, data_dir=data, policy_file=policy, **given)
    anchors = None if policy is None else read_anchors(policy)
    own = keys.load(data, passphrase.get(), allow_insecure=passphrase.insecure)
    places: dict[LogName, str] = {"registry": registry_url or "", "ballot": ballot_url or "", "tally": tally_url or ""}
    hooks = () if hooks_file is None else read(hooks_file)
    found = tuple(looks(pages, vias))
    if anchors is None and found:
        raise Refused("witness-options", options="--policy")
    plan = Plan(
        settings, own, anchors, places if anchors is not None else {}, tuple(foreign), interval, post,
        pages=found, page_interval=page_interval, hooks=hooks,
    )  # fmt: skip
    return run(lambda: build(plan), settings)


@group.command("replay", help="witness-replay-about")
@option("--data", required=True, type=_FOLDER, help="audit-option-data")
@option("--policy", required=True, type=_FILE, help="audit-option-policy")
@option("--database-url", help="witness-option-database-url")
@json_option
def replay(data: Path, policy: Path, database_url: str | None, as_json: bool) -> int:
    """Ends with 0 where the state is the same, 1 where it is another or a rule does not hold."""
    from audit.witness.replay import replay as verify_anew
    from vemre import group as groups

    settings = load(ServiceSettings, data_dir=data, database_url=database_url)
    with console.progress(say("witness-replaying")):
        outcome = verify_anew(settings, read_anchors(policy), groups.load(), os.urandom)
    if as_json:
        console.put_json(outcome.as_json())
    else:
        console.put(say("witness-replay-same" if outcome.same else "witness-replay-different", **outcome.words()))
    return OK if outcome.same else INVALID


@group.command("admit", help="witness-admit-about")
@option("--data", required=True, type=_FOLDER, help="audit-option-data")
@option("--size", required=True, type=click.IntRange(min=1), help="witness-option-admit-size")
@option("--reason", required=True, help="witness-option-admit-reason")
@option("--database-url", help="witness-option-database-url")
@json_option
def admit(data: Path, size: int, reason: str, database_url: str | None, as_json: bool) -> None:
    """Kept in the database, where a running witness finds it at once."""
    from audit.witness.replay import open_store
    from audit.witness.store import InTime
    from vemre.service.station import wall_clock

    settings = load(ServiceSettings, data_dir=data, database_url=database_url)
    store = open_store(settings)
    try:
        noted = InTime("admitted", size, wall_clock(), reason)
        store.note_in_time(noted)
    finally:
        store.close()
    if as_json:
        console.put_json({"admitted": size, "reason": reason, "time": noted.time})
        return
    console.say(say("witness-admitted", size=size))
