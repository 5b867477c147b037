"""Which act an auditor owes to the election now, without any input or output.

Source: protocol, sections 5.5, 11 and 12.
"""

from __future__ import annotations

from typing import Literal

from vemre.election.rules.view import View
from vemre.types import LogName

Act = Literal["audit-plan", "system-opinion", "opinion"]


def due(view: View, auditor: str) -> Act | None:
    """The next act of an auditor in a verified view; None while there is none.

    Plan and opinion on the system come once the setup stands and before the box opens, the opinion on the count once
    the result stands. Nothing is said twice.
    """
    if view.setup is not None and view.open is None:
        if not _said(view, "audit-plan", auditor):
            return "audit-plan"
        if not _said(view, "system-opinion", auditor):
            return "system-opinion"
    if view.result is not None and view.tally.first("certification") is None and not _said(view, "opinion", auditor):
        return "opinion"
    return None


def needed_sizes(view: View) -> dict[LogName, int]:
    """How much of each log an opinion must rest on: marks, close and result."""
    places: dict[LogName, int | None] = {
        "registry": view.registry.first("marks"),
        "ballot": view.ballot.first("close"),
        "tally": view.tally.first("result"),
    }
    return {log: 0 if index is None else index + 1 for log, index in places.items()}


def _said(view: View, type_: str, auditor: str) -> bool:
    return any(view.tally.records[index].signer == auditor for index in view.tally.indices(type_))
