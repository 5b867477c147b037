"""An auditor's opinion on the system, before the box opens: what it rests on, and its report.

The machine compares the auditor's own digest of the release with the one that the setup names, and verifies the
election so far; whether the system is sound is the auditor's work, which comes as an annex. A favourable opinion is
never signed against either. Source: protocol, section 5.5.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from audit.opinion import documents
from audit.opinion.report import finding
from audit.verify.report import Report
from vemre import messages
from vemre.crypto import canonical
from vemre.election.rules import engine
from vemre.election.rules.view import View
from vemre.errors import CheckFailed, Refused
from vemre.records import setup_bodies as s
from vemre.records.fields import Hex32, format_time

FORMAT: Final = "vemre-system-report-1"
MAX_REPORT_BYTES: Final = 64 << 20
_VARIES: Final = frozenset({"time", "entries", "checks"})
"""What differs between two reports that say the same."""


@dataclass(frozen=True)
class Examination:
    """What was found: the release that the auditor examined, the one that the setup names, every rule so far."""

    examined: str
    stated: str
    verification: Report

    @property
    def same_release(self) -> bool:
        return self.examined == self.stated

    def require_favourable(self) -> None:
        """Raises Refused("release-differs"), or the finding, where a favourable opinion would be false."""
        if not self.same_release:
            raise Refused("release-differs", examined=self.examined, stated=self.stated)
        if self.verification.failure is not None:
            raise self.verification.failure

    def reasons(self) -> list[str]:
        """What speaks against the system, in Spanish, as reports say it."""
        found = []
        if not self.same_release:
            found.append(messages.text("opinion-reason-release", "es", examined=self.examined, stated=self.stated))
        if self.verification.failure is not None:
            failure = self.verification.failure
            found.append(finding(failure.check.value, failure.where, failure.party))
        return found


@dataclass(frozen=True)
class Annex:
    """The auditor's own report of its work."""

    name: str
    data: bytes


def examine(view: View, setup: s.Setup, examined: Hex32) -> Examination:
    """Verify everything that stands in the logs so far."""
    report = Report(stage=engine.stage_reached(view))
    try:
        for check, applied in engine.run(view):
            if applied:
                report.passed(check)
    except CheckFailed as failure:
        report.fail(failure)
    return Examination(examined, setup.release, report)


def report(
    view: View,
    auditor: tuple[str, str],
    examination: Examination,
    *,
    favourable: bool,
    reasons: Sequence[str],
    annex: Annex | None,
    now: int,
) -> bytes:
    """The report of the opinion, as canonical JSON. `auditor` is role and name."""
    value: dict[str, Any] = {
        "format": FORMAT,
        "time": format_time(now),
        "auditor": {"id": auditor[0], "name": auditor[1]},
        "election": view.manifest.election_id,
        "release": {"examined": examination.examined, "setup": examination.stated},
        "entries": {name: len(log) for name, log in view.logs.items()},
        "checks": [line.as_json() for line in examination.verification.checks.values()],
        "verdict": "favourable" if favourable else "unfavourable",
        "reasons": list(reasons),
        "annex": None
        if annex is None
        else {
            "name": annex.name,
            "sha256": hashlib.sha256(annex.data).hexdigest(),
            "size": len(annex.data),
            "data": base64.b64encode(annex.data).decode("ascii"),
        },
        "tool": {"name": documents.TOOL[0], "version": documents.TOOL[1]},
    }
    return canonical.encode(value)


def says_the_same(view: View, given: s.SystemOpinion, new: bytes) -> bool:
    """Whether an opinion that stands already says what the report `new` says."""
    try:
        old = canonical.decode(view.blob(given.report, "tally"), limit=MAX_REPORT_BYTES)
    except CheckFailed:
        return False
    fresh = canonical.decode(new, limit=MAX_REPORT_BYTES)
    return isinstance(old, dict) and _told(old) == _told(fresh)


def _told(value: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name not in _VARIES}
