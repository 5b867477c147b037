"""A10: stuffing by the ballot box. It holds every account and the log's key, and still no ballot of a credential that
it does not have."""

import msgspec
import pytest
from served import BallotBoxUnderTest
from simulator import CLOSES, Simulator, Voter, refusal

from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.choice import Null
from vemre.election.rules import engine
from vemre.records import vote_bodies as v
from vemre.records.record import Record


def of_a_key_of_its_own(sim: Simulator, absent: Voter) -> Record:
    """Signed and proven with a key that is on no roll."""
    own = Voter(absent.urn, SigningKey(bytes([7]) * 32), None)
    return sim.ballot(own, [Null()] * 2)


def in_the_name_of_an_absent_voter(sim: Simulator, absent: Voter) -> Record:
    """Bound to the absent voter's credential, signed with the box's own key."""
    ballot = sim.ballot(absent, [Null()] * 2)
    return sim.sign("ballot", absent.key.public.hex(), ballot.body, sim.keys["ballot-box"])


def as_the_ballot_box(sim: Simulator, absent: Voter) -> Record:
    """Signed as the role `ballot-box`."""
    return sim.sign("ballot", "ballot-box", sim.ballot(absent, [Null()] * 2).body)


STUFFED = [
    (of_a_key_of_its_own, Check.BALLOT_ELIGIBLE),
    (in_the_name_of_an_absent_voter, Check.BALLOT_SIGNATURE),
    (as_the_ballot_box, Check.BALLOT_ELIGIBLE),
]


@pytest.mark.parametrize(("make", "check"), STUFFED, ids=lambda value: getattr(value, "__name__", None))
def test_stuffed_ballot_is_found_in_the_log(make: object, check: Check) -> None:
    sim = Simulator().reach("open")
    absent = sim.voters[3]
    assert absent.choices is None
    assert callable(make)
    sim.admit("ballot", make(sim, absent), check=False)
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.where, failure.party) == (check, "ballot/1", "ballot-box")


def test_stuffed_ballot_before_the_opening_is_found() -> None:
    sim = Simulator().reach("setup")
    voter = sim.voters[0]
    sim.admit("ballot", sim.ballot(voter, voter.choices or ()), check=False)
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.party) == (Check.ORDER, "ballot-box")


def test_honest_box_takes_no_ballot_without_the_credential(box: BallotBoxUnderTest) -> None:
    absent = box.sim.voters[3]
    forged = in_the_name_of_an_absent_voter(box.sim, absent)
    # Even with the voter's own session, which the box could make for itself.
    assert box.cast(absent, forged.entry).json()["check"] == Check.BALLOT_SIGNATURE
    assert [record.type for record in box.entries()] == ["open"]


def test_count_of_the_close_is_not_the_boxes_to_choose() -> None:
    sim = Simulator().reach("cast")
    body = drafts.close(sim.view, now=CLOSES, late=0).body
    assert isinstance(body, v.Close)
    more = [v.UrnBallots(count.urn, count.ballots + 1) for count in body.counts]
    sim.append("ballot", "ballot-box", drafts.Draft(msgspec.structs.replace(body, counts=more)), check=False)
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.party) == (Check.CLOSE_COUNT, "ballot-box")
