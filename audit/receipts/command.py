"""`vemre audit receipt` and `vemre audit abstention`: what anybody checks with a file, off line."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import click

from audit.receipts.abstention import Abstention, look
from audit.receipts.receipt import LEAF_BYTES, ReceiptReport, check_receipt
from audit.verify.folder import RecordFolder
from audit.verify.report import Report
from audit.verify.verifier import verify_record
from vemre import group
from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK, UNDECIDED, explain, report
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.crypto import tracker
from vemre.errors import CheckFailed, Refused
from vemre.log.encoding import format_base64
from vemre.log.merkle import leaf_hash
from vemre.log.proof import MAX_RECEIPT_BYTES
from vemre.params import MAX_ENTRY_BYTES

FILE: Final = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
_FOLDER: Final = click.Path(path_type=Path)
_HEX32: Final = re.compile(r"[0-9a-f]{64}")
_MAX_CREDENTIAL: Final = 1 << 10


@click.command("receipt", cls=Command, help="receipt-about")
@click.argument("file", type=FILE)
@option("--policy", type=_FOLDER, required=True, help="audit-option-policy")
@option("--ballot", "entry", type=FILE, help="receipt-option-ballot")
@option("--leaf", help="receipt-option-leaf")
@option("--tracker", "shown", help="receipt-option-tracker")
@json_option
def receipt(file: Path, policy: Path, entry: Path | None, leaf: str | None, shown: str | None, as_json: bool) -> int:
    """The text stands in the catalogue."""
    if entry is not None and leaf is not None:
        raise click.UsageError(say("receipt-ballot-or-leaf"))
    anchors = read_anchors(policy)
    data = files.read(file, limit=MAX_RECEIPT_BYTES)
    given = leaf_hash(files.read(entry, limit=MAX_ENTRY_BYTES)) if entry is not None else parse_leaf(leaf)
    try:
        found = check_receipt(data, anchors, leaf=given, shown=_tracker(shown))
    except (CheckFailed, Refused) as error:
        problem, code = explain(error)
        if code == UNDECIDED:
            raise
        if as_json:
            console.put_json({"verdict": "invalid", "reason": problem.code})
        else:
            console.put(say("receipt-invalid"))
            report(error)
        return INVALID
    if as_json:
        console.put_json(found.as_json())
    else:
        _show_receipt(found, compared=shown is not None or given is not None)
    return OK


def _show_receipt(found: ReceiptReport, *, compared: bool) -> None:
    console.put(say("receipt-valid"))
    console.put(say("voter-tracker", tracker=found.tracker))
    console.put(say("receipt-compared" if compared else "receipt-compare"))
    console.put(say("receipt-place", index=found.index, size=found.opened.size, log=found.opened.origin))
    names, missing = ", ".join(found.auditors) or "—", ", ".join(found.missing) or "—"
    code = "receipt-quorum-reached" if found.reached else "receipt-quorum-pending"
    console.put(say(code, auditors=names, missing=missing, quorum=found.quorum))


def parse_leaf(text: str | None) -> bytes | None:
    """A leaf hash of the command line, as 64 hex digits. Raises Refused("leaf-mistyped")."""
    if text is None:
        return None
    if not _HEX32.fullmatch(text):
        raise Refused("leaf-mistyped")
    return bytes.fromhex(text)


def _tracker(text: str | None) -> bytes | None:
    """The 20 bytes of a short form, or of the whole leaf hash in hex. Raises Refused("tracker-mistyped")."""
    if text is None:
        return None
    if _HEX32.fullmatch(text):
        return bytes.fromhex(text)[:LEAF_BYTES]
    try:
        return tracker.parse(text)
    except ValueError:
        raise Refused("tracker-mistyped") from None


# --- abstention -----------------------------------------------------------------------------------------------------


@click.command("abstention", cls=Command, help="abstention-about")
@option("--credential", help="abstention-option-credential")
@option("--credential-file", type=FILE, help="abstention-option-credential-file")
@option("--record", type=_FOLDER, required=True, help="abstention-option-record")
@option("--policy", type=_FOLDER, required=True, help="audit-option-policy")
@option("--log-only", is_flag=True, help="abstention-option-log-only")
@json_option
def abstention(
    credential: str | None,
    credential_file: Path | None,
    record: Path,
    policy: Path,
    log_only: bool,
    as_json: bool,
) -> int:
    """The text stands in the catalogue."""
    if (credential is None) == (credential_file is None):
        raise click.UsageError(say("abstention-one-credential"))
    public = _public(credential if credential is not None else _read_text(credential_file))
    anchors, source, arithmetic = read_anchors(policy), RecordFolder(record), group.load()
    verified = None if log_only else verify_record(source, anchors, arithmetic, os.urandom)
    if verified is not None and verified.failure is not None:
        return _invalid(verified.failure, verified, as_json)
    try:
        found = look(source, anchors, public, arithmetic, os.urandom)
    except CheckFailed as failure:
        return _invalid(failure, verified, as_json)
    if found.urn is None and not found.ballots:
        raise Refused("abstention-not-on-roll")
    if as_json:
        _put_json(found.shown, verified, found)
    else:
        _show_abstention(found, whole=verified is not None)
    return OK if found.shown else INVALID


def _show_abstention(found: Abstention, *, whole: bool) -> None:
    if found.ballots:
        for index, leaf in found.ballots:
            console.put(say("abstention-ballot", index=index, tracker=tracker.shown(leaf)))
    else:
        console.put(say("abstention-shown" if found.closed else "abstention-so-far"))
    console.put(say("abstention-urn", urn=found.urn or "—"))
    if found.block is None:
        console.put(say("abstention-no-block"))
    else:
        reason = say(f"abstention-reason-{found.block[1]}")
        console.put(say("abstention-block", index=found.block[0], reason=reason))
    auditors, root = ", ".join(found.auditors), format_base64(found.opened.root)
    console.put(say("abstention-checkpoint", size=found.opened.size, root=root, auditors=auditors))
    console.put(say("abstention-whole" if whole else "abstention-log-only"))


def _invalid(failure: CheckFailed, verified: Report | None, as_json: bool) -> int:
    """The record does not hold, so that nothing can be shown with it."""
    if as_json:
        _put_json(False, verified, None, failure)
    else:
        console.put(say("abstention-invalid"))
        report(failure)
    return INVALID


def _put_json(
    shown: bool, verified: Report | None, found: Abstention | None, failure: CheckFailed | None = None
) -> None:
    problem: dict[str, Any] | None = None
    if failure is not None:
        problem = {"id": failure.check.value, "where": failure.where, "party": failure.party}
    console.put_json(
        {
            "shown": shown,
            "verified": "log" if verified is None else "record",
            "failure": problem,
            **(found.as_json() if found is not None else {}),
        }
    )


def _read_text(file: Path | None) -> str:
    assert file is not None
    return files.read(file, limit=_MAX_CREDENTIAL).decode("utf-8", "replace").strip()


def _public(text: str) -> bytes:
    """A public credential. What has another form is not repeated: it may be the secret one. Raises
    Refused("credential-not-public")."""
    if not _HEX32.fullmatch(text):
        raise Refused("credential-not-public")
    return bytes.fromhex(text)
