"""Ballots through the HTTP interface."""

import itertools
import json
import shutil

import forge
import pytest
from served import BallotBoxUnderTest
from simulator import CLOSES, OPENS

from vemre.crypto import tracker
from vemre.election.choice import Marks
from vemre.log import merkle
from vemre.log.checkpoint import auditors_of
from vemre.log.proof import Receipt
from vemre.records.record import parse


def types(box: BallotBoxUnderTest) -> list[str]:
    return [record.type for record in box.entries()]


def test_ballot_is_taken_once_with_one_receipt(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    entry = box.ballot(voter)
    first = box.cast(voter, entry)
    assert first.status_code == 201, first.text
    receipt = Receipt.parse(first.json()["receipt"].encode())
    leaf = parse(entry).leaf_hash
    opened = receipt.verify(leaf, box.station.store.vkey)
    assert opened.size > receipt.index == first.json()["index"] == 1
    assert first.json()["leaf_hash"] == leaf.hex()
    assert first.json()["tracker"] == tracker.shown(leaf)
    box.cosign()
    box.cast(box.sim.voters[1], box.ballot(box.sim.voters[1]))
    again = box.cast(voter, entry)
    assert again.status_code == 200
    assert again.json() == first.json()
    assert types(box) == ["open", "ballot", "ballot"]


def test_second_ballot_of_a_credential_is_refused(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    assert box.cast(voter, box.ballot(voter)).status_code == 201
    second = box.cast(voter, box.ballot(voter, [Marks((2,)), Marks((1,))]))
    assert second.status_code == 409
    assert second.json()["code"] == "already-voted"
    assert second.json()["es"]["next"]
    assert types(box) == ["open", "ballot"]


def test_receipt_gets_the_cosignatures_that_come(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[4]
    answer = box.cast(voter, box.ballot(voter)).json()
    path = f"/receipts/{answer['leaf_hash']}"
    witnesses = box.station.anchors.witnesses
    keys = [key for keys in witnesses.values() for key in keys]

    def auditors() -> set[str]:
        receipt = Receipt.parse(box.client.get(path).content)
        return auditors_of(receipt.verify(bytes.fromhex(answer["leaf_hash"]), box.station.store.vkey, keys), witnesses)

    assert auditors() == set()
    box.cosign()
    assert auditors() == {"auditor/1", "auditor/2"}


def test_unknown_receipt_is_not_found(box: BallotBoxUnderTest) -> None:
    assert box.client.get(f"/receipts/{'00' * 32}").status_code == 404
    assert box.client.get("/receipts/xyz").status_code == 422


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Basic eDp5"}])
def test_nobody_casts_without_a_session(box: BallotBoxUnderTest, header: dict[str, str]) -> None:
    entry = box.ballot(box.sim.voters[0])
    answer = box.client.post("/ballots", content=entry, headers={**header, "Content-Type": "application/json"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert types(box) == ["open"]


def test_session_casts_its_own_credential_alone(box: BallotBoxUnderTest) -> None:
    one, other = box.sim.voters[:2]
    answer = box.cast(one, box.ballot(one), box.token(other))
    assert (answer.status_code, answer.json()["code"]) == (403, "other-credential")
    assert types(box) == ["open"]


def test_body_that_is_no_ballot(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    entry = box.ballot(voter)
    spaced = json.dumps(json.loads(entry)).encode()
    for body, code in (
        (b"", "check-canonical"),
        (b"{}", "check-canonical"),
        (b"\xff", "check-canonical"),
        (spaced, "check-canonical"),
        (box.order_to_open().entry, "not-a-ballot"),
        (b"[" * 60_000, "check-canonical"),
    ):
        answer = box.cast(voter, body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert box.cast(voter, b"0" * 70_000).status_code == 413
    assert types(box) == ["open"]


def test_nothing_is_taken_before_the_box_is_open(closed_box: BallotBoxUnderTest) -> None:
    box = closed_box
    assert box.official("roster", box.roster()).json() == {"new": 7}
    voter = box.sim.voters[0]
    answer = box.cast(voter, box.ballot(voter))
    assert (answer.status_code, answer.json()["code"]) == (409, "box-not-open")
    assert box.client.get("/turnout").status_code == 409


def test_turnout_by_urn(box: BallotBoxUnderTest) -> None:
    for voter in box.sim.voters[:2]:
        box.cast(voter, box.ballot(voter))
    assert box.client.get("/turnout").json() == {"ballots": {"urna-09": 2, "urna-17": 0}}


def test_late_ballot_is_counted_once_and_not_kept(box: BallotBoxUnderTest) -> None:
    early, late = box.sim.voters[:2]
    assert box.cast(early, (kept := box.ballot(early))).status_code == 201
    box.clock.now = CLOSES
    for entry in (box.ballot(late), box.ballot(late), box.ballot(early)):
        voter = late if parse(entry).signer == late.key.public.hex() else early
        answer = box.cast(voter, entry)
        assert (answer.status_code, answer.json()["code"]) in ((409, "voting-closed"), (409, "already-voted"))
    assert box.cast(early, kept).status_code == 200
    closed = box.close()
    assert closed.status_code == 200, closed.text
    assert box.close().json() == {**closed.json(), "new": False}
    body = box.entries()[-1].body
    assert (body.late, [(c.urn, c.ballots) for c in body.counts]) == (1, [("urna-09", 1), ("urna-17", 0)])
    assert box.cast(late, box.ballot(late)).json()["code"] == "voting-closed"
    assert box.cast(early, kept).status_code == 200


def test_closing_second(box: BallotBoxUnderTest) -> None:
    one, other = box.sim.voters[:2]
    box.clock.now = CLOSES - 1
    assert box.official("close").json()["code"] == "too-early-to-close"
    assert box.cast(one, box.ballot(one)).status_code == 201
    box.clock.now = CLOSES
    assert box.cast(other, box.ballot(other)).json()["code"] == "voting-closed"


def test_order_to_open_waits_for_its_time(closed_box: BallotBoxUnderTest) -> None:
    closed_box.clock.now = OPENS - 1
    answer = closed_box.submit(closed_box.order_to_open())
    assert (answer.status_code, answer.json()["code"]) == (409, "voting-not-begun")
    closed_box.clock.now = OPENS
    assert closed_box.submit(closed_box.order_to_open()).status_code == 201
    assert closed_box.submit(closed_box.order_to_open()).status_code == 200


def test_started_again_it_knows_what_it_knew(box: BallotBoxUnderTest, tmp_path_factory: pytest.TempPathFactory) -> None:
    voter, other = box.sim.voters[:2]
    entry = box.ballot(voter)
    first = box.cast(voter, entry)
    with box.running():
        assert box.cast(voter, box.ballot(voter)).json()["code"] == "already-voted"
        assert box.cast(voter, entry).json() == first.json()
        assert box.cast(other, box.ballot(other)).status_code == 201


def test_ballot_made_for_another_log(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    ballot = box.sim.ballot(voter, voter.choices or ())
    elsewhere = box.sim.sign("tally", voter.key.public.hex(), ballot.body, voter.key)
    assert box.cast(voter, elsewhere.entry).json()["check"] == "RECORD-ROLE"


def test_ballot_that_is_overtaken_by_the_close(box: BallotBoxUnderTest) -> None:
    """The time that counts is when the writer takes it, not when it came."""
    voter = box.sim.voters[0]
    entry = box.ballot(voter)
    assert box.cast(box.sim.voters[1], box.ballot(box.sim.voters[1])).status_code == 201
    times = itertools.chain([CLOSES - 1], itertools.repeat(CLOSES))
    box.station.clock = lambda: next(times)
    box.station.node._clock = lambda: next(times)
    answer = box.cast(voter, entry)
    assert (answer.status_code, answer.json()["code"]) == (409, "voting-closed")
    assert types(box) == ["open", "ballot"]


def test_late_forgery_is_not_counted(box: BallotBoxUnderTest) -> None:
    voter = box.sim.voters[0]
    forged = box.sim.sign("ballot", voter.key.public.hex(), parse(box.ballot(voter)).body, box.sim.keys["tally"])
    box.clock.now = CLOSES
    assert box.cast(voter, forged.entry).json()["code"] == "voting-closed"
    assert box.close().status_code == 200
    assert box.entries()[-1].body.late == 0


def test_started_again_over_another_tally_log_it_takes_nothing(box: BallotBoxUnderTest) -> None:
    sim, voter = box.sim, box.sim.voters[0]
    entries = [record.entry for record in sim.view.tally.records]
    entries[-1], entries[-2] = entries[-2], entries[-1]
    note = sim.log_signers["tally"].sign(len(entries), merkle.root(map(merkle.leaf_hash, entries)))
    for folder in (box.record / "tally", box.data / "followed"):
        shutil.rmtree(folder)
    forge.write_log(box.record / "tally", entries, note)
    with box.running():
        answer = box.cast(voter, box.ballot(voter))
        assert (answer.status_code, answer.json()["check"]) == (422, "CHECKPOINT")
    assert types(box) == ["open"]
