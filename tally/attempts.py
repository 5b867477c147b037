"""Attempts at key generation: which one is on, and when one is over without a key.

A wrong answer to a complaint makes an attempt void; so does an answer that never comes. Either way it is the authority
that says so, in an incident of the kind `VOID`, and then all trustees begin the next attempt.
Source: protocol, section 5.1 d.
"""

from __future__ import annotations

from typing import Final

from vemre.election.rules import keygen
from vemre.election.rules.keygen import Attempt
from vemre.election.rules.view import View
from vemre.records.vote_bodies import Incident

VOID: Final = "dkg-void"
"""The kind of the incident by which the authority ends an attempt."""


def current(view: View) -> int:
    """The number of the attempt that is on, or the next one where the last was declared void."""
    found = keygen.attempts(view)
    if not found:
        return 1
    return found[-1].number + declared_void(view, found[-1])


def declared_void(view: View, attempt: Attempt) -> bool:
    """Whether the authority has ended the attempt."""
    began = attempt.records[0][0]
    return any(
        index > began and record.signer == "authority" and body.kind == VOID
        for index, record, body in view.tally.of(Incident)
    )


def wrong_answers(view: View, attempt: Attempt) -> list[str]:
    """The dealers who answered a complaint with a share that does not fit, by role."""
    return [
        accused
        for (complainer, accused), answer in attempt.answers.items()
        if not keygen.answer_holds(view, attempt, complainer, accused, answer)
    ]
