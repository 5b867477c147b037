"""The printed opinion (dictamen): an archival PDF made from the report alone.

The same report gives the same bytes on any machine: the date is the report's, the fonts come with the typesetter, and
nothing else of the machine goes in. PDF/A-2a with tags, so that it can be kept and read aloud.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final, Literal

from audit.opinion.report import OpinionReport, Verification, read
from vemre import messages
from vemre.election import published
from vemre.errors import Refused
from vemre.messages import Language
from vemre.messages.result_lines import label
from vemre.records.fields import parse_time
from vemre.records.record import plain

STANDARDS: Final[tuple[Literal["a-2a"], ...]] = ("a-2a",)
_WORDS: Final = (
    "title",
    "subtitle",
    "facts",
    "purpose",
    "purpose-text",
    "logs",
    "logs-text",
    "log",
    "origin",
    "entries",
    "root",
    "tool",
    "tool-text",
    "checks",
    "checks-text",
    "checks-none",
    "check",
    "meaning",
    "status",
    "where",
    "party",
    "results",
    "results-none",
    "reasons",
    "reasons-none",
    "verdict",
    "proof",
    "proof-text",
    "digest",
    "signature",
    "name-and-signature",
    "place-and-date",
    "page",
    "of",
    "preliminary",
)
_COLUMNS: Final = ("line", "marks", "distributed")
# Latin letters, what write-ins may hold, and the punctuation that our own words use: the fonts have all of them.
_UNPRINTABLE: Final = re.compile(
    "[^\u0020-\u007e\u00a1-\u024f\u02bc\u2010-\u2015\u2018-\u201f\u2022\u2026\u00ab\u00bb]"
)
_LONG_WORD: Final = re.compile(r"\S{24,}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_PIECE: Final = 12
_BREAK: Final = "\u200b"


def pdf(data: bytes, language: Language = "es") -> bytes:
    """The PDF of a report's bytes. Raises Refused: "report-unusable" for a report that is none, "dictamen-failed"."""
    # Imported here because a command that prints nothing needs no typesetter.
    import typst

    report = read(data)
    template = resources.files("audit.opinion").joinpath("dictamen.typ").read_bytes()
    try:
        made = typst.compile(
            template,
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(model(report, data, language))},
            pdf_standards=list(STANDARDS),
            timestamp=parse_time(report.time),
        )
    except typst.TypstError as error:
        raise Refused("dictamen-failed", reason=error.message) from None
    assert isinstance(made, bytes)
    return made


def model(report: OpinionReport, data: bytes, language: Language) -> dict[str, Any]:
    """What the template sets: words of one language and texts of the report, ready to print."""
    say = _Say(language)
    words = {name: say(name) for name in _WORDS} | {
        f"column-{name}": messages.text(f"results-column-{name}", language) for name in _COLUMNS
    }
    favourable = report.verdict == "favourable"
    made = {
        "language": language,
        "words": words,
        "favourable": favourable,
        "verdict": say(report.verdict),
        "verdict-text": say(f"verdict-{report.verdict}", auditor=report.auditor.name),
        "auditor": f"{report.auditor.name} ({report.auditor.id})",
        "election": getattr(report.election.name, language),
        "facts": [{"label": name, "text": text, "code": code} for name, text, code in _facts(report, say, language)],
        "logs": [
            {"name": say(f"log-{name}"), "origin": state["origin"], "size": f"{state['size']:,}", "root": state["root"]}
            for name, state in plain(report.logs).items()
        ],
        "tool": f"{report.tool.name} {report.tool.version}",
        "checks": None if report.verification is None else list(_checks(report.verification, language)),
        "results": list(_tables(report, language)),
        "reasons": report.reasons,
        "digest": hashlib.sha256(data).hexdigest(),
    }
    printable: dict[str, Any] = _printable(made)
    return printable


class _Say:
    """Words of the printed opinion."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def __call__(self, name: str, **params: str | int) -> str:
        return messages.text(f"dictamen-{name}", self._language, **params)


def _facts(report: OpinionReport, say: _Say, language: Language) -> Iterator[tuple[str, str, bool]]:
    yield say("auditor"), report.auditor.name, False
    yield say("role"), report.auditor.id, True
    yield say("election"), getattr(report.election.name, language), False
    yield say("election-id"), report.election.id, True
    yield say("context"), report.election.context, True
    yield say("release"), report.release, True
    yield say("time"), _date(report.time, say), False


def _date(time: str, say: _Say) -> str:
    moment = datetime.fromtimestamp(parse_time(time), UTC)
    month = say("months").split()[moment.month - 1]
    return say("date", day=moment.day, month=month, year=moment.year, clock=f"{moment:%H:%M:%S}")


def _checks(verification: Verification, language: Language) -> Iterator[dict[str, str]]:
    for line in verification.checks:
        yield {
            "id": line.id,
            "meaning": messages.text(f"rule-{line.id.lower()}", language),
            "kind": line.status,
            "status": messages.text(f"audit-status-{line.status.replace(' ', '-')}", language),
            "where": line.where or "",
            "party": line.party or "",
        }


def _tables(report: OpinionReport, language: Language) -> Iterator[dict[str, Any]]:
    if report.verification is None:
        return
    urns = {urn.id: urn.name for urn in report.offer.urns}
    contests = {contest.id: contest for contest in report.offer.contests}
    for counted in report.verification.result:
        batch, contest = plain(counted), contests[counted.contest]
        yield {
            "title": f"{urns[counted.urn]} · {getattr(contest.title, language)}",
            "lines": [
                {
                    "kind": line.kind,
                    "label": _line(line, batch, language),
                    "marks": "" if line.marks is None else f"{line.marks:,}",
                    "votes": "" if line.votes is None else f"{line.votes:,}",
                }
                for line in published.lines(batch, contest)
            ],
        }


def _line(line: published.Line, batch: published.Batch, language: Language) -> str:
    if line.kind == "candidate":
        return messages.text("results-page-candidate", language, name=line.label)
    return label(line, batch, language)


def _printable(value: Any) -> Any:
    """Texts with what no font of ours has replaced, and with places to break in long words."""
    match value:
        case str():
            return _LONG_WORD.sub(_breakable, _UNPRINTABLE.sub("?", value))
        case list():
            return [_printable(item) for item in value]
        case dict():
            return {name: _printable(item) for name, item in value.items()}
    return value


def _breakable(word: re.Match[str]) -> str:
    if _DIGEST.fullmatch(word[0]):
        # It fits its line, and whoever copies it wants nothing invisible in it.
        return word[0]
    return _BREAK.join(word[0][start : start + _PIECE] for start in range(0, len(word[0]), _PIECE))
