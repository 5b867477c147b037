"""What may become of an application: its states, and the acts that lead from one to the next.

Pure: no clock, no database. After the freeze no act is possible. Source: LGIPE, articles 330 to 336; the states and
the single appeal are the design's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from vemre.errors import Refused


class State(StrEnum):
    """Where an application stands."""

    RECEIVED = "received"
    OBSERVED = "observed"
    """Something in it must be corrected."""
    CORRECTED = "corrected"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    APPEALED = "appealed"


class Act(StrEnum):
    """What somebody does with it; each leaves a commitment of the kind of its result."""

    OBSERVE = "observe"
    CORRECT = "correct"
    ACCEPT = "accept"
    REFUSE = "refuse"
    APPEAL = "appeal"


REASONS: Final = ("identity", "card-not-valid", "not-abroad", "not-corrected", "duplicate", "other")
"""Why an application may be refused: texts of the catalogue under ``refusal-<reason>``."""
Reason = Literal["identity", "card-not-valid", "not-abroad", "not-corrected", "duplicate", "other"]

NEXT: Final[dict[tuple[State, Act], State]] = {
    **{
        (state, act): result
        for state in (State.RECEIVED, State.CORRECTED)
        for act, result in (
            (Act.OBSERVE, State.OBSERVED),
            (Act.ACCEPT, State.ACCEPTED),
            (Act.REFUSE, State.REFUSED),
        )
    },
    (State.OBSERVED, Act.CORRECT): State.CORRECTED,
    (State.OBSERVED, Act.REFUSE): State.REFUSED,
    (State.REFUSED, Act.APPEAL): State.APPEALED,
    (State.APPEALED, Act.ACCEPT): State.ACCEPTED,
    (State.APPEALED, Act.REFUSE): State.REFUSED,
}
"""Every act that is possible; no other is."""

UNDECIDED: Final = frozenset({State.RECEIVED, State.OBSERVED, State.CORRECTED, State.APPEALED})
"""States in which somebody still waits for an answer."""


@dataclass(frozen=True)
class Standing:
    """An application's state, and whether a refusal of it was appealed before."""

    state: State = State.RECEIVED
    appealed: bool = False


def after(standing: Standing, act: Act, *, frozen: bool) -> Standing:
    """Where an act leads.

    Raises Refused: "enrolment-frozen", "appealed-already", "act-not-possible" with the state.
    """
    check_not_frozen(frozen)
    if act is Act.APPEAL and standing.appealed:
        raise Refused("appealed-already")
    found = NEXT.get((standing.state, act))
    if found is None:
        raise Refused("act-not-possible", state=standing.state.value)
    return Standing(found, standing.appealed or act is Act.APPEAL)


def check_modality_may_change(standing: Standing, *, frozen: bool) -> None:
    """A modality may be changed until the freeze, unless the application was refused. Raises Refused."""
    check_not_frozen(frozen)
    if standing.state is State.REFUSED:
        raise Refused("act-not-possible", state=standing.state.value)


def check_not_frozen(frozen: bool) -> None:
    """Raises Refused("enrolment-frozen")."""
    if frozen:
        raise Refused("enrolment-frozen")
