"""A7: a broken mix chain: another input, a mixer skipped or repeated, a record that another signed.

Everything reaches the real tally service as a validly formed submission; it is refused, and the right party is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from served_tally import TallyUnderTest
from simulator import VOTES, Simulator

from vemre.election import drafts
from vemre.election.rules import mixing
from vemre.records import vote_bodies as v

BATCH = ("urna-09", "presidencia")


@pytest.fixture
def tally(tmp_path: Path) -> Iterator[TallyUnderTest]:
    with TallyUnderTest(Simulator(mixers=3).reach("close"), tmp_path).running() as running:
        yield running


def shuffle(tally: TallyUnderTest, role: str) -> drafts.Draft:
    """An honest shuffle of what the batch holds in the simulator's view."""
    return tally.sim.shuffle(role, *BATCH, tally.sim.checkpoint("tally"))


def refused(tally: TallyUnderTest, role: str, draft: drafts.Draft, check: str, **how: object) -> None:
    """Refused with this check, naming this role, and nothing but an incident in the log."""
    size = len(tally.entries())
    record = tally.sim.sign("tally", role, draft.body, **how)  # type: ignore[arg-type]
    answer = tally.submit(record, draft.blobs)
    assert (answer.status_code, answer.json()["check"]) == (422, check), answer.text
    assert answer.json()["party"] in (role, None)
    assert {entry.type for entry in tally.entries()[size:]} <= {"incident"}


def test_another_input_than_the_previous_output(tally: TallyUnderTest) -> None:
    """Mixer 2 takes the tally input once more, so mixer 1's work would not count."""
    around = shuffle(tally, "mixer/2")
    tally.must("mixer/1", shuffle(tally, "mixer/1"))
    tally.pull()
    body = around.body
    assert isinstance(body, v.Shuffle)
    gated = v.Shuffle(
        body.context, body.urn, body.contest, body.rows, body.output, body.proof, tally.sim.checkpoint("tally")
    )
    refused(tally, "mixer/2", drafts.Draft(gated, around.blobs), "SHUFFLE")
    assert tally.incidents()[0].startswith("mixer/2: shuffle refused [SHUFFLE]")


def test_a_gate_that_does_not_cover_the_previous_output(tally: TallyUnderTest) -> None:
    gate = tally.sim.checkpoint("tally")
    tally.must("mixer/1", shuffle(tally, "mixer/1"))
    tally.pull()
    refused(tally, "mixer/2", tally.sim.shuffle("mixer/2", *BATCH, gate), "GATE")
    # That may be mere haste: nobody is accused.
    assert tally.incidents() == []


def test_a_mixer_twice(tally: TallyUnderTest) -> None:
    tally.must("mixer/1", shuffle(tally, "mixer/1"))
    tally.pull()
    refused(tally, "mixer/1", shuffle(tally, "mixer/1"), "MIX-CHAIN")


def test_a_mixer_skipped(tally: TallyUnderTest) -> None:
    """Decrypting after one mixer of two."""
    for urn, contest in tally.sim.view.batches:
        tally.must("mixer/1", tally.sim.shuffle("mixer/1", urn, contest, tally.sim.checkpoint("tally")))
    tally.pull()
    tally.cosign()
    assert tally.trustee("trustee/1").step() is None
    draft = tally.sim.decryption("trustee/1", *BATCH, tally.sim.checkpoint("tally"))
    record = tally.sim.sign("tally", "trustee/1", draft.body)
    answer = tally.submit(record, draft.blobs)
    assert (answer.status_code, answer.json()["check"]) == (422, "MIX-COUNT")


def test_a_record_signed_by_another(tally: TallyUnderTest) -> None:
    """Mixer 2 signs mixer 1's shuffle as its own, or signs in mixer 1's name; a trustee signs one."""
    draft = shuffle(tally, "mixer/1")
    refused(tally, "mixer/1", draft, "RECORD-SIGNATURE", key=tally.sim.keys["mixer/2"])
    refused(tally, "trustee/1", draft, "RECORD-ROLE")
    assert tally.incidents() == []
    # The proof is bound to its mixer.
    refused(tally, "mixer/2", draft, "SHUFFLE")
    tally.must("mixer/1", draft)


def test_a_changed_pass_through(tmp_path: Path) -> None:
    votes = [VOTES[0], ("urna-09", None), ("urna-17", VOTES[4][1])]
    sim = Simulator(votes=votes).reach("close")
    with TallyUnderTest(sim, tmp_path).running() as tally:
        draft = sim.shuffle("mixer/1", *BATCH, sim.checkpoint("tally"))
        body = draft.body
        assert isinstance(body, v.Shuffle)
        other = mixing.inputs(sim.view)["urna-17", "presidencia"]
        changed = v.Shuffle(body.context, body.urn, body.contest, body.rows, other, None, body.gate)
        refused(tally, "mixer/1", drafts.Draft(changed, (sim.blobs[other.sha256],)), "MIX-CHAIN")


def test_a_batch_of_another_urn(tally: TallyUnderTest) -> None:
    """The output of one batch handed in for another."""
    body = shuffle(tally, "mixer/1").body
    assert isinstance(body, v.Shuffle)
    draft = tally.sim.shuffle("mixer/1", "urna-17", "presidencia", tally.sim.checkpoint("tally"))
    other = draft.body
    assert isinstance(other, v.Shuffle)
    moved = v.Shuffle(other.context, *BATCH, body.rows, other.output, other.proof, other.gate)
    refused(tally, "mixer/1", drafts.Draft(moved, draft.blobs), "SHUFFLE-LENGTH")
