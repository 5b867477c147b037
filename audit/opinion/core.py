"""What an opinion rests on, without any input or output.

Source: protocol, sections 5.5, 11 and 12.
"""

from __future__ import annotations

from vemre.election.rules.view import View
from vemre.errors import Refused
from vemre.records import setup_bodies as s
from vemre.types import LogName


def require_started(view: View) -> None:
    """A plan is about an election. Raises Refused("opinion-too-early")."""
    if not view.tally.records:
        raise Refused("opinion-too-early", missing="manifest")


def require_setup(view: View) -> s.Setup:
    """What an opinion on the system is about. Raises Refused("opinion-too-early")."""
    if view.setup is None:
        raise Refused("opinion-too-early", missing="setup")
    return view.setup


def require_result(view: View) -> None:
    """What an opinion on the count is about. Raises Refused: "opinion-too-early", naming the records that are not there
    yet, "opinion-too-late" once the result is certified."""
    missing = [type_ for log, type_ in _COVERED.items() if view.logs[log].first(type_) is None]
    if missing:
        raise Refused("opinion-too-early", missing=", ".join(missing))
    if view.tally.first("certification") is not None:
        raise Refused("opinion-too-late")


def needed_sizes(view: View) -> dict[LogName, int]:
    """How much of each log an opinion must rest on: marks, close and result."""
    places = {log: view.logs[log].first(type_) for log, type_ in _COVERED.items()}
    return {log: 0 if index is None else index + 1 for log, index in places.items()}


def last_system_opinion(view: View, auditor: str) -> tuple[int, s.SystemOpinion] | None:
    """Place and body of an auditor's last opinion on the system."""
    given = [(index, body) for index, record, body in view.tally.of(s.SystemOpinion) if record.signer == auditor]
    return given[-1] if given else None


_COVERED: dict[LogName, str] = {"ballot": "close", "registry": "marks", "tally": "result"}
"""The record of each log that an opinion must cover [OPINION], in the order in which they come about."""
