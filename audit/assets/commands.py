"""`vemre audit page compare`: anybody holds the page that is served against the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import click

from audit.assets.comparing import MAX_LIST_BYTES, Difference, compare, parse_list
from audit.assets.fetching import Vantage, shown_proxy
from vemre.checks import Check
from vemre.cli import console
from vemre.cli.command import Command, Group, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.checkpoint import OpenedCheckpoint, auditors_of, open_checkpoint
from vemre.log.reader import LogReader
from vemre.messages import RemoteProblem
from vemre.records import vote_bodies as v
from vemre.records.bundle import check_blob
from vemre.records.record import parse
from vemre.service.client import HttpSource, ServiceClient


@dataclass(frozen=True)
class Named:
    """The list that the log names: its place, its bytes, and the auditors that cosigned a checkpoint over it."""

    index: int
    assets: bytes
    auditors: tuple[str, ...]


@click.group("page", cls=Group, help="page-about")
def group() -> None:
    """The text stands in the catalogue."""


@group.command("compare", cls=Command, help="page-compare-about")
@click.argument("url")
@option("--policy", required=True, type=click.Path(path_type=Path, dir_okay=False), help="audit-option-policy")
@option("--via", metavar="PROXY", help="page-option-via")
@json_option
def compare_command(url: str, policy: Path, via: str | None, as_json: bool) -> int:
    """Ends with 1 where anything differs."""
    anchors = read_anchors(policy)
    with Vantage(url, via) as vantage, ServiceClient(url) as service:
        named = named_by_log(service, anchors)
        found = compare(named.assets, vantage.get)
    if as_json:
        console.put_json(
            {
                "url": url,
                "via": shown_proxy(via),
                "index": named.index,
                "assets": sha256(named.assets).hexdigest(),
                "auditors": list(named.auditors),
                "differences": [{"path": one.path, "expected": one.expected, "served": one.found} for one in found],
            }
        )
    else:
        _show(named, found)
    return INVALID if found else OK


def named_by_log(service: ServiceClient, anchors: Anchors) -> Named:
    """The list of the `page-assets` record that the ballot box points to, verified against the log's signature.

    Raises Refused("page-not-recorded-yet"), CheckFailed where the log does not bear it out, RemoteProblem, Unreachable.
    """
    index = service.get_json("/page-assets").get("index")
    if type(index) is not int or index < 0:
        raise Refused("page-not-recorded-yet")
    source, log = HttpSource(service), anchors.logs["ballot"]
    opened = _checkpoint(source, anchors, index + 1)
    reader = LogReader(source.tile, opened.checkpoint, name="ballot", party="ballot-box", allow_full=True)
    if index >= reader.size:
        raise CheckFailed(Check.LOG, "the log does not reach the record", where="ballot", party="ballot-box")
    where = f"ballot/{index}"
    try:
        record = parse(reader.entry(index))
        if not isinstance(record.body, v.PageAssets) or record.log != log.name:
            raise CheckFailed(Check.RECORD_ROLE, "not a page-assets record of this log")
        if record.body.assets.size > MAX_LIST_BYTES:
            raise CheckFailed(Check.CANONICAL, "the list of assets is too long")
        data = source.blob(record.body.assets.sha256, record.body.assets.size)
        check_blob(record.body.assets, data)
        parse_list(data)
    except FileNotFoundError:
        raise CheckFailed(Check.BLOB_DIGEST, "the list is not served", where=where, party="ballot-box") from None
    except CheckFailed as failure:
        raise failure.located(where=where, party="ballot-box") from None
    return Named(index, data, tuple(sorted(auditors_of(opened, anchors.witnesses))))


def _checkpoint(source: HttpSource, anchors: Anchors, covering: int) -> OpenedCheckpoint:
    """One that a quorum cosigned, or else the latest. Raises CheckFailed(NOTE)."""
    try:
        data = source.checkpoint(cosigned=True, covering=covering)
    except RemoteProblem:
        data = source.checkpoint()
    return open_checkpoint(data, anchors.logs["ballot"], [key for keys in anchors.witnesses.values() for key in keys])


def _show(named: Named, found: Sequence[Difference]) -> None:
    if not found:
        auditors = ", ".join(named.auditors) or "—"
        digest, count = sha256(named.assets).hexdigest(), len(parse_list(named.assets))
        console.put(say("page-compare-same", index=named.index, count=count, digest=digest, auditors=auditors))
        return
    console.put(say("page-compare-differs", index=named.index))
    for one in found:
        console.put(f"  {one.path}: {one.expected} -> {one.found}")
