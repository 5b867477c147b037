"""`vemre audit plan`, `system-opinion`, `opinion` and `report`: what an auditor states, and on what grounds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import click

from audit.opinion import core, dictamen, documents, system
from audit.opinion.desk import Desk, DeskOptions, desk_options
from audit.opinion.giving import PDF, REPORT, SUBMISSION, Against, Given, Step, give
from audit.opinion.report import MAX_REPORT_BYTES
from audit.opinion.verifiers import BuiltIn, External, Verifier
from vemre.cli import console, files
from vemre.cli.command import Command, json_option, option
from vemre.cli.errors import INVALID, OK, UNDECIDED
from vemre.cli.errors import report as tell
from vemre.cli.translations import say
from vemre.election import drafts
from vemre.errors import Refused
from vemre.messages import LANGUAGES, Language, RemoteProblem, Unreachable

Verdict = Literal["favourable", "unfavourable"]
MAX_DOCUMENT_BYTES: Final = 16 << 20
MAX_REASON: Final = 2_000
_RELEASE: Final = re.compile(r"[0-9a-f]{64}")
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_LATER: Final = frozenset({"not-cosigned-yet", "logs-out-of-step", "opinion-too-early"})
"""Refusals that a later repetition may not meet: nothing was decided."""


@contextmanager
def _later(ctx: click.Context) -> Iterator[None]:
    """Ends the command with 2 where it only came too early."""
    try:
        yield
    except (Refused, RemoteProblem) as reason:
        if reason.code not in _LATER:
            raise
        tell(reason)
        ctx.exit(UNDECIDED)


# --- before the box opens ---------------------------------------------------------------------------------------------


@click.command("plan", cls=Command, help="audit-plan-about")
@desk_options
@option("--document", type=_FILE, help="audit-plan-option-document")
@option("--scope", multiple=True, help="audit-plan-option-scope")
@json_option
@click.pass_context
def plan(
    ctx: click.Context, options: DeskOptions, document: Path | None, scope: tuple[str, ...], as_json: bool
) -> None:
    """The same document gives the same record, which the log takes once."""
    with _later(ctx), options.desk() as desk:
        core.require_started(desk.source(cosigned_only=False).take())
        data = documents.plan(desk.role) if document is None else files.read(document, limit=MAX_DOCUMENT_BYTES)
        placed = desk.post(desk.sign(drafts.audit_plan(data, scope or documents.SCOPE)))
        answer = {"role": desk.role, "document": hashlib.sha256(data).hexdigest(), **placed}
    if as_json:
        console.put_json(answer)
    else:
        console.put(say("audit-plan-done", role=answer["role"], index=answer["index"]))


@click.command("system-opinion", cls=Command, help="audit-system-opinion-about")
@desk_options
@option("--release", required=True, help="audit-system-opinion-option-release")
@option(
    "--verdict", required=True, type=click.Choice(["favourable", "unfavourable"]), help="audit-opinion-option-verdict"
)
@option("--report", "annex", type=_FILE, help="audit-system-opinion-option-report")
@option("--reason", help="audit-opinion-option-reason")
@json_option
@click.pass_context
def system_opinion(
    ctx: click.Context,
    options: DeskOptions,
    release: str,
    verdict: Verdict,
    annex: Path | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Compares the releases and verifies the election so far before it signs."""
    if not _RELEASE.fullmatch(release):
        raise Refused("release-unusable")
    attached = None if annex is None else system.Annex(annex.name, files.read(annex, limit=MAX_DOCUMENT_BYTES))
    given = _reason(reason, needed=verdict == "unfavourable" and attached is None)
    with _later(ctx), options.desk() as desk:
        answer = _system_opinion(desk, release, verdict, attached, given)
    if as_json:
        console.put_json(answer)
        return
    words = say(f"dictamen-{verdict}").lower()
    code = "audit-system-opinion-repeated" if answer["repeated"] else "audit-system-opinion-done"
    console.put(say(code, role=answer["role"], verdict=words, index=answer["index"]))
    if answer["open"]:
        console.say(say("audit-system-opinion-open"), style="bold yellow")


def _system_opinion(
    desk: Desk, release: str, verdict: Verdict, annex: system.Annex | None, reason: list[str]
) -> dict[str, Any]:
    view = desk.source(cosigned_only=False).take()
    setup = core.require_setup(view)
    examination = system.examine(view, setup, release)
    if verdict == "favourable":
        examination.require_favourable()
    text = system.report(
        view,
        (desk.role, desk.name_in(view)),
        examination,
        favourable=verdict == "favourable",
        reasons=[*reason, *examination.reasons()],
        annex=annex,
        now=desk.clock(),
    )
    answer = {
        "role": desk.role,
        "verdict": verdict,
        "release": release,
        "setup_release": setup.release,
        "open": view.open is not None,
    }
    last = core.last_system_opinion(view, desk.role)
    if last is not None and system.says_the_same(view, last[1], text):
        leaf = view.tally.records[last[0]].leaf_hash.hex()
        return {**answer, "report": last[1].report.sha256, "index": last[0], "leaf_hash": leaf, "repeated": True}
    placed = desk.post(desk.sign(drafts.system_opinion(view, favourable=verdict == "favourable", report=text)))
    return {**answer, "report": hashlib.sha256(text).hexdigest(), **placed, "repeated": False}


