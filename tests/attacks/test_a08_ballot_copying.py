"""A8: ballot copying. A copied ballot would tell, in the count, how its first voter voted: exact, re-randomised, one
ciphertext alone, under another credential. Refused by the box; found in a record whose box let it in."""

import os
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from served import BallotBoxUnderTest
from simulator import GROUP, Simulator, Voter, refusal

from vemre.checks import Check
from vemre.election.rules import engine, keygen
from vemre.records import vote_bodies as v
from vemre.records.record import Record

Copy = Callable[[Simulator, Record, Voter, Voter], Record]


def resigned(sim: Simulator, body: v.Ballot, voter: Voter) -> Record:
    return sim.sign("ballot", voter.key.public.hex(), body, voter.key)


def exact(sim: Simulator, original: Record, _victim: Voter, thief: Voter) -> Record:
    """The same ciphertexts and proofs, signed by the thief."""
    assert isinstance(original.body, v.Ballot)
    return resigned(sim, original.body, thief)


def rerandomised(sim: Simulator, original: Record, _victim: Voter, thief: Voter) -> Record:
    """New-looking ciphertexts of the same votes; the responses are shifted as far as they can be."""
    assert isinstance(original.body, v.Ballot)
    key = keygen.joint_key(sim.view)
    assert key is not None
    contests = []
    for contest in original.body.contests:
        s = GROUP.random_scalars(len(contest.ciphertexts), os.urandom)
        a = GROUP.decode(bytes.fromhex("".join(c.a for c in contest.ciphertexts))) + GROUP.base_mul(s)
        b = GROUP.decode(bytes.fromhex("".join(c.b for c in contest.ciphertexts))) + GROUP.fixed_mul(key.joint, s)
        pairs = [(a.encode()[i : i + 32].hex(), b.encode()[i : i + 32].hex()) for i in range(0, 32 * len(s), 32)]
        contests.append(msgspec.structs.replace(contest, ciphertexts=[v.Ciphertext(*pair) for pair in pairs]))
    return resigned(sim, msgspec.structs.replace(original.body, contests=contests), thief)


def one_ciphertext(sim: Simulator, original: Record, _victim: Voter, thief: Voter) -> Record:
    """The thief's own ballot, but for one block of the victim's with its proof."""
    assert isinstance(original.body, v.Ballot)
    own = sim.ballot(thief, thief.choices or ()).body
    assert isinstance(own, v.Ballot)
    mine, stolen = own.contests[0], original.body.contests[0]
    mixed = msgspec.structs.replace(
        mine,
        ciphertexts=[stolen.ciphertexts[0], *mine.ciphertexts[1:]],
        pok=[stolen.pok[0], *mine.pok[1:]],
    )
    return resigned(sim, msgspec.structs.replace(own, contests=[mixed, *own.contests[1:]]), thief)


def doubled_block(sim: Simulator, _original: Record, _victim: Voter, thief: Voter) -> Record:
    """One block of the thief's own ballot used for both blocks of the contest."""
    own = sim.ballot(thief, thief.choices or ()).body
    assert isinstance(own, v.Ballot)
    first = own.contests[0]
    doubled = msgspec.structs.replace(first, ciphertexts=[first.ciphertexts[0]] * 2, pok=[first.pok[0]] * 2)
    return resigned(sim, msgspec.structs.replace(own, contests=[doubled, *own.contests[1:]]), thief)


COPIES = [
    (exact, Check.BALLOT_FRESH, Check.BALLOT_POK),
    (rerandomised, Check.BALLOT_POK, Check.BALLOT_POK),
    (one_ciphertext, Check.BALLOT_FRESH, Check.BALLOT_POK),
    (doubled_block, Check.BALLOT_FRESH, Check.BALLOT_FRESH),
]


@pytest.mark.parametrize(("copy", "after", "before"), COPIES, ids=lambda value: getattr(value, "__name__", None))
def test_box_refuses_the_copy(box: BallotBoxUnderTest, copy: Copy, after: Check, before: Check) -> None:
    victim, thief = box.sim.voters[:2]
    original = box.sim.ballot(victim, victim.choices or ())
    stolen = copy(box.sim, original, victim, thief)
    # Overtaking the victim does not help: the proof is bound to the credential.
    assert box.cast(thief, stolen.entry).json()["check"] == before
    assert box.cast(victim, original.entry).status_code == 201
    assert box.cast(thief, stolen.entry).json()["check"] == after
    assert [record.type for record in box.entries()] == ["open", "ballot"]


def test_box_refuses_the_victims_own_bytes_from_the_thief(box: BallotBoxUnderTest) -> None:
    victim, thief = box.sim.voters[:2]
    entry = box.ballot(victim)
    assert box.cast(thief, entry).json()["code"] == "other-credential"
    assert box.cast(victim, entry).status_code == 201
    assert box.cast(thief, entry).json()["code"] == "other-credential"


@pytest.mark.parametrize(("copy", "after", "before"), COPIES, ids=lambda value: getattr(value, "__name__", None))
def test_verifier_names_the_box_that_let_it_in(copy: Copy, after: Check, before: Check) -> None:
    sim = Simulator().reach("open")
    victim, thief = sim.voters[:2]
    original = sim.ballot(victim, victim.choices or ())
    sim.admit("ballot", original)
    sim.admit("ballot", copy(sim, original, victim, thief), check=False)
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.where, failure.party) == (after, "ballot/2", "ballot-box")


def test_doubled_ballot_is_a_second_one() -> None:
    sim = Simulator().reach("open")
    voter = sim.voters[0]
    ballot = sim.ballot(voter, voter.choices or ())
    sim.admit("ballot", ballot)
    sim.admit("ballot", replace(ballot), check=False)
    failure = refusal(lambda: engine.verify(sim.view))
    assert (failure.check, failure.party) == (Check.BALLOT_ONCE, "ballot-box")
