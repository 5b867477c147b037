"""`vemre export`: the election record of running services, as a folder for anybody to verify."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

import click

from vemre import group
from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.election import published
from vemre.errors import Refused
from vemre.service.client import ServiceClient
from vemre.service.election_source import ElectionSource, from_urls
from vemre.service.export import check_target, export
from vemre.types import LOG_NAMES, LogName

PAGES: Final = "vemre.pages"
VERIFIER: Final = "verifier"
"""The entry point that gives the verifier's page: nothing below the services imports them."""


@click.command("export", cls=Command, help="command-export")
@option("--registry-url", required=True, help="service-option-registry-url")
@option("--ballot-url", required=True, help="service-option-ballot-url")
@option("--tally-url", required=True, help="service-option-tally-url")
@option("--policy", type=click.Path(path_type=Path, dir_okay=False), required=True, help="audit-option-policy")
@option("--out", type=click.Path(path_type=Path), required=True, help="export-option-out")
@option("--page", "with_page", is_flag=True, help="export-option-page")
@json_option
def command(
    registry_url: str, ballot_url: str, tally_url: str, policy: Path, out: Path, with_page: bool, as_json: bool
) -> None:
    """The text stands in the catalogue."""
    anchors = read_anchors(policy)
    check_target(out)
    page = _page() if with_page else None
    urls: dict[LogName, str] = {"registry": registry_url, "ballot": ballot_url, "tally": tally_url}
    with ExitStack() as stack:
        sources = from_urls(urls, lambda url: stack.enter_context(ServiceClient(url)))
        source = ElectionSource(anchors, sources, group.load(), os.urandom)
        label = say("export-writing")
        with console.named_progress(label) as show:
            sizes = export(source, out, lambda done, total: show(label, done, total), page=page)
        standing = published.status(source.view)
        later = _later(source, sizes)
    if as_json:
        console.put_json({"record": str(out), "sizes": sizes, "status": standing, "later": later})
    else:
        for name, size in sizes.items():
            console.put(say("export-log", log=name, size=size))
        console.put(say("export-done", folder=str(out)))
    if standing != "none":
        console.say(say(f"export-{standing}"), style="bold")
    for log, size in later.items():
        console.say(say("export-later", log=log, size=sizes.get(log, 0), later=size), style="bold yellow")


def _later(source: ElectionSource, sizes: Mapping[LogName, int]) -> dict[LogName, int]:
    """The sizes of the logs that have grown beyond what was written, because auditors have not cosigned more yet."""
    found = {name: follower.latest_size() for name in LOG_NAMES if (follower := source.follower(name)) is not None}
    return {name: size for name, size in found.items() if size > sizes.get(name, 0)}


def _page() -> bytes:
    """The page with which a browser verifies the record beside it. Raises Refused("verifier-page-missing")."""
    found = next(iter(entry_points(group=PAGES, name=VERIFIER)), None)
    if found is None:
        raise Refused("verifier-page-missing", command="make verifier-ts")
    page: bytes = found.load()()
    return page
