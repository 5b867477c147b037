"""What the rules read off a ballot or block, and the rules over many of them at once.

The rules themselves stand in `ballots`, each over one ballot. A rule here says of many ballots whether all obey, and
takes them into account if so; where it says no, whoever asked looks for the first that does not, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from vemre.params import ELEMENT_BYTES
from vemre.records import vote_bodies as v
from vemre.records.kinds import KINDS
from vemre.records.record import Record

if TYPE_CHECKING:
    from vemre.election.rules.ballots import BallotState

BALLOT: Final = KINDS["ballot"]
New = Sequence[tuple[int, Record]]
"""Positions and records of ballots (of some rules: and blocks), in log order."""


def credential_of(record: Record) -> bytes:
    """The credential that a ballot or block uses up; empty where the signer of a ballot is no key."""
    return record.cast.credential if record.kind is BALLOT else bytes.fromhex(_block(record).credential)


def urn_of(record: Record) -> str:
    """The urn that a ballot or block names."""
    return record.cast.urn if record.kind is BALLOT else _block(record).urn


def points_of(record: Record) -> list[bytes]:
    """Every a and b of a ballot."""
    return _cut(record.cast.points)


def _block(record: Record) -> v.Block:
    assert isinstance(record.body, v.Block)
    return record.body


def _cut(points: bytes) -> list[bytes]:
    return [points[start : start + ELEMENT_BYTES] for start in range(0, len(points), ELEMENT_BYTES)]


# --- many at once --------------------------------------------------------------------------------------------


def all_of_context(state: BallotState, new: New) -> bool:
    """[BALLOT-CONTEXT]."""
    return {record.cast.context for _, record in new} <= {state.context}


def all_eligible(state: BallotState, new: New) -> bool:
    """[BALLOT-ELIGIBLE]."""
    find = state.urn_of.get
    # Without a call for each ballot where there is no block among them.
    if all(record.kind is BALLOT for _, record in new):
        return all(find(record.cast.credential) == record.cast.urn for _, record in new)
    return all(find(credential_of(record)) == urn_of(record) for _, record in new)


def all_once(state: BallotState, new: New) -> bool:
    """[BALLOT-ONCE]."""
    found = {credential_of(record): index for index, record in new}
    if len(found) != len(new) or not found.keys().isdisjoint(state.used):
        return False
    state.used.update(found)
    return True


def all_contests(state: BallotState, new: New) -> bool:
    """[BALLOT-CONTESTS]."""
    found = {(record.cast.urn, record.cast.shape) for _, record in new}
    return all(state.shapes.get(urn) == shape for urn, shape in found)


def all_fresh(state: BallotState, new: New) -> bool:
    """[BALLOT-FRESH]."""
    points = _cut(b"".join([record.cast.points for _, record in new]))
    found = set(points)
    if len(found) != len(points) or not found.isdisjoint(state.seen):
        return False
    state.seen |= found
    return True


Together = Callable[["BallotState", New], bool]
