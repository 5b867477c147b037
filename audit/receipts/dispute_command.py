"""`vemre audit dispute`: makes the file that convicts a ballot box which dropped a ballot, and judges such a file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from audit.receipts.command import FILE, parse_leaf
from audit.receipts.dispute import DisputeReport, Verdict, compare, judge
from audit.verify.folder import RecordFolder
from vemre import messages
from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK, UNDECIDED
from vemre.cli.policy import read_anchors
from vemre.cli.translations import language, say
from vemre.crypto import tracker
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed
from vemre.log.encoding import format_base64
from vemre.log.note import MAX_NOTE_BYTES
from vemre.log.reader import Fetch
from vemre.messages import RemoteProblem, Unreachable
from vemre.records.dispute import MAX_DISPUTE_BYTES
from vemre.service.client import HttpSource, ServiceClient

_EXITS: Final = {Verdict.PROVEN: OK, Verdict.NOT_PROVEN: INVALID, Verdict.UNDECIDED: UNDECIDED}
_ATTEMPTS: Final = 3


@click.command("dispute", cls=Command, help="dispute-about")
@click.argument("file", type=FILE)
@option("--policy", type=click.Path(path_type=Path), required=True, help="audit-option-policy")
@option("--record", type=click.Path(path_type=Path), help="dispute-option-record")
@option("--url", help="dispute-option-url")
@option("--checkpoint", type=FILE, help="dispute-option-checkpoint")
@option("--leaf", help="receipt-option-leaf")
@option("--out", type=click.Path(path_type=Path, dir_okay=False), help="dispute-option-out")
@json_option
def dispute(
    file: Path,
    policy: Path,
    record: Path | None,
    url: str | None,
    checkpoint: Path | None,
    leaf: str | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """The text stands in the catalogue."""
    anchors = read_anchors(policy)
    data = files.read(file, limit=MAX_DISPUTE_BYTES)
    if data.startswith(b"{"):
        if any(value is not None for value in (record, url, checkpoint, leaf, out)):
            raise click.UsageError(say("dispute-bundle-alone"))
        found = judge(data, anchors)
    else:
        if (record is None and url is None and checkpoint is None) or (record is not None and url is not None):
            raise click.UsageError(say("dispute-against-what"))
        later = None if checkpoint is None else files.read(checkpoint, limit=MAX_NOTE_BYTES)
        found = _compare(data, parse_leaf(leaf), later, record, url, anchors)
    if out is not None and found.fault is not None:
        files.write(out, found.fault.dispute.encode())
    if as_json:
        console.put_json(found.as_json())
    else:
        _show(found, out)
    return _EXITS[found.verdict]


def _compare(
    receipt: bytes, leaf: bytes | None, later: bytes | None, record: Path | None, url: str | None, anchors: Anchors
) -> DisputeReport:
    if record is not None:
        folder = RecordFolder(record)
        try:
            note = folder.checkpoint("ballot") if later is None else later
        except CheckFailed:
            note = None
        return _against(receipt, leaf, note, lambda path: folder.read("ballot", path), anchors)
    if url is None:
        return _against(receipt, leaf, later, _no_tiles, anchors)
    try:
        with ServiceClient(url, attempts=_ATTEMPTS) as client:
            source = HttpSource(client)
            note = source.checkpoint() if later is None else later
            return _against(receipt, leaf, note, source.tile, anchors)
    except (Unreachable, RemoteProblem, CheckFailed, FileNotFoundError) as error:
        # Silence is no signature: whoever refuses to answer cannot be convicted by it.
        return DisputeReport(Verdict.UNDECIDED, "dispute-nothing-served", {"reason": type(error).__name__})


def _against(receipt: bytes, leaf: bytes | None, later: bytes | None, fetch: Fetch, anchors: Anchors) -> DisputeReport:
    if later is None:
        return DisputeReport(Verdict.UNDECIDED, "dispute-nothing-served", {"reason": "—"})
    return compare(receipt, leaf, later, fetch, anchors)


def _no_tiles(path: str) -> bytes:
    raise FileNotFoundError(path)


def _show(found: DisputeReport, out: Path | None) -> None:
    words = messages.problem(found.reason, found.params).wording(language())
    console.put(say(f"dispute-verdict-{found.verdict.name.lower().replace('_', '-')}"))
    console.put(f"{words.title}. {words.detail}")
    fault = found.fault
    if fault is not None:
        leaf = bytes.fromhex(fault.dispute.leaf_hash)
        console.put(say("voter-tracker", tracker=tracker.shown(leaf)))
        console.put(say("dispute-at-fault", log=fault.given.origin))
        for code, opened in (("dispute-given", fault.given), ("dispute-later", fault.later)):
            console.put(say(code, size=opened.size, root=format_base64(opened.root)))
        if out is not None:
            console.put(say("dispute-saved", file=str(out)))
    console.put(f"{say('cli-next')}: {words.next}")
