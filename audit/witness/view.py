"""The pages of a witness: what stands on them, in words. Pure, apart from reading the templates beside this module."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any, Final

import msgspec
from jinja2 import Environment, FunctionLoader, StrictUndefined

from audit.hooks.events import CheckpointEvent, Event, FindingEvent, GateEvent, IncidentEvent
from audit.witness.hub import Told
from audit.witness.status import LogStatus, WitnessStatus
from vemre import messages
from vemre.checks import Check
from vemre.cli.console import printable
from vemre.messages import Language, Wording
from vemre.types import LOG_NAMES

RECENT: Final = 10
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
_NAMES: Final[dict[Language, str]] = {"es": "Español", "en": "English"}


def status_page(language: Language, chosen: bool, status: WitnessStatus, told: Sequence[Told], now: int) -> str:
    """The status page at `now` (POSIX seconds). `chosen`: the language stands in the address, and stays in links."""
    words = _Words(language)
    return _render(
        "status.html", language, chosen, root="", page="status",
        status=status,
        verdict=_verdict(words, status),
        facts=_facts(words, status),
        logs=[_log(words, log, now) for log in status.logs],
        findings=[_finding(words, finding) for finding in reversed(status.findings)],
        recent=[_recent(words, found) for found in reversed(told) if _worth_telling(found.event)][:RECENT],
        now=_moment(now),
    )  # fmt: skip


def evidence_page(language: Language, chosen: bool, names: Sequence[str]) -> str:
    """The list of findings, by the names of their evidence."""
    return _render("evidence.html", language, chosen, root="../", page="evidence", names=names)


def finding_page(language: Language, chosen: bool, name: str, files: Sequence[tuple[str, int]]) -> str:
    """The evidence of one finding: paths and sizes (bytes) of its files."""
    return _render("finding.html", language, chosen, root="../../", page="evidence", name=name, files=files)


def missing_page(language: Language, chosen: bool, words: Wording) -> str:
    """The page in place of the verifier's, where that was not built."""
    return _render("missing.html", language, chosen, root="../", page="verify", missing=words)


def status_document(status: WitnessStatus) -> dict[str, Any]:
    """The status as JSON values: the fields of `WitnessStatus`, and the `lag` of each log."""
    value: dict[str, Any] = msgspec.to_builtins(status)
    for log, found in zip(value["logs"], status.logs, strict=True):
        log["lag"] = found.lag
    return value


class _Words:
    """The texts of these pages in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, code: str, **params: str | int) -> str:
        return messages.text(f"witness-page-{code}", self.language, **params)

    def any(self, code: str, otherwise: str) -> str:
        """A text of the catalogue, or what stands for it where there is none."""
        try:
            return messages.text(code, self.language)
        except KeyError:
            return otherwise

    def age(self, seconds: int) -> str:
        """How long ago, in one unit."""
        seconds = max(0, seconds)
        unit, length = next((found for found in _UNITS if seconds >= found[1]), _UNITS[-1])
        return self(f"age-{unit}", number=seconds // length)

    def log(self, name: str) -> str:
        """A log of the election by its name, any other by its origin."""
        return self(f"log-{name}") if name in LOG_NAMES else name


def _verdict(words: _Words, status: WitnessStatus) -> dict[str, str]:
    """The one line that matters, and its colour."""
    if status.findings:
        return {"kind": "bad", "text": words("verdict-findings", count=len(status.findings))}
    if status.waiting is not None:
        return {"kind": "waiting", "text": words("verdict-waiting", reason=status.waiting)}
    if any(log.lag for log in status.logs):
        return {"kind": "waiting", "text": words("verdict-behind")}
    return {"kind": "good", "text": words("verdict-good")}


def _facts(words: _Words, status: WitnessStatus) -> list[dict[str, Any]]:
    return [
        {"name": words("mode"), "text": words(f"mode-{status.mode}")},
        {"name": words("stage"), "text": words.any(f"audit-stage-{status.stage}", status.stage)},
        {"name": words("role"), "text": status.role or words("role-none")},
        {"name": words("started"), "moment": _moment(status.started)},
    ]


def _log(words: _Words, log: LogStatus, now: int) -> dict[str, Any]:
    return {
        "title": words.log(log.name),
        "origin": log.origin,
        "seen": log.seen,
        "verified": log.verified,
        "cosigned": log.cosigned,
        "lag": log.lag,
        "lag_text": words("lag", count=log.lag) if log.lag else words("lag-none"),
        "seen_time": _ago(words, log.seen_time, now),
        "cosigned_time": _ago(words, log.cosigned_time, now),
    }


def _finding(words: _Words, finding: FindingEvent) -> dict[str, Any]:
    rule = _rule(finding.check, words.language)
    return {**msgspec.to_builtins(finding), "rule": rule, "moment": _moment(finding.time)}


def _rule(check: str, language: Language) -> str:
    """What a check says, in words."""
    try:
        return messages.problem_of_check(Check(check)).wording(language).title
    except ValueError:
        return check


def _worth_telling(event: Event) -> bool:
    return isinstance(event, GateEvent | FindingEvent | IncidentEvent) or (
        isinstance(event, CheckpointEvent) and event.cosigned
    )


def _recent(words: _Words, told: Told) -> dict[str, Any]:
    event = told.event
    match event:
        case CheckpointEvent():
            log = event.origin.rpartition("/")[2]
            text = words("event-cosigned", log=words.log(log) if log in LOG_NAMES else event.origin, size=event.size)
        case GateEvent():
            text = words("event-gate", act=words.any(f"act-{event.act}", event.act), auditors=len(event.auditors))
        case FindingEvent():
            text = words("event-finding", check=event.check)
        case IncidentEvent():
            text = words("event-incident", log=words.log(event.log), text=event.text)
        case _:
            text = told.kind
    return {"kind": told.kind, "text": text}


def _moment(seconds: int) -> dict[str, str]:
    found = datetime.fromtimestamp(seconds, UTC)
    return {"iso": found.strftime("%Y-%m-%dT%H:%M:%SZ"), "text": found.strftime("%Y-%m-%d %H:%M:%S UTC")}


def _ago(words: _Words, seconds: int | None, now: int) -> dict[str, str] | None:
    return None if seconds is None else {**_moment(seconds), "age": words.age(now - seconds)}


def _render(template: str, language: Language, chosen: bool, **values: Any) -> str:
    other: Language = "en" if language == "es" else "es"
    return _environment().get_template(template).render(
        language=language, query=f"?lang={language}" if chosen else "", other=other, other_name=_NAMES[other],
        words=_Words(language), **values,
    )  # fmt: skip


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_file), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        # Whatever a log or another server says is shown without what could move or hide text.
        finalize=lambda value: printable(value) if type(value) is str else value,
    )  # fmt: skip


def _file(name: str) -> str:
    return resources.files("audit.witness").joinpath("templates", name).read_text(encoding="utf-8")
