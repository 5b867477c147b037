"""A refused candidate leaves no trace, neither in the log nor in what the rules remember of it."""

from __future__ import annotations

import os

import msgspec
import pytest
import simulator
from simulator import GROUP, Simulator, refusal

from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.choice import Null
from vemre.election.rules import engine
from vemre.election.rules.view import View
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import format_time
from vemre.records.record import Record, assemble, parse


@pytest.fixture
def election() -> Simulator:
    return Simulator().reach("open")


def unsigned(record: Record) -> Record:
    """The record with a signature that nobody made."""
    return parse(assemble(record.log, record.signer, record.body, b"\x11" * 64))


def ballot_of(election: Simulator, number: int) -> Record:
    voter = election.voters[number]
    return election.ballot(voter, voter.choices or ())


def test_after_a_refused_ballot_every_rule_looks_at_the_next_one(election: Simulator) -> None:
    refused = unsigned(ballot_of(election, 0))
    failure = refusal(lambda: election.admit("ballot", refused))
    assert failure.check is Check.BALLOT_SIGNATURE
    stranger = SigningKey.generate(os.urandom)
    stuffed = election.ballot(simulator.Voter("urna-17", stranger, (Null(),)), (Null(),))
    failure = refusal(lambda: election.admit("ballot", stuffed))
    assert (failure.check, failure.where) == (Check.BALLOT_ELIGIBLE, "ballot/1")


def test_a_refused_ballot_uses_up_neither_credential_nor_points(election: Simulator) -> None:
    good = ballot_of(election, 0)
    other = ballot_of(election, 1)
    for record in (unsigned(good), unsigned(other)):
        assert refusal(lambda r=record: election.admit("ballot", r)).check is Check.BALLOT_SIGNATURE
    election.admit("ballot", other)
    election.admit("ballot", good)
    assert refusal(lambda: election.admit("ballot", good)).check is Check.BALLOT_ONCE
    assert [record.type for record in election.view.ballot.records] == ["open", "ballot", "ballot"]


def test_a_refused_ballot_may_be_followed_by_another_type(election: Simulator) -> None:
    body = msgspec.structs.replace(ballot_of(election, 0).body, context=(election.view.context or b"").hex())
    nobody = election.sign("ballot", "no credential", body, SigningKey.generate(os.urandom))
    assert refusal(lambda: election.admit("ballot", nobody)).check is Check.BALLOT_ELIGIBLE
    election.append("ballot", "ballot-box", drafts.incident("test", "text", simulator.OPENS))
    election.cast_all()
    fresh = View(election.view.anchors, election.blobs.__getitem__, GROUP, os.urandom, logs=election.view.logs)
    engine.verify(fresh)


def test_a_candidate_whose_blobs_cannot_be_read_is_taken_back(election: Simulator) -> None:
    def broken(_digest: str) -> bytes:
        raise OSError("the disk is gone")

    election.view._blobs = broken
    files = v.Integrity("ballot-box", "00" * 32, drafts.blob_of(b"{}"), [])
    record = election.sign("ballot", "ballot-box", files)
    with pytest.raises(OSError, match="the disk is gone"):
        election.admit("ballot", record)
    assert [entry.type for entry in election.view.ballot.records] == ["open"]


def test_a_blob_that_was_read_under_its_true_size_is_not_taken_under_another() -> None:
    election = Simulator()
    election.generate_key()
    key = SigningKey.generate(os.urandom).public
    blob = drafts.blob_of(key)
    election.put([key, b""])
    urns = [s.RollUrn("urna-09", 2, blob), s.RollUrn("urna-17", 0, drafts.blob_of(b""))]
    refused = election.sign("registry", "registry", s.Roll(urns))
    assert refusal(lambda: election.admit("registry", refused)).check is Check.ROLL_COUNT
    urns[0] = s.RollUrn("urna-09", 2, msgspec.structs.replace(blob, size=64))
    lie = election.sign("registry", "registry", s.Roll(urns))
    assert refusal(lambda: election.admit("registry", lie)).check is Check.BLOB_DIGEST


def test_incidents_at_the_same_place_do_not_confuse_the_rules(election: Simulator) -> None:
    assert refusal(lambda: election.admit("ballot", unsigned(ballot_of(election, 4)))).check is Check.BALLOT_SIGNATURE
    context = (election.view.context or b"").hex()
    voter = election.voters[4]
    election.append("ballot", "registry", drafts.Draft(v.Block(context, voter.urn, voter.key.public.hex(), "post")))
    election.append("ballot", "authority", drafts.Draft(v.Incident(format_time(0), "test", "text")))
    assert refusal(lambda: election.admit("ballot", ballot_of(election, 4))).check is Check.BALLOT_ONCE
