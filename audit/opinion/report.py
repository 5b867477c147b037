"""The report behind an opinion on the count: canonical JSON, from which the printed opinion is made.

Its form is fixed in docs/spec/opinions-and-certification.md.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from vemre import messages
from vemre.checks import Check
from vemre.crypto import canonical
from vemre.errors import CheckFailed, Refused
from vemre.records.fields import Bilingual, Body, Count, Hex32, parse_time
from vemre.records.record import parse_value, plain
from vemre.records.setup_bodies import Offer, Verdict
from vemre.records.vote_bodies import CandidateVotes, CombinationVotes, OptionVotes, Tool

FORMAT: Final = "vemre-opinion-report-1"
MAX_REPORT_BYTES: Final = 64 << 20
Stage = Literal[
    "empty",
    "configuration",
    "key-generation",
    "setup",
    "open",
    "closed",
    "tally-input",
    "mixing",
    "decryption",
    "count",
    "result",
    "certified",
]


class CheckLine(Body, frozen=True):
    """What became of one check."""

    id: str
    status: Literal["passed", "failed", "not applicable"]
    where: str | None
    party: str | None


class WriteInTexts(Body, frozen=True):
    """Votes for candidates that are not registered, with their texts."""

    votes: Count
    texts: list[str]


class CountedBatch(Body, frozen=True):
    """The count of one (urn, contest), blobs inlined."""

    urn: str
    contest: str
    rows: Count
    options: list[OptionVotes]
    combinations: list[CombinationVotes]
    write_ins: WriteInTexts
    nulls: Count
    irregular: list[Count]
    distributed: list[OptionVotes]
    candidates: list[CandidateVotes]


class Verification(Body, frozen=True):
    """What a verifier answers with ``--json`` (docs/spec/election-record.md)."""

    verdict: Literal["valid", "invalid"]
    stage: Stage
    first_failure: str | None
    checks: list[CheckLine]
    result: list[CountedBatch]
    certified: bool

    def contradiction(self) -> str | None:
        """What in the answer does not go together, in technical words."""
        if [line.id for line in self.checks] != [check.value for check in Check]:
            return "the checks are not those of the protocol, in their order"
        failed = [line.id for line in self.checks if line.status == "failed"]
        if failed != ([] if self.first_failure is None else [self.first_failure]):
            return "`first_failure` is not the check that failed"
        if (self.verdict == "valid") != (not failed):
            return "the verdict does not follow from the checks"
        if any((line.where or line.party) and line.status != "failed" for line in self.checks):
            return "a place or a party for a check that did not fail"
        if self.verdict == "invalid" and (self.result or self.certified):
            return "a result of a record that is not valid"
        return None

    @property
    def failed(self) -> CheckLine | None:
        """The check that failed."""
        return next((line for line in self.checks if line.status == "failed"), None)


class Auditor(Body, frozen=True):
    """Who gives the opinion."""

    id: str
    name: str


class Election(Body, frozen=True):
    """Which election it is about."""

    id: str
    name: Bilingual
    context: Hex32


class LogState(Body, frozen=True):
    """A state of one log: `note` is its cosigned checkpoint, `root` the same root in hex."""

    origin: str
    size: Count
    root: Hex32
    note: str


class LogStates(Body, frozen=True):
    """The states of the three logs."""

    registry: LogState
    ballot: LogState
    tally: LogState


class OpinionReport(Body, frozen=True):
    """The whole report. `verification` is null where the verifier could not decide."""

    format: Annotated[str, msgspec.Meta(pattern=rf"\A{FORMAT}\Z")]
    time: str
    auditor: Auditor
    election: Election
    release: Hex32
    logs: LogStates
    tool: Tool
    verification: Verification | None
    offer: Offer
    verdict: Verdict
    reasons: list[str]

    def encode(self) -> bytes:
        """The canonical bytes. Raises CheckFailed(CANONICAL) for texts that have none."""
        return canonical.encode(plain(self))


def read(data: bytes) -> OpinionReport:
    """A report from its bytes. Raises Refused("report-unusable")."""
    try:
        report = parse_value(data, OpinionReport, limit=MAX_REPORT_BYTES)
        parse_time(report.time)
    except CheckFailed as failure:
        raise Refused("report-unusable", reason=failure.detail) from None
    if report.verification is not None and (problem := report.verification.contradiction()):
        raise Refused("report-unusable", reason=problem)
    if problem := _unknown(report):
        raise Refused("report-unusable", reason=problem)
    return report


def verification_of(value: Any) -> Verification:
    """A verifier's answer as a typed value. Raises ValueError (technical words) for any other."""
    try:
        found = msgspec.convert(value, Verification)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None
    if problem := found.contradiction():
        raise ValueError(problem)
    return found


def finding(check: str, where: str | None, party: str | None) -> str:
    """A check that failed, as a reason: in Spanish, as all reasons of reports."""
    title = messages.problem(f"check-{check.lower()}").es.title
    params = {"check": check, "title": title, "where": where or "—", "party": party or "—"}
    return messages.text("opinion-reason-finding", "es", **params)


def _unknown(report: OpinionReport) -> str | None:
    """What the result names and the offer does not have."""
    if report.verification is None:
        return None
    urns = {urn.id for urn in report.offer.urns}
    contests = {contest.id: contest for contest in report.offer.contests}
    for batch in report.verification.result:
        contest = contests.get(batch.contest)
        if batch.urn not in urns or contest is None:
            return f"the offer has no {batch.urn} {batch.contest}"
        options = {option.id for option in contest.options}
        named = {line.option for line in (*batch.options, *batch.distributed)}
        named |= {member for line in batch.combinations for member in line.members}
        if not named <= options or not {line.option for line in batch.options} <= {
            line.option for line in batch.distributed
        }:
            return f"the result of {batch.urn} {batch.contest} is not of the options of the offer"
    return None
