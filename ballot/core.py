"""The ballot box's decisions on one ballot, without a clock, a database or a network.

A ballot goes through `read_ballot`, `check_account` and `check_form`, then its proofs (the heavy part), then, in the
writer, `check_open` and `check_free`, which decide among ballots that come together.
Source: protocol, sections 6 and 7 (acceptance).
"""

from __future__ import annotations

from dataclasses import dataclass

from ballot.sessions import Session
from vemre.checks import Check
from vemre.election.rules import ballots
from vemre.election.rules.ballots import BallotState
from vemre.election.rules.casts import BALLOT, credential_of
from vemre.election.rules.view import LogView
from vemre.errors import CheckFailed, Refused
from vemre.group import Group
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.bulk import parse_all
from vemre.records.fields import format_time, parse_time
from vemre.records.record import Record


@dataclass(frozen=True)
class Window:
    """When ballots are taken, in POSIX seconds: from `opens` to before `closes`; `grace` seconds longer for sessions
    that were open at `closes`."""

    opens: int
    closes: int
    grace: int

    @classmethod
    def of(cls, manifest: s.Manifest) -> Window:
        """The window of an election."""
        timeline = manifest.timeline
        return cls(parse_time(timeline.opens), parse_time(timeline.closes), manifest.policy.grace_seconds)

    @property
    def end(self) -> int:
        """From here on nobody's ballot is taken."""
        return self.closes + self.grace

    def check(self, now: int, session: Session) -> None:
        """Raises Refused("voting-not-begun"), or Refused("voting-closed") for a ballot that comes too late."""
        if now < self.opens:
            raise Refused("voting-not-begun", opens=format_time(self.opens))
        end = self.end if session.opened < self.closes else self.closes
        if now >= end:
            raise Refused("voting-closed", closes=format_time(self.closes))


def read_ballot(entry: bytes, origin: str, group: Group | None = None) -> Record:
    """The ballot in `entry`, read with what the group's back end brings for it. Raises CheckFailed(CANONICAL or
    RECORD-ROLE), Refused("not-a-ballot")."""
    record = next(parse_all([entry], group))
    if record.type != "ballot":
        raise Refused("not-a-ballot")
    if record.log != origin:
        raise CheckFailed(Check.RECORD_ROLE, "the ballot was made for another log")
    return record


def check_account(record: Record, session: Session) -> None:
    """[BALLOT-ACCOUNT]: a session casts its own account's credential alone. Raises Refused("other-credential")."""
    if record.signer != session.credential.hex():
        raise Refused("other-credential")


def check_form(state: BallotState, record: Record) -> None:
    """Everything but the proofs, the time and the competition with ballots that come together. Raises CheckFailed."""
    for rule in (ballots.check_context, ballots.check_eligible, ballots.check_contests, ballots.check_signature):
        rule(state, record)


def check_open(log: LogView) -> None:
    """Raises Refused("box-not-open") before `open`, Refused("voting-closed") after `close`."""
    if log.first("open") is None:
        raise Refused("box-not-open")
    if log.first("close") is not None:
        raise Refused("voting-closed", closes="—")


def check_free(log: LogView, state: BallotState, record: Record) -> None:
    """[BALLOT-ONCE] [BALLOT-FRESH] against everything before it in the log.

    Raises Refused("already-voted" or "credential-blocked"), CheckFailed(BALLOT-FRESH).
    """
    first = state.used.get(credential_of(record))
    if first is not None:
        raise Refused("already-voted" if log.records[first].type == "ballot" else "credential-blocked")
    if record.kind is BALLOT:
        ballots.check_fresh(state, record)


def check_block(state: BallotState, record: Record) -> None:
    """A block is of this election, and of a credential on the roll. Raises CheckFailed(CONTEXT or BALLOT-ELIGIBLE)."""
    assert isinstance(record.body, v.Block)
    if record.body.context != state.context.hex():
        raise CheckFailed(Check.CONTEXT, "the block was made for another election or setup")
    ballots.check_eligible(state, record)
