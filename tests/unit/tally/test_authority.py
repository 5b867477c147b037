"""The authority's acts: refused before they are due, accepted by the rules when they are."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from served_tally import TallyUnderTest
from simulator import CLOSES, GROUP, OPENS, Simulator

from tally.authority import Authority, Order, read_lnere
from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.errors import CheckFailed, Refused
from vemre.records import bundle
from vemre.records import vote_bodies as v

Start = Callable[[Simulator], TallyUnderTest]
RELEASE = "ab" * 32


def counts(sim: Simulator) -> dict[str, int]:
    return {urn.id: sum(voter.urn == urn.id for voter in sim.voters) for urn in sim.offer.urns}


def authority(tally: TallyUnderTest, now: int = OPENS) -> Authority:
    tally.cosign()
    return Authority(tally.source(GROUP), tally.sim.keys["authority"], lambda: now)


def logged(tally: TallyUnderTest, order: Order) -> Any:
    """The order's body, once its log has taken it."""
    record = bundle.decode(order.submission).record
    if order.log == "tally":
        assert tally.post(order.submission).status_code == 201
        assert tally.post(order.submission).status_code == 200
        tally.pull()
    else:
        tally.sim.admit(order.log, record)
    return record.body


def test_setup_binds_what_the_logs_have(start: Start) -> None:
    sim = Simulator().reach("roll")
    tally = start(sim)
    work = authority(tally)
    for release in ("", "AB" * 32, "ab" * 31):
        with pytest.raises(Refused, match="release-unusable"):
            work.setup(counts(sim), release)
    for lnere in ({}, {**counts(sim), "urna-99": 1}):
        with pytest.raises(Refused, match="lnere-urns"):
            work.setup(lnere, RELEASE)
    with pytest.raises(CheckFailed) as caught:
        work.setup({**counts(sim), "urna-09": 1}, RELEASE)
    assert caught.value.check is Check.ROLL_COUNT
    body = logged(tally, work.setup(counts(sim), RELEASE))
    assert (body.release, body.attempt) == (RELEASE, 1)


def test_setup_waits_for_key_and_roll(start: Start) -> None:
    tally = start(Simulator())
    with pytest.raises(Refused, match="key-not-complete"):
        authority(tally).setup(counts(tally.sim), RELEASE)
    tally.generate_key()
    with pytest.raises(Refused, match="roll-not-published"):
        authority(tally).setup(counts(tally.sim), RELEASE)


def test_opening_needs_two_opinions_and_the_time(start: Start) -> None:
    sim = Simulator().reach("setup")
    opinions = [sim.view.tally.records.pop() for _ in range(3)]
    tally = start(sim)
    with pytest.raises(Refused, match="system-opinions-missing") as refused:
        authority(tally).open()
    assert refused.value.params == {"found": 0, "needed": 2, "missing": "auditor/1, auditor/2", "against": "—"}
    for record in reversed(opinions):
        assert tally.submit(record, [sim.blobs[ref.sha256] for ref in bundle.blob_refs(record.body)]).status_code == 201
    with pytest.raises(CheckFailed) as caught:
        authority(tally, OPENS - 1).open()
    assert caught.value.check is Check.BALLOT_TIME
    order = authority(tally).open()
    assert order.log == "ballot"
    tally.pull()
    body = logged(tally, order)
    assert len(body.opinions) == 2


def test_small_batches_are_decided_once(start: Start) -> None:
    sim = Simulator(min_batch=3).reach("close")
    sim.view.tally.pop()
    tally = start(sim)
    work = authority(tally)
    for reason in ("", "  ", "x" * 2_001):
        with pytest.raises(Refused, match="reason-missing"):
            work.decide([], reason)
    with pytest.raises(Refused, match="nothing-to-decide"):
        work.decide([("urna-09", "presidencia")], "few")
    (order,) = work.decide([], "few voters")
    body = logged(tally, order)
    assert (body.urn, body.contest, body.rows, body.decision) == ("urna-17", "presidencia", 2, "decrypt")
    tally.cosign()
    with pytest.raises(Refused, match="nothing-to-decide"):
        work.decide([], "again")


def test_nothing_is_decided_before_there_is_a_list(start: Start) -> None:
    with pytest.raises(Refused, match="no-tally-input"):
        authority(start(Simulator().reach("open"))).decide([], "few")


def test_certification_needs_every_auditor_in_favour(start: Start) -> None:
    sim = Simulator().reach("counted")
    tally = start(sim)
    work = authority(tally)
    with pytest.raises(Refused, match="opinions-missing") as refused:
        work.certify()
    assert refused.value.params == {"found": 0, "needed": 2, "missing": "auditor/1, auditor/2"}
    checkpoints = {name: sim.checkpoint(name) for name in ("registry", "ballot", "tally")}

    def opine(role: str, favourable: bool, text: str) -> None:
        draft = drafts.opinion(
            sim.view, favourable=favourable, checkpoints=checkpoints, report=text.encode(), tool=("vemre", "0")
        )
        tally.must(role, draft)
        tally.cosign()

    opine("auditor/1", True, "good")
    opine("auditor/2", False, "bad")
    with pytest.raises(Refused, match="opinion-unfavourable") as refused:
        work.certify()
    assert refused.value.params == {"auditor": "auditor/2"}
    opine("auditor/2", True, "looked again")
    body = logged(tally, work.certify())
    assert isinstance(body, v.Certification)
    assert len(body.opinions) == 2


def test_certification_waits_for_the_result(start: Start) -> None:
    with pytest.raises(Refused, match="no-result"):
        authority(start(Simulator().reach("decrypted"))).certify()


def test_another_key_is_not_the_authority(start: Start) -> None:
    sim = Simulator()
    sim.generate_key()
    sim.view.tally.pop()
    tally = start(sim)
    work = authority(tally, CLOSES)
    work.key = SigningKey.generate(os.urandom)
    with pytest.raises(Refused, match="not-in-manifest"):
        work.void("a reason")
    with pytest.raises(Refused, match="reason-missing"):
        work.void("")


def test_an_attempt_is_ended_once_and_before_any_drill(start: Start) -> None:
    sim = Simulator()
    sim.generate_key()
    sim.view.tally.pop()
    tally = start(sim)
    assert tally.client.get("/drills/next").status_code == 200
    body = logged(tally, authority(tally).void("trustee/3 lost its machine"))
    assert (body.kind, body.text) == ("dkg-void", "trustee/3 lost its machine")
    with pytest.raises(Refused, match="no-attempt"):
        authority(tally).void("again")
    # No drill may use its key: that would stand in the way of the next attempt.
    assert tally.client.get("/drills/next").json()["code"] == "key-not-complete"
    assert tally.trustee("trustee/1", drill=True).role.due(tally.sim.view)[0].name == "dkg-commit.2"


def test_nothing_is_ended_before_it_begins_or_once_it_is_drilled(start: Start) -> None:
    tally = start(Simulator())
    with pytest.raises(Refused, match="no-attempt"):
        authority(tally).void("x")
    tally.generate_key()
    with pytest.raises(Refused, match="key-drilled"):
        authority(tally).void("x")


@pytest.mark.parametrize("text", ["[]", '{"a":-1}', '{"a":true}', '{"a":"1"}', '{"a":1.0}', "{"])
def test_counts_must_be_counts(tmp_path: Any, text: str) -> None:
    path = tmp_path / "lnere.json"
    path.write_text(text)
    with pytest.raises(CheckFailed, match="CANONICAL"):
        read_lnere(path)
    path.write_text('{ "urna-09": 4 }')
    assert read_lnere(path) == {"urna-09": 4}
