"""A12 where it meets the services: honest trustees at their machines, a cheat among them, the real tally in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from served_tally import TallyUnderTest
from simulator import Simulator

from tally.authority import Authority
from tally.roles import Runner, Trustee
from vemre.election import drafts
from vemre.election.dkg import Dealing, deal
from vemre.election.dkg_steps import ceremony
from vemre.election.rules import keygen
from vemre.params import GROUP_ORDER
from vemre.records import bundle
from vemre.records import setup_bodies as s

CHEAT = "trustee/3"


@pytest.fixture
def tally(tmp_path: Path) -> Iterator[TallyUnderTest]:
    with TallyUnderTest(Simulator(), tmp_path).running() as running:
        yield running


def run(tally: TallyUnderTest, runners: dict[str, Runner], rounds: int) -> list[tuple[str, str]]:
    """Everybody does what is due, turn by turn."""
    acts = []
    for _ in range(rounds):
        for role, runner in runners.items():
            tally.cosign()
            act = runner.step()
            if act is not None:
                acts.append((role, act.type))
    return acts


def spoil(tally: TallyUnderTest, runner: Runner) -> Dealing:
    """The cheat puts a wrong share into the box of trustee 1; gives the honest dealing."""
    assert isinstance(runner.role, Trustee)
    state = runner.role.state
    honest = state.dealings[1]
    wrong = ((honest.share(1) + 1) % GROUP_ORDER).to_bytes(32, "little")
    box = tally.sim.box_keys[CHEAT].seal(wrong, tally.sim.box_keys["trustee/1"].public, os.urandom)
    shares = [s.BoxedShare("trustee/1", box.hex()), *honest.shares.shares[1:]]
    state.dealings[1] = Dealing(3, honest._coefficients, honest.reveal, s.DkgShares(1, shares))
    return honest


def runners_of(tally: TallyUnderTest) -> dict[str, Runner]:
    return {role: tally.trustee(role) for role in tally.sim.trustees}


def test_a_bad_share_is_complained_about_answered_and_the_key_works(tally: TallyUnderTest) -> None:
    runners = runners_of(tally)
    run(tally, runners, 1)
    spoil(tally, runners[CHEAT])
    acts = run(tally, runners, 5)
    assert ("trustee/1", "dkg-complaint") in acts
    assert (CHEAT, "dkg-answer") in acts
    assert acts.index((CHEAT, "dkg-answer")) < acts.index(("trustee/1", "dkg-ack"))
    # The drill shows that trustee 1 has a share that fits.
    assert tally.client.get("/drills/next").json()["trustees"] == tally.sim.trustees
    assert tally.official("drill").status_code == 200
    assert tally.incidents() == []


def test_a_wrong_answer_names_the_dealer_and_a_new_attempt_succeeds(tally: TallyUnderTest) -> None:
    runners = runners_of(tally)
    run(tally, runners, 1)
    honest = spoil(tally, runners[CHEAT])
    run(tally, runners, 2)
    tally.cosign()
    complaint = runners["trustee/1"].step()
    assert complaint is not None
    assert (complaint.type, complaint.other) == ("dkg-complaint", CHEAT)
    lie = ((honest.share(1) + 2) % GROUP_ORDER).to_bytes(32, "little").hex()
    tally.must(CHEAT, drafts.Draft(s.DkgAnswer(1, "trustee/1", lie)))
    # Nobody acknowledges; the state says that it is the authority's turn, and the log who lied.
    assert run(tally, runners, 1) == []
    due = tally.client.get("/state").json()["due"]
    assert {"act": "incident", "by": ["authority"], "urn": None, "contest": None} in due
    attempt = keygen.attempts(tally.pull().view)[-1]
    (answer,) = attempt.answers.items()
    assert not keygen.answer_holds(tally.sim.view, attempt, *answer[0], answer[1])
    assert answer[0] == ("trustee/1", CHEAT)

    authority = Authority(tally.source(tally.sim.view.group), tally.sim.keys["authority"], tally.clock)
    order = authority.void(f"{CHEAT} answered a complaint with a wrong share")
    assert tally.post(order.submission).status_code == 201
    acts = run(tally, runners, 5)
    assert [act for _, act in acts if act != "drill-share"] == [
        type_ for type_ in ("dkg-commit", "dkg-reveal", "dkg-shares", "dkg-ack") for _ in range(3)
    ]
    assert tally.official("drill").status_code == 200
    assert bundle.decode(order.submission).record.type == "incident"


def test_a_complaint_without_answer_keeps_everybody_waiting(tally: TallyUnderTest) -> None:
    runners = runners_of(tally)
    run(tally, runners, 1)
    spoil(tally, runners[CHEAT])
    run(tally, runners, 2)
    del runners[CHEAT]
    assert run(tally, runners, 2) == [("trustee/1", "dkg-complaint")]
    assert {"act": "dkg-answer", "by": [CHEAT], "urn": None, "contest": None} in tally.client.get("/state").json()[
        "due"
    ]
    assert tally.client.get("/drills/next").json()["code"] == "key-not-complete"


def test_a_reveal_that_was_not_committed_to_is_refused_and_on_record(tally: TallyUnderTest) -> None:
    """The rushing trustee sees the others' reveals and would like another polynomial."""
    runners = runners_of(tally)
    run(tally, runners, 1)
    del runners[CHEAT]
    run(tally, runners, 1)
    sim = tally.pull()
    other = deal(sim.view.group, os.urandom, ceremony(sim.view, 1), 3, sim.box_keys[CHEAT]).reveal
    answer = tally.submit(sim.sign("tally", CHEAT, other))
    assert (answer.status_code, answer.json()["check"], answer.json()["party"]) == (422, "DKG-COMMIT", CHEAT)
    assert tally.incidents()[0].startswith(f"{CHEAT}: dkg-reveal refused [DKG-COMMIT]")
