"""`vemre audit verify`: the off-line verifier for people and for programs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from audit.verify.folder import RecordFolder
from audit.verify.report import Report, Status
from audit.verify.verifier import Progress, verify_record
from vemre import group
from vemre.checks import Check
from vemre.cli import console
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK
from vemre.cli.executors import ExecutorChoice, executor_option
from vemre.cli.policy import read_anchors
from vemre.cli.results import put_results
from vemre.cli.translations import language, say
from vemre.group import Backend
from vemre.messages import problem_of_check

_STYLES = {Status.PASSED: "green", Status.FAILED: "bold red", Status.NOT_APPLICABLE: "dim"}


@click.command("verify", cls=Command, help="audit-verify-about")
@click.argument("record", type=click.Path(path_type=Path))
@option("--policy", type=click.Path(path_type=Path), required=True, help="audit-option-policy")
@option("--backend", type=click.Choice(group.backends()), default=None, help="audit-option-backend")
@executor_option
@json_option
def verify(record: Path, policy: Path, backend: Backend | None, executor: ExecutorChoice, as_json: bool) -> int:
    """The text stands in the catalogue."""
    anchors = read_anchors(policy)
    source = RecordFolder(record)
    arithmetic = group.load(backend)
    with executor.workers() as workers:
        if as_json:
            report = verify_record(source, anchors, arithmetic, os.urandom, workers=workers)
        else:
            with _bar() as progress:
                report = verify_record(source, anchors, arithmetic, os.urandom, progress, workers)
    if as_json:
        console.put_json(report.as_json())
    else:
        show(report)
    return OK if report.valid else INVALID


def show(report: Report) -> None:
    """The report for a person: every check, the result as far as there is one, and the verdict last."""
    columns = [say(f"audit-column-{name}") for name in ("check", "status", "where", "party")]
    rows = [
        (line.check.value, say(f"audit-status-{line.status.name.lower().replace('_', '-')}"), line.where, line.party)
        for line in report.checks.values()
    ]
    styles = [_STYLES[line.status] for line in report.checks.values()]
    shown = [tuple("" if cell is None else cell for cell in row) for row in rows]
    console.put_table(say("audit-checks-title"), columns, shown, styles=styles)
    if report.result and report.offer is not None:
        put_results(report.result, report.offer, certified=report.certified)
    console.put(f"{say('audit-stage')}: {say(f'audit-stage-{report.stage}')}")
    if report.valid:
        preliminary = "audit-valid-preliminary" if report.result else "audit-valid"
        console.put(say("audit-valid-certified" if report.certified else preliminary))
        return
    failure = report.failure
    assert failure is not None
    words = problem_of_check(failure.check).wording(language())
    console.put(say("audit-invalid", check=failure.check.value, title=words.title))
    console.put(f"  {words.detail}")
    for code, value in (("cli-where", failure.where), ("cli-party", failure.party), ("cli-technical", failure.detail)):
        if value:
            console.put(f"  {say(code)}: {value}")


@contextmanager
def _bar() -> Iterator[Progress]:
    """A bar that goes by check, on standard error; silent where that is no terminal."""
    with console.named_progress(say("audit-verifying")) as advance:
        yield lambda check, done, total: advance(_label(check), done, total)


def _label(check: Check) -> str:
    return f"{say('audit-verifying')} [{check.value}]"
