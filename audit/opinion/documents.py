"""What an auditor's plan and reports say, as canonical JSON: the same facts give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import vemre
from audit.verify.report import Report
from vemre.crypto import canonical
from vemre.election.rules import engine
from vemre.election.rules.view import View
from vemre.types import LogName

TOOL: Final = ("vemre", vemre.__version__)

SCOPE: Final = (
    "the three logs: every entry, every rule of the protocol",
    "key generation, drill and setup",
    "roll, ballots, closing, marks",
    "mixing, decryption, count",
)


def plan(auditor: str) -> bytes:
    """How this auditor works."""
    return _document(
        {
            "auditor": auditor,
            "method": "Every entry of the three logs is verified as it appears; a checkpoint is cosigned only if all "
            "entries below it hold. After the result the whole record is fetched and verified once more, from nothing.",
            "independence": "Own keys, own machine, own memory; nothing is believed but the policy file.",
            "scope": list(SCOPE),
        }
    )


def system_report(view: View, auditor: str) -> bytes:
    """What was checked before the box opens: every rule, over everything that stands in the logs."""
    checked = [{"id": check.value, "applied": applied} for check, applied in engine.run(view)]
    setup = view.setup
    return _document(
        {
            "auditor": auditor,
            "release": None if setup is None else setup.release,
            "entries": {name: len(log) for name, log in view.logs.items()},
            "checks": checked,
        }
    )


def count_report(report: Report, auditor: str, sizes: Mapping[LogName, int]) -> bytes:
    """The report of the full verification behind an opinion."""
    return _document({"auditor": auditor, "entries": dict(sizes), "verification": report.as_json()})


def _document(value: Mapping[str, Any]) -> bytes:
    return canonical.encode({**value, "tool": {"name": TOOL[0], "version": TOOL[1]}})
