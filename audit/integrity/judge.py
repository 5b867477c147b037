"""What the `integrity` records of an election say, judged against the audited release. No input or output.

Source: docs/spec/integrity.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from vemre.election import release
from vemre.election.rules.view import LogView, View
from vemre.errors import Refused
from vemre.records import vote_bodies as v
from vemre.records.fields import Hex32
from vemre.records.record import parse_value
from vemre.types import LOG_NAMES, LogName

Problem = Literal["other-release", "false-list"]


@dataclass(frozen=True)
class Finding:
    """One `integrity` record. `differences` are those that it names and those that its own list of files shows;
    `undeclared` those that no exception covers. `problem` is set where the record itself is wrong: it is about another
    release, or it hides a difference."""

    log: LogName
    index: int
    signer: str
    role: str
    release: str
    differences: list[str]
    undeclared: list[str]
    problem: Problem | None

    @property
    def good(self) -> bool:
        """Whether everything is as audited, up to declared exceptions."""
        return not self.undeclared and self.problem is None


def judge(view: View, audited: Mapping[str, str] | None, exceptions: Collection[str]) -> list[Finding]:
    """Every `integrity` record of a verified view, in the order of the logs.

    `audited` is the list of the release; without it, one is looked for among the records themselves. `exceptions` are
    the judge's own; those that an auditor declared in the log count too, those of a log's own writer do not.
    Raises Refused: "integrity-no-setup", "integrity-none", "release-not-audited" where `audited` is another release,
    "integrity-no-list" where there is none and it is needed.
    """
    if view.setup is None:
        raise Refused("integrity-no-setup")
    wanted = view.setup.release
    records = [(log, index, body, files_of(log, view, body)) for log, index, body in _records(view)]
    if not records:
        raise Refused("integrity-none")
    if audited is not None and release.digest(audited) != wanted:
        raise Refused("release-not-audited", release=wanted)
    lists = [files for *_, files in records if files and release.digest(files) == wanted]
    known = audited if audited is not None else next(iter(lists), None)
    if known is None:
        raise Refused("integrity-no-list", release=wanted)
    return [_finding(view, log, index, body, files, known, exceptions) for log, index, body, files in records]


def files_of(log: LogView, view: View, body: v.Integrity) -> dict[str, str]:
    """The deployed files that a record lists. Raises CheckFailed."""
    data = view.blob(body.files, log.writer)
    return parse_value(data, dict[str, Hex32], limit=len(data))


def declared(view: View, files: str, *, signer: str | None = None) -> dict[str, str]:
    """The exceptions that incidents of any log declare for the record whose blob has the SHA-256 `files`: those of
    `signer`, or of all auditors."""
    found: dict[str, str] = {}
    for name in LOG_NAMES:
        for _, record, body in view.logs[name].of(v.Incident):
            counts = record.signer == signer if signer is not None else record.signer.startswith("auditor/")
            if counts and body.kind == release.EXCEPTIONS:
                about = release.parse_exceptions_text(body.text)
                if about is not None and about[0] == files:
                    found.update(about[1])
    return found


def _records(view: View) -> Iterator[tuple[LogView, int, v.Integrity]]:
    for name in LOG_NAMES:
        log = view.logs[name]
        for index, _, body in log.of(v.Integrity):
            yield log, index, body


def _finding(
    view: View,
    log: LogView,
    index: int,
    body: v.Integrity,
    files: Mapping[str, str],
    audited: Mapping[str, str],
    exceptions: Collection[str],
) -> Finding:
    shown = release.compare(audited, release.Deployed(files)).paths
    hidden = [path for path in shown if not release.covers(body.differences, path)]
    differences = sorted({*body.differences, *hidden})
    excepted = {*exceptions, *declared(view, body.files.sha256)}
    problem: Problem | None = "false-list" if hidden else None
    if view.setup is not None and body.release != view.setup.release:
        problem = "other-release"
    return Finding(
        log=log.name,
        index=index,
        signer=log.records[index].signer,
        role=body.role,
        release=body.release,
        differences=differences,
        undeclared=release.undeclared(differences, excepted),
        problem=problem,
    )
