"""What a voter does after voting: keep a receipt, complete it, check it again, and show the public credential."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from ballot.voter import receipts
from ballot.voter.entering import secret_from
from ballot.voter.receipts import CheckedReceipt, Contradicted
from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.crypto.credential import Credential
from vemre.election.rules.view import Anchors
from vemre.errors import Refused
from vemre.log.proof import MAX_RECEIPT_BYTES
from vemre.records.dispute import Dispute
from vemre.records.record import parse
from vemre.records.setup_bodies import Manifest
from vemre.service.client import HttpSource, ServiceClient
from vemre.service.follower import Follower
from vemre.service.sources import FolderSource

_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_ELECTION: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@click.command("receipt", cls=Command, help="voter-receipt")
@click.argument("file", type=_FILE)
@option("--policy", required=True, type=_FILE, help="voter-option-policy")
@option("--ballot-url", help="voter-option-receipt-url")
@option("--record", type=_FOLDER, help="voter-option-receipt-record")
@option("--upgrade", is_flag=True, help="voter-option-upgrade")
@option("--out", type=_FILE, help="voter-option-receipt-out")
@json_option
def receipt_command(
    file: Path,
    policy: Path,
    ballot_url: str | None,
    record: Path | None,
    upgrade: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    """Off line by the file alone; with a log at hand also that it still has the ballot, and more cosignatures."""
    if (ballot_url is not None and record is not None) or (upgrade and ballot_url is None and record is None):
        raise click.UsageError(say("voter-receipt-from-one"))
    if out is not None and not upgrade:
        raise click.UsageError(say("voter-receipt-out-upgrades"))
    anchors = read_anchors(policy)
    checked = receipts.check_file(files.read(file, limit=MAX_RECEIPT_BYTES), anchors)
    try:
        if ballot_url is not None:
            with ServiceClient(ballot_url) as ballot_box:
                size, better = _by_service(checked, anchors, ballot_box, upgrade=upgrade)
        elif record is not None:
            size, better = _by_record(checked, anchors, record, upgrade=upgrade)
        else:
            tell(checked, as_json)
            return
    except Contradicted as contradiction:
        raise Refused("receipt-contradicted", file=str(_keep(contradiction.dispute, file))) from None
    if out is not None:
        files.write(out, better.file(), private=True)
    elif better is not checked:
        # The new file takes the name of the old one once it is durable, and not before.
        files.write(file, better.file(), private=True, overwrite=True)
    if upgrade:
        console.say(say("voter-receipt-as-it-was" if better is checked else "voter-receipt-upgraded"))
    console.say(say("voter-receipt-continued", size=size))
    tell(better, as_json, log_size=size)


def _by_service(
    checked: CheckedReceipt, anchors: Anchors, ballot_box: ServiceClient, *, upgrade: bool
) -> tuple[int, CheckedReceipt]:
    source = HttpSource(ballot_box)
    size = receipts.check_log(checked, anchors, source)
    if not upgrade:
        return size, checked
    later = ballot_box.request("GET", f"/receipts/{checked.leaf.hex()}", limit=MAX_RECEIPT_BYTES)
    return size, receipts.upgraded(checked, later, anchors, source)


def _by_record(checked: CheckedReceipt, anchors: Anchors, record: Path, *, upgrade: bool) -> tuple[int, CheckedReceipt]:
    source = FolderSource(record, "ballot")
    size = receipts.check_record(checked, anchors, source)
    if not upgrade:
        return size, checked
    return size, receipts.upgraded(checked, receipts.receipt_of_record(checked, anchors, source), anchors, source)


def _keep(dispute: Dispute, receipt: Path) -> Path:
    """Save a dispute beside its receipt, under a name that nothing has; the very same one once."""
    data, number = dispute.encode(), 1
    while (path := receipt.with_name(f"{receipt.name}.dispute-{number}.json")).exists():
        if files.read(path, limit=max(len(data), path.stat().st_size)) == data:
            return path
        number += 1
    files.write(path, data, private=True)
    return path


@click.command("credential", cls=Command, help="voter-credential-about")
@option("--credential", type=_FILE, help="voter-option-credential")
@option("--election", help="voter-option-election")
@option("--record", type=_FOLDER, help="voter-option-election-record")
@option("--policy", type=_FILE, help="voter-option-policy")
@json_option
def credential_command(
    credential: Path | None, election: str | None, record: Path | None, policy: Path | None, as_json: bool
) -> None:
    """The public credential, from the secret one."""
    if election is not None and record is None:
        if not _ELECTION.fullmatch(election):
            raise Refused("election-id-mistyped")
    elif record is not None and policy is not None and election is None:
        election = _election_of(record, read_anchors(policy))
    else:
        raise click.UsageError(say("voter-credential-which-election"))
    key = Credential.parse(secret_from(credential, "voter-credential")).signing_key(election)
    if as_json:
        console.put_json({"credential": key.public.hex(), "election_id": election})
        return
    console.say(say("voter-credential-public"))
    console.put(key.public.hex())


def _election_of(record: Path, anchors: Anchors) -> str:
    """The id in the manifest of a record. Raises CheckFailed, Refused("no-manifest")."""
    follower = Follower("tally", anchors.logs["tally"], FolderSource(record, "tally"))
    follower.refresh()
    first = next(follower.new_entries(), None)
    body = parse(first[1]).body if first is not None else None
    if not isinstance(body, Manifest):
        raise Refused("no-manifest")
    return body.election_id


def tell(checked: CheckedReceipt, as_json: bool, **more: str | int) -> None:
    result = {
        "tracker": checked.tracker,
        "leaf_hash": checked.leaf.hex(),
        "index": checked.receipt.index,
        "size": checked.size,
        "auditors": sorted(checked.auditors),
        **more,
    }
    if as_json:
        console.put_json(result)
        return
    console.say(say("voter-receipt-good"), style="bold green")
    console.put(say("voter-tracker", tracker=checked.tracker))
    console.put(say("voter-place", index=checked.receipt.index, auditors=", ".join(sorted(checked.auditors)) or "—"))
    if "file" in more:
        console.put(say("voter-saved", file=more["file"]))
