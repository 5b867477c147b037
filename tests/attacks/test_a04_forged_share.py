"""A4: forged decryption shares turn votes into nonsense (sVote, iVote 2019).

The service refuses the share, names the trustee on record, and the count goes on with others. What decrypts to no
choice is counted as null and listed, never dropped.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import simulator
from served_tally import TallyUnderTest
from simulator import GROUP, VOTES, Simulator

from vemre.election import drafts
from vemre.election.rules import engine
from vemre.group import Elements, Group
from vemre.params import GROUP_ORDER
from vemre.records import vote_bodies as v

CHEAT = "trustee/2"
BATCH = ("urna-09", "presidencia")


@pytest.fixture
def tally(tmp_path: Path) -> Iterator[TallyUnderTest]:
    with TallyUnderTest(Simulator().reach("mixed"), tmp_path).running() as running:
        yield running


def forged(tally: TallyUnderTest, how: str) -> tuple[drafts.Draft, bytes]:
    """A decryption that is not what it says, and its blob."""
    sim, gate = tally.sim, tally.sim.checkpoint("tally")
    honest = sim.decryption(CHEAT, *BATCH, gate)
    body, blob = honest.body, honest.blobs[0]
    assert isinstance(body, v.Decryption)
    proof = body.proof
    if how == "another key":
        # As if the trustee had lost its share, or another one's were wanted.
        sim.secrets[CHEAT] = (sim.secrets[CHEAT] + 1) % GROUP_ORDER
        return sim.decryption(CHEAT, *BATCH, gate), b""
    if how == "one share":
        share = GROUP.base_mul(GROUP.random_scalars(1, os.urandom)).encode()
        blob = share + blob[32:]
    elif how == "two swapped":
        blob = blob[32:64] + blob[:32] + blob[64:]
    elif how == "proof of another batch":
        other = sim.decryption(CHEAT, "urna-17", "presidencia", gate).body
        assert isinstance(other, v.Decryption)
        proof = other.proof
    elif how == "another trustee's":
        other = sim.decryption("trustee/1", *BATCH, gate).body
        assert isinstance(other, v.Decryption)
        proof, blob = other.proof, sim.decryption("trustee/1", *BATCH, gate).blobs[0]
    elif how == "no proof":
        proof = None
    elif how == "too short":
        blob = blob[:-32]
    draft = drafts.Draft(
        v.Decryption(body.context, body.urn, body.contest, body.rows, drafts.blob_of(blob), proof, gate), (blob,)
    )
    return draft, blob


@pytest.mark.parametrize(
    "how",
    ["another key", "one share", "two swapped", "proof of another batch", "another trustee's", "no proof", "too short"],
)
def test_a_forged_share_is_refused_and_the_trustee_named(tally: TallyUnderTest, how: str) -> None:
    draft, _ = forged(tally, how)
    record = tally.sim.sign("tally", CHEAT, draft.body)
    answer = tally.submit(record, draft.blobs)
    assert (answer.status_code, answer.json()["check"], answer.json()["party"]) == (422, "DECRYPT-PROOF", CHEAT)
    assert not any(entry.type == "decryption" for entry in tally.entries())
    (incident,) = tally.incidents()
    assert incident.startswith(f"{CHEAT}: decryption refused [DECRYPT-PROOF]")


@pytest.mark.parametrize("element", ["ff" * 32, "00" * 32])
def test_a_share_that_is_no_element_is_refused(tally: TallyUnderTest, element: str) -> None:
    honest = tally.sim.decryption(CHEAT, *BATCH, tally.sim.checkpoint("tally"))
    blob = bytes.fromhex(element) + honest.blobs[0][32:]
    body = honest.body
    assert isinstance(body, v.Decryption)
    altered = v.Decryption(body.context, body.urn, body.contest, body.rows, drafts.blob_of(blob), body.proof, body.gate)
    answer = tally.submit(tally.sim.sign("tally", CHEAT, altered), [blob]).json()
    assert (answer["check"], answer["party"]) == ("ELEMENT" if element[0] == "f" else "IDENTITY", CHEAT)


def test_the_count_goes_on_with_any_t_others(tally: TallyUnderTest) -> None:
    draft, _ = forged(tally, "one share")
    assert tally.submit(tally.sim.sign("tally", CHEAT, draft.body), draft.blobs).status_code == 422
    for role in ("trustee/1", "trustee/3"):
        tally.cosign()
        assert len(tally.trustee(role).run_due()) == len(tally.sim.view.batches)
    tally.official("results")
    tally.cosign()
    assert tally.official("results").json()["result"] is not None
    assert tally.client.get("/results").json()["batches"][0]["irregular"] == []
    engine.verify(tally.pull().view)


def test_what_decrypts_to_no_choice_is_counted_as_null_and_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One voter encrypts nonsense, which only decryption can show."""
    encode, nonsense = simulator.encode_blocks, iter([True])

    def encode_blocks(group: Group, blocks: bytes) -> Elements:
        if next(nonsense, False):
            return group.base_mul(group.random_scalars(len(blocks) // 30, os.urandom))
        return encode(group, blocks)

    monkeypatch.setattr(simulator, "encode_blocks", encode_blocks)
    sim = Simulator(votes=VOTES).reach("decrypted")
    with TallyUnderTest(sim, tmp_path).running() as tally:
        tally.official("results")
        tally.cosign()
        tally.official("results")
        president, governor, other = tally.client.get("/results").json()["batches"]
        for batch, nulls in ((president, 1), (governor, 2)):
            assert (batch["rows"], batch["nulls"], len(batch["irregular"])) == (3, nulls, 1)
        assert other["irregular"] == []
        engine.verify(tally.pull().view)
