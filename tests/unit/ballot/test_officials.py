"""What officials and other roles do at the ballot box."""

import copy

import pytest
from served import BallotBoxUnderTest

from vemre.election import drafts
from vemre.records import vote_bodies as v


def test_roster_must_be_the_roll(closed_box: BallotBoxUnderTest) -> None:
    good = closed_box.roster()
    stranger = copy.deepcopy(good)
    stranger["entries"][0]["credential"] = "ab" * 32
    moved = copy.deepcopy(good)
    moved["entries"][0]["urn"] = "urna-17"
    twice = copy.deepcopy(good)
    twice["entries"][0] = {**twice["entries"][0], "pseudonym": twice["entries"][1]["pseudonym"]}
    shorter = {"entries": good["entries"][1:]}
    for roster in (stranger, moved, twice, shorter, {"entries": []}):
        answer = closed_box.official("roster", roster)
        assert (answer.status_code, answer.json()["code"]) == (409, "roster-mismatch")
    assert closed_box.official("roster", good).json() == {"new": 7}
    assert closed_box.official("roster", good).json() == {"new": 0}
    assert closed_box.official("roster", {"entries": [{"pseudonym": "x"}]}).status_code == 422
    shared = copy.deepcopy(good)
    shared["entries"][0]["contact"] = shared["entries"][1]["contact"].upper()
    assert closed_box.official("roster", shared).json()["code"] == "roster-address-twice"


@pytest.mark.parametrize("act", ["roster", "access-links", "recovery", "close"])
def test_officials_need_their_token(box: BallotBoxUnderTest, act: str) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {box.token(box.sim.voters[0])}"}):
        assert box.client.post(f"/official/{act}", json={}, headers=headers).status_code == 401


def test_block_uses_the_credential_up(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    block = box.block(voter)
    assert box.submit(block).status_code == 201
    assert box.submit(block).status_code == 200
    assert box.submit(box.block(voter, "withdrawn")).json()["code"] == "credential-blocked"
    assert box.cast(voter, box.ballot(voter)).json()["code"] == "credential-blocked"
    # Two channels that meet are nobody's fault: no incident stands in the log.
    assert [record.type for record in box.entries()] == ["open", "block"]


def test_block_after_the_ballot_loses(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    box.cast(voter, box.ballot(voter))
    assert box.submit(box.block(voter)).json()["code"] == "already-voted"
    assert [record.type for record in box.entries()] == ["open", "ballot"]


def test_block_of_a_stranger_is_refused_and_noted(box: BallotBoxUnderTest) -> None:
    body = v.Block(box.sim.view.context.hex(), "urna-09", box.sim.keys["tally"].public.hex(), "post")  # type: ignore[union-attr]
    answer = box.submit(box.sim.sign("ballot", "registry", body))
    assert (answer.status_code, answer.json()["check"]) == (422, "BALLOT-ELIGIBLE")
    incident = box.entries()[-1]
    assert incident.type == "incident"
    assert incident.body.text.startswith("registry: block refused [BALLOT-ELIGIBLE]")


def test_block_of_another_election_is_refused(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    body = v.Block("00" * 32, voter.urn, voter.key.public.hex(), "post")
    assert box.submit(box.sim.sign("ballot", "registry", body)).json()["check"] == "CONTEXT"
    elsewhere = box.sim.sign("tally", "registry", box.block(voter).body)
    assert box.submit(elsewhere).json()["check"] == "RECORD-ROLE"


def test_roles_alone_post_records(box: BallotBoxUnderTest) -> None:
    sim, voter = box.sim, box.sim.voters[0]
    by_tally = sim.sign("ballot", "tally", box.block(voter).body)
    assert box.submit(by_tally).json()["check"] == "RECORD-ROLE"
    forged = sim.sign("ballot", "registry", box.block(voter).body, key=sim.keys["tally"])
    assert box.submit(forged).json()["check"] == "RECORD-SIGNATURE"
    ballot = box.sim.ballot(voter, voter.choices or ())
    assert box.submit(ballot).json()["check"] == "RECORD-ROLE"
    incident = sim.sign("ballot", "auditor/1", drafts.incident("observed", "x", 1_810_000_001).body)
    assert box.submit(incident).status_code == 201
    assert [record.type for record in box.entries()] == ["open", "incident"]


def test_nothing_but_the_opening_comes_first(closed_box: BallotBoxUnderTest) -> None:
    sim = closed_box.sim
    incident = sim.sign("ballot", "auditor/1", drafts.incident("observed", "x", 1_810_000_001).body)
    assert closed_box.submit(incident).json()["check"] == "ORDER"
    assert closed_box.submit(closed_box.block(sim.voters[0])).json()["code"] == "box-not-open"
    assert closed_box.entries() == []


def test_election_says_what_clients_need(box: BallotBoxUnderTest) -> None:
    found = box.client.get("/election").json()
    assert found["context"] == box.sim.view.context.hex()  # type: ignore[union-attr]
    assert found["stage"] == "open"
    assert [urn["id"] for urn in found["offer"]["urns"]] == ["urna-09", "urna-17"]
    assert found["joint_key"] == box.sim.view.setup.joint_key  # type: ignore[union-attr]