def _reason(text: str | None, *, needed: bool) -> list[str]:
    """The reason that was given. Raises Refused("opinion-reason-missing") for an empty or endless one."""
    if text is None and not needed:
        return []
    if text is None or not text.strip() or len(text) > MAX_REASON:
        raise Refused("opinion-reason-missing")
    return [text.strip()]


# --- after the count --------------------------------------------------------------------------------------------------


@click.command("opinion", cls=Command, help="audit-opinion-about")
@desk_options
@option("--verifier", help="audit-opinion-option-verifier")
@option(
    "--verifier-seconds",
    type=click.FloatRange(min=0, min_open=True, max=7 * 86_400),
    default=43_200,
    show_default=True,
    help="audit-opinion-option-seconds",
)
@option("--verdict", type=click.Choice(["unfavourable"]), help="audit-opinion-option-against")
@option("--reason", help="audit-opinion-option-reason")
@option("--out", type=click.Path(path_type=Path, file_okay=False), help="audit-opinion-option-out")
@option("--no-post", is_flag=True, help="audit-opinion-option-no-post")
@json_option
@click.pass_context
def opinion(
    ctx: click.Context,
    options: DeskOptions,
    verifier: str | None,
    verifier_seconds: float,
    verdict: str | None,
    reason: str | None,
    out: Path | None,
    no_post: bool,
    as_json: bool,
) -> int:
    """Everything is on disk before anything is posted."""
    if verdict is None and reason is not None:
        raise click.UsageError("--reason: --verdict unfavourable")
    against = None if verdict is None else Against(_reason(reason, needed=True)[0])
    with _later(ctx), options.desk() as desk:
        program: Verifier = (
            BuiltIn(desk.anchors, desk.group, desk.random) if verifier is None else External(verifier, verifier_seconds)
        )
        tool = verifier or " ".join(documents.TOOL)
        given = give(
            desk,
            program,
            out or _folder(desk),
            against=against,
            begun=lambda step: _begun(step, tool),
        )
        answer = _told(desk, given)
        if not as_json:
            _show(given)
        try:
            if not no_post:
                answer |= {**desk.post(given.submission), "posted": True}
        except (RemoteProblem, Unreachable) as problem:
            code = tell(problem)
            console.say(say("audit-opinion-refused", file=str(given.folder / SUBMISSION)), style="bold yellow")
            if as_json:
                console.put_json(answer)
            return INVALID if given.found else code
    if as_json:
        console.put_json(answer)
    elif no_post:
        console.put(say("audit-opinion-not-posted", file=str(given.folder / SUBMISSION)))
    else:
        console.put(say("audit-opinion-posted", index=answer["index"]))
    return INVALID if given.found else OK


def _folder(desk: Desk) -> Path:
    moment = datetime.fromtimestamp(desk.clock(), UTC)
    return desk.folder / "opinions" / f"{moment:%Y%m%dT%H%M%SZ}"


def _begun(step: Step, tool: str) -> None:
    console.say(say(f"audit-opinion-step-{step}", tool=tool))


def _told(desk: Desk, given: Given) -> dict[str, Any]:
    found = given.report.verification
    return {
        "role": desk.role,
        "verdict": given.report.verdict,
        "verification": None if found is None else found.verdict,
        "first_failure": None if found is None else found.first_failure,
        "reasons": given.report.reasons,
        "tool": {"name": given.report.tool.name, "version": given.report.tool.version},
        "out": str(given.folder),
        "report": hashlib.sha256(given.report_bytes).hexdigest(),
        "posted": False,
    }


def _show(given: Given) -> None:
    words = say(f"dictamen-{given.report.verdict}").upper()
    console.put(say("audit-opinion-verdict", role=given.report.auditor.id, verdict=words))
    for reason in given.report.reasons:
        console.put(f"  - {reason}")
    console.put(say("audit-opinion-files", folder=str(given.folder)))
    for name in (REPORT, PDF):
        console.put(f"  {name}")


@click.command("report", cls=Command, help="audit-report-about")
@click.argument("source", metavar="REPORT", type=_FILE)
@option("--pdf", "target", required=True, type=_FILE, help="audit-report-option-pdf")
@option(
    "--document-language",
    "document_language",
    type=click.Choice(LANGUAGES),
    default="es",
    show_default=True,
    help="audit-report-option-language",
)
@json_option
def report(source: Path, target: Path, document_language: Language, as_json: bool) -> None:
    """Needs the report alone."""
    data = files.read(source, limit=MAX_REPORT_BYTES)
    made = dictamen.pdf(data, document_language)
    files.write(target, made, overwrite=True)
    digest = hashlib.sha256(made).hexdigest()
    if as_json:
        console.put_json({"pdf": str(target), "sha256": digest, "report": hashlib.sha256(data).hexdigest()})
    else:
        console.put(say("audit-report-done", file=str(target), digest=digest))
