"""The outcome of a verification: every check id with its status, the verdict, the result.

The JSON form is fixed in docs/spec/election-record.md; any verifier of the protocol gives the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.records.setup_bodies import Offer


class Status(StrEnum):
    """What became of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass
class CheckReport:
    """One line of the report. `where` and `party` are set where the check failed."""

    check: Check
    status: Status = Status.NOT_APPLICABLE
    where: str | None = None
    party: str | None = None

    def as_json(self) -> dict[str, str | None]:
        return {"id": self.check.value, "status": self.status.value, "where": self.where, "party": self.party}


@dataclass
class Report:
    """The whole outcome. `result` holds the result batches with their blobs inlined, once they are established."""

    checks: dict[Check, CheckReport] = field(default_factory=lambda: {check: CheckReport(check) for check in Check})
    failure: CheckFailed | None = None
    stage: str = "empty"
    result: list[dict[str, Any]] = field(default_factory=list)
    certified: bool = False
    offer: Offer | None = None
    """What the result's ids stand for, once the manifest is verified. No part of the JSON."""

    @property
    def valid(self) -> bool:
        return self.failure is None

    def passed(self, check: Check) -> None:
        """Note that a check holds."""
        self.checks[check].status = Status.PASSED

    def fail(self, failure: CheckFailed) -> None:
        """Note the first failure. Checks after it stay `not applicable`: they would rest on what is refuted."""
        self.failure = failure
        self.checks[failure.check] = CheckReport(failure.check, Status.FAILED, failure.where, failure.party)

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "verdict": "valid" if self.valid else "invalid",
            "stage": self.stage,
            "first_failure": None if self.failure is None else self.failure.check.value,
            "checks": [check.as_json() for check in self.checks.values()],
            "result": self.result,
            "certified": self.certified,
        }
