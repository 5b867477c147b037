"""`vemre audit release` and `vemre audit integrity`: what was audited, and whether it is what runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from audit.integrity.inputs import read_exceptions, read_list
from audit.integrity.judge import Finding, judge
from audit.integrity.record import record
from vemre import group as groups
from vemre.cli import console, files
from vemre.cli.command import Command, Group, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.policy import read_anchors
from vemre.cli.translations import say
from vemre.election import release as releases
from vemre.errors import Refused
from vemre.service import deployment
from vemre.service.election_source import ElectionSource, from_folder

FILE: Final = click.Path(path_type=Path, dir_okay=False)
FOLDER: Final = click.Path(path_type=Path, file_okay=False, exists=True)
_SHOWN: Final = 100


@click.command("release", cls=Command, help="audit-release-about")
@click.argument("tree", metavar="[DIR]", type=FOLDER, required=False)
@option("--out", type=FILE, help="audit-release-option-out")
@json_option
def release(tree: Path | None, out: Path | None, as_json: bool) -> None:
    """Compiled code is no part of a release; everything else in the packages must be a plain file."""
    found = deployment.scan(tree, caches=False)
    if found.strange:
        path, reason = min(found.strange.items())
        raise Refused("release-strange", path=path, reason=reason, count=len(found.strange))
    digest = releases.digest(found.files)
    if out is not None:
        files.write(out, releases.encode_list(found.files))
    if as_json:
        console.put_json({"release": digest, "files": dict(found.files)})
        return
    console.put(digest)
    console.say(say("audit-release-files", files=len(found.files)))


@click.group("integrity", cls=Group, help="audit-integrity-about")
def group() -> None:
    """The text stands in the catalogue."""


group.add_command(record)


@group.command("compare", help="audit-integrity-compare-about")
@click.argument("audited", metavar="LIST|RECORD", type=click.Path(path_type=Path, exists=True))
@click.argument("tree", metavar="[DIR]", type=FOLDER, required=False)
@option("--exceptions", type=FILE, help="audit-integrity-option-exceptions")
@option("--policy", type=FILE, help="audit-integrity-option-policy")
@option("--list", "known", type=FILE, help="audit-integrity-option-list")
@json_option
def compare(
    audited: Path, tree: Path | None, exceptions: Path | None, policy: Path | None, known: Path | None, as_json: bool
) -> int:
    """Ends with 0 where everything is as audited, up to declared exceptions, with 1 where it is not."""
    excepted = read_exceptions(exceptions)
    if not audited.is_dir():
        if policy is not None or known is not None:
            raise click.UsageError(say("audit-integrity-usage"))
        return _compare_tree(read_list(audited), tree, excepted, as_json)
    if policy is None or tree is not None:
        raise click.UsageError(say("audit-integrity-usage"))
    return _compare_record(audited, policy, None if known is None else read_list(known), excepted, as_json)


def _compare_tree(audited: Mapping[str, str], tree: Path | None, excepted: Mapping[str, str], as_json: bool) -> int:
    found = deployment.scan(tree)
    difference = releases.compare(audited, found)
    undeclared = releases.undeclared(difference.paths, excepted)
    if as_json:
        console.put_json(
            {
                "same": not undeclared,
                "release": releases.digest(audited),
                "added": list(difference.added),
                "missing": list(difference.missing),
                "changed": list(difference.changed),
                "strange": [{"path": path, "reason": found.strange[path]} for path in difference.strange],
                "undeclared": undeclared,
            }
        )
        return INVALID if undeclared else OK
    for kind, paths in (
        ("added", difference.added),
        ("missing", difference.missing),
        ("changed", difference.changed),
        ("strange", difference.strange),
    ):
        _list(f"audit-integrity-{kind}", paths, set(undeclared))
    console.put(say("audit-integrity-differs" if undeclared else "audit-integrity-same", count=len(undeclared)))
    return INVALID if undeclared else OK


def _compare_record(
    folder: Path, policy: Path, known: Mapping[str, str] | None, excepted: Mapping[str, str], as_json: bool
) -> int:
    source = ElectionSource(read_anchors(policy), from_folder(folder), groups.load(), os.urandom)
    findings = judge(source.refresh(), known, set(excepted))
    good = all(finding.good for finding in findings)
    if as_json:
        console.put_json({"same": good, "records": [_plain(finding) for finding in findings]})
        return OK if good else INVALID
    for finding in findings:
        place = {"log": finding.log, "index": finding.index, "signer": finding.signer, "role": finding.role}
        console.put(say("audit-integrity-record", **place))
        if finding.problem is not None:
            console.put(f"  {say(f'audit-integrity-{finding.problem}')}")
        _list("audit-integrity-differences", finding.differences, set(finding.undeclared))
    count = sum(not finding.good for finding in findings)
    console.put(say("audit-integrity-record-same" if good else "audit-integrity-record-differs", count=count))
    return OK if good else INVALID


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "log": finding.log,
        "index": finding.index,
        "signer": finding.signer,
        "role": finding.role,
        "release": finding.release,
        "differences": finding.differences,
        "undeclared": finding.undeclared,
        "problem": finding.problem,
    }


def _list(title: str, paths: tuple[str, ...] | list[str], undeclared: set[str]) -> None:
    """A heading and the paths below it, the declared ones marked; a long list is cut."""
    if not paths:
        return
    console.put(f"  {say(title)}:")
    for path in paths[:_SHOWN]:
        mark = "" if path in undeclared else f" ({say('audit-integrity-declared')})"
        console.put(f"    {console.printable(path)}{mark}")
    if len(paths) > _SHOWN:
        console.put(f"    {say('audit-integrity-more', count=len(paths) - _SHOWN)}")
