"""What the tally's writer refuses beyond the rules."""

from __future__ import annotations

import pytest
import simulator

from tally.attempts import VOID
from tally.service.node import TallyNode
from vemre.checks import Check
from vemre.election import drafts
from vemre.errors import CheckFailed
from vemre.records.setup_bodies import DkgCommit


def commit(election: simulator.Simulator, attempt: int) -> None:
    record = election.sign("tally", "trustee/3", DkgCommit(attempt, "00" * 32))
    TallyNode.check_timely(None, election.view, record)  # type: ignore[arg-type]


def test_a_new_attempt_waits_for_the_authority() -> None:
    election = simulator.Simulator()
    commit(election, 1)
    election.generate_key(abandon=True)
    commit(election, 1)
    with pytest.raises(CheckFailed) as caught:
        commit(election, 2)
    assert (caught.value.check, caught.value.party) == (Check.DKG_ORDER, "trustee/3")
    election.append("tally", "tally", drafts.incident(VOID, "not for the tally to say", election.time))
    with pytest.raises(CheckFailed):
        commit(election, 2)
    election.append("tally", "authority", drafts.incident(VOID, "trustee/1 did not answer", election.time))
    commit(election, 2)
