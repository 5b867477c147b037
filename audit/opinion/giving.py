"""Giving an opinion on the count: fetch the whole record anew, verify it from nothing, say what was found.

Everything that the opinion rests on is left in one folder, whole, before anything is posted:

    record/               the election record at cosigned checkpoints that cover marks, close and result
    policy.json           the policy file that it was verified against
    report.json           the report (`audit.opinion.report`), which the opinion's record names
    dictamen.pdf          the same, to print and to sign by hand
    opinion.submission    the signed record; `vemre tally submit` takes it, too
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec

from audit.opinion import core, dictamen
from audit.opinion.desk import Desk
from audit.opinion.report import (
    FORMAT,
    Auditor,
    Election,
    LogState,
    LogStates,
    OpinionReport,
    Verification,
    finding,
)
from audit.opinion.verifiers import Verifier
from vemre import messages
from vemre.cli import files
from vemre.election import drafts, published
from vemre.election.rules import engine
from vemre.errors import Refused
from vemre.log.checkpoint import SignedCheckpoint
from vemre.records.fields import format_time
from vemre.records.vote_bodies import Tool
from vemre.service.election_source import ElectionSource
from vemre.service.export import Written, check_target, export
from vemre.types import LOG_NAMES

RECORD: Final = "record"
POLICY: Final = "policy.json"
REPORT: Final = "report.json"
PDF: Final = "dictamen.pdf"
SUBMISSION: Final = "opinion.submission"
Step = Literal["export", "verify", "write"]


@dataclass(frozen=True)
class Given:
    """An opinion, signed and on disk. `report_bytes` is what the record names."""

    report: OpinionReport
    report_bytes: bytes
    submission: bytes
    folder: Path

    @property
    def found(self) -> bool:
        """Whether the verification found something."""
        return self.report.verification is not None and self.report.verification.verdict == "invalid"


@dataclass(frozen=True)
class Against:
    """The auditor's own decision for an unfavourable opinion."""

    reason: str


def give(
    desk: Desk,
    verifier: Verifier,
    out: Path,
    *,
    against: Against | None = None,
    begun: Callable[[Step], None] = lambda _step: None,
    written: Written | None = None,
) -> Given:
    """Make the opinion in the new folder `out`. Nothing is posted.

    Favourable only if the verification is valid and the auditor does not decide `against`. Raises Refused:
    "opinion-too-early", "opinion-too-late", "not-cosigned-yet", "folder-not-empty", "verifier-undecided" (not where the
    auditor decides against); CheckFailed where the logs cannot even be fetched; RemoteProblem, Unreachable, OSError.
    """
    check_target(out)
    source = desk.source(cosigned_only=True)
    core.require_result(source.take())
    tool = verifier.tool()
    with _folder(out) as folder:
        begun("export")
        export(source, folder / RECORD, written)
        files.write(folder / POLICY, desk.policy)
        begun("verify")
        verification, doubt = _verify(verifier, source, folder, against)
        begun("write")
        report = _report(desk, source, tool, verification, _reasons(verification, doubt, against))
        data = report.encode()
        submission = desk.sign(_draft(source, report, data))
        files.write(folder / REPORT, data)
        files.write(folder / PDF, dictamen.pdf(data))
        files.write(folder / SUBMISSION, submission)
    return Given(report, data, submission, out)


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A folder that gets its name once it is whole."""
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.{secrets.token_hex(4)}")
    aside.mkdir()
    try:
        yield aside
        os.replace(aside, out)
    finally:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(aside)


def _verify(
    verifier: Verifier, source: ElectionSource, folder: Path, against: Against | None
) -> tuple[Verification | None, Refused | None]:
    """The verifier's verdict, or why there is none: that stops every opinion but one against."""
    try:
        found = verifier.verify(folder / RECORD, folder / POLICY)
        _agree(found, source)
    except Refused as doubt:
        if doubt.code != "verifier-undecided" or against is None:
            raise
        return None, doubt
    return found, None


def _agree(found: Verification, source: ElectionSource) -> None:
    """A verdict is about this record only if it tells the same of what anybody can read there."""
    if found.verdict != "valid":
        return
    view = source.view
    told = (found.stage, found.certified, [msgspec.to_builtins(batch) for batch in found.result])
    if told != (engine.stage_reached(view), view.tally.first("certification") is not None, published.batches(view)):
        raise Refused("verifier-undecided", reason="stage or result of its answer are not those of the record")


def _reasons(verification: Verification | None, doubt: Refused | None, against: Against | None) -> list[str]:
    """What speaks against the result, in Spanish."""
    found = [] if against is None else [against.reason]
    if verification is not None and (failed := verification.failed) is not None:
        found.append(finding(failed.id, failed.where, failed.party))
    if doubt is not None:
        found.append(messages.text("opinion-reason-undecided", "es", reason=str(doubt.params["reason"])))
    return found


def _report(
    desk: Desk, source: ElectionSource, tool: Tool, verification: Verification | None, reasons: list[str]
) -> OpinionReport:
    view = source.view
    setup = core.require_setup(view)
    favourable = verification is not None and verification.verdict == "valid" and not reasons
    return OpinionReport(
        format=FORMAT,
        time=format_time(desk.clock()),
        auditor=Auditor(desk.role, desk.name_in(view)),
        election=Election(view.manifest.election_id, view.manifest.name, drafts.context_of(view)),
        release=setup.release,
        logs=_states(source),
        tool=tool,
        verification=verification,
        offer=view.offer,
        verdict="favourable" if favourable else "unfavourable",
        reasons=reasons,
    )


def _states(source: ElectionSource) -> LogStates:
    """The cosigned checkpoints that the record stands on: the very ones that were exported."""
    needed = core.needed_sizes(source.view)
    states = {}
    for name in LOG_NAMES:
        note = source.gate(name, needed[name])
        state = SignedCheckpoint.parse(note).checkpoint
        states[name] = LogState(state.origin, state.size, state.root.hex(), note)
    return LogStates(**states)


def _draft(source: ElectionSource, report: OpinionReport, data: bytes) -> drafts.Draft:
    logs = report.logs
    return drafts.opinion(
        source.view,
        favourable=report.verdict == "favourable",
        checkpoints={"registry": logs.registry.note, "ballot": logs.ballot.note, "tally": logs.tally.note},
        report=data,
        tool=(report.tool.name, report.tool.version),
    )
