"""The verifier's report as people read it."""

from __future__ import annotations

from typing import Final

from audit.verify.report import Report, Status
from vemre.cli import console
from vemre.cli.results import put_results
from vemre.cli.translations import language, say
from vemre.messages import problem_of_check

_STYLES: Final = {Status.PASSED: "green", Status.FAILED: "bold red", Status.NOT_APPLICABLE: "dim"}


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
