"""`vemre audit enrolment`: checks what a person was given of an own enrolment, and counts changes by kind."""

from __future__ import annotations

from pathlib import Path

import click

from audit.receipts.command import FILE
from audit.receipts.enrolment import EnrolmentReport, check_enrolment, totals
from audit.verify.folder import RecordFolder
from vemre.cli import console, files
from vemre.cli.command import Command, Group, json_option, option
from vemre.cli.errors import INVALID, OK, UNDECIDED, explain, report
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.errors import CheckFailed
from vemre.records.enrolment import MAX_OPENING_BYTES


@click.group("enrolment", cls=Group, help="enrolment-about")
def group() -> None:
    """The text stands in the catalogue."""


@group.command("check", cls=Command, help="enrolment-check")
@click.argument("file", type=FILE)
@option("--policy", type=click.Path(path_type=Path), required=True, help="audit-option-policy")
@json_option
def check(file: Path, policy: Path, as_json: bool) -> int:
    """Off line; shows the change, which is personal data, to whoever has the file."""
    anchors = read_anchors(policy)
    try:
        found = check_enrolment(files.read(file, limit=MAX_OPENING_BYTES), anchors)
    except CheckFailed as failure:
        problem, code = explain(failure)
        if code == UNDECIDED:
            raise
        if as_json:
            console.put_json({"verdict": "invalid", "reason": problem.code})
        else:
            console.put(say("enrolment-invalid"))
            report(failure)
        return INVALID
    if as_json:
        console.put_json(found.as_json())
    else:
        _show(found)
    return OK


def _show(found: EnrolmentReport) -> None:
    console.put(say("enrolment-valid"))
    for name, value in sorted(found.change.items()):
        if isinstance(value, dict):
            for inner, text in sorted(value.items()):
                console.put(f"  {name}.{inner}: {text}")
        else:
            console.put(f"  {name}: {value}")
    console.put(say("receipt-place", index=found.index, size=found.opened.size, log=found.opened.origin))
    names, missing = ", ".join(found.auditors) or "—", ", ".join(found.missing) or "—"
    code = "enrolment-quorum-reached" if len(found.auditors) >= found.quorum else "enrolment-quorum-pending"
    console.put(say(code, auditors=names, missing=missing, quorum=found.quorum))


@group.command("totals", cls=Command, help="enrolment-totals")
@click.argument("record", type=click.Path(path_type=Path))
@option("--policy", type=click.Path(path_type=Path), required=True, help="audit-option-policy")
@json_option
def count(record: Path, policy: Path, as_json: bool) -> None:
    """Authenticates the registry log of a record and counts."""
    found = totals(RecordFolder(record), read_anchors(policy))
    if as_json:
        console.put_json(found)
        return
    for kind, number in found.items():
        console.put(f"{kind}: {number}")
