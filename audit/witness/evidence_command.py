"""`vemre audit evidence`: whether an evidence file proves a fault, for anybody who has the policy."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from audit.verify.folder import RecordFolder
from audit.witness.evidence import EVIDENCE_FILE, RECORD, Conviction, NotProven, judge, parse_evidence
from vemre import group
from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.policy import read_anchors
from vemre.cli.translations import language, say
from vemre.election.rules.view import Anchors
from vemre.errors import CheckFailed, Refused
from vemre.log.note import Vkey
from vemre.messages import problem_of_check

_MAX_BYTES: Final = 4 << 20


@click.command("evidence", cls=Command, help="evidence-about")
@click.argument("evidence", type=click.Path(path_type=Path))
@option("--policy", type=click.Path(path_type=Path, dir_okay=False), help="audit-option-policy")
@option("--log", "logs", multiple=True, metavar="VKEY", help="evidence-option-log")
@json_option
def command(evidence: Path, policy: Path | None, logs: Sequence[str], as_json: bool) -> int:
    """Ends with 0 where the evidence proves a fault, 1 where it proves nothing, 2 where it cannot be read."""
    if policy is None and not logs:
        raise Refused("witness-options", options="--policy, --log")
    try:
        found = examine(evidence, None if policy is None else read_anchors(policy), [_vkey(text) for text in logs])
    except NotProven as reason:
        if as_json:
            console.put_json({"proven": False, "reason": str(reason)})
        else:
            console.put(say("evidence-nothing", reason=str(reason)))
        return INVALID
    if as_json:
        console.put_json({"proven": True, **found.as_json()})
    else:
        _show(found)
    return OK


def examine(path: Path, anchors: Anchors | None, foreign: Sequence[Vkey] = ()) -> Conviction:
    """What the evidence at a path (its folder or its file) proves. Raises NotProven, Refused("file-unusable"),
    OSError."""
    file = path / EVIDENCE_FILE if path.is_dir() else path
    evidence = parse_evidence(_json(file))
    known = [*foreign, *(anchors.logs.values() if anchors is not None else ())]
    record = RecordFolder(file.parent / RECORD) if (file.parent / RECORD).is_dir() else None
    return judge(evidence, {vkey.name: vkey for vkey in known}, anchors, record, group.load(), os.urandom)


def _json(file: Path) -> Any:
    try:
        return json.loads(files.read(file, limit=_MAX_BYTES))
    except (ValueError, RecursionError):
        raise Refused("file-unusable", file=str(file), reason="not JSON") from None


def _vkey(text: str) -> Vkey:
    try:
        return Vkey.parse(text)
    except CheckFailed as failure:
        raise Refused("witness-log-unusable", reason=failure.detail) from None


def _show(found: Conviction) -> None:
    words = problem_of_check(found.check).wording(language())
    console.put(say("evidence-proves", log=found.log or "—", check=found.check.value, title=words.title))
    for code, value in (("cli-where", found.where), ("cli-party", found.party), ("cli-technical", found.detail)):
        if value:
            console.put(f"  {say(code)}: {value}")
