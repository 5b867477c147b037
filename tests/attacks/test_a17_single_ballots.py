"""A17: the trustee is asked to decrypt a single ballot, or a second list. Its machine refuses, its key unused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from served_tally import TallyUnderTest
from simulator import GROUP, Simulator

from vemre.checks import Check
from vemre.election import drafts
from vemre.election.rules import mixing
from vemre.errors import CheckFailed
from vemre.records import vote_bodies as v


def single_ballot(sim: Simulator) -> drafts.Draft:
    """A list to mix in which one batch is one voter's ballot, many times."""
    honest = sim.view.tally_input
    assert honest is not None
    first = honest.batches[0]
    data = sim.blobs[first.input.sha256]
    row = data[: len(data) // first.rows]
    blob = row * first.rows
    batches = [msgspec.structs.replace(first, input=drafts.blob_of(blob)), *honest.batches[1:]]
    blobs = [blob, *(sim.blobs[batch.input.sha256] for batch in honest.batches[1:])]
    return drafts.Draft(msgspec.structs.replace(honest, batches=batches), tuple(blobs))


def corrupt(tally: TallyUnderTest, records: list[bytes]) -> None:
    """A tally service that has thrown its own checks away, and auditors that cosign whatever it shows."""
    with tally.station.store.transaction() as transaction:
        transaction.append(records)
    tally.cosign()


def test_a_list_of_one_ballot_is_refused(tmp_path: Path) -> None:
    sim = Simulator().reach("close")
    draft = single_ballot(sim)
    sim.view.tally.pop()
    with TallyUnderTest(sim, tmp_path).running() as tally:
        for blob in draft.blobs:
            tally.station.blobs.put(blob)
        corrupt(tally, [sim.sign("tally", "tally", draft.body).entry])
        with pytest.raises(CheckFailed) as caught:
            tally.trustee("trustee/1").step()
    assert (caught.value.check, caught.value.party) == (Check.TALLY_INPUT, "tally")


def test_a_shuffle_that_keeps_a_ballot_in_sight_is_refused(tmp_path: Path) -> None:
    """Both mixers in league with the tally: an output without a proof that holds is not decrypted."""
    sim = Simulator().reach("close")
    with TallyUnderTest(sim, tmp_path).running() as tally:
        gate = sim.checkpoint("tally")
        for role in sim.mixers:
            for urn, contest in sim.view.batches:
                draft = sim.shuffle(role, urn, contest, gate)
                body = draft.body
                assert isinstance(body, v.Shuffle)
                # In place: nothing is moved, nothing re-encrypted.
                source = mixing.last_outputs(sim.view)[urn, contest]
                marked = msgspec.structs.replace(body, output=source)
                record = sim.sign("tally", role, marked)
                sim.view.tally.append(record)
                for blob in draft.blobs:
                    tally.station.blobs.put(blob)
                corrupt(tally, [record.entry])
        with pytest.raises(CheckFailed) as caught:
            tally.trustee("trustee/1").step()
    assert (caught.value.check, caught.value.party) == (Check.SHUFFLE, "mixer/1")


def test_a_second_list_is_refused(tmp_path: Path) -> None:
    """After the shares are out, a spare mixer is sent once more over the batch, to get other shares."""
    sim = Simulator(mixers=3).reach("mixed")
    with TallyUnderTest(sim, tmp_path).running() as tally:
        tally.cosign()
        work = tally.trustee("trustee/1")
        work.outlet.hand_over = lambda *_: None  # type: ignore[method-assign]
        done = work.step()
        assert done is not None
        assert done.batch is not None
        tally.must("mixer/3", sim.shuffle("mixer/3", *done.batch, sim.checkpoint("tally")))
        tally.cosign()
        with pytest.raises(CheckFailed) as caught:
            tally.trustee("trustee/1").step()
        assert (caught.value.check, caught.value.party) == (Check.DECRYPT_ONCE, "tally")


def test_a_drill_decrypts_no_ballot(tmp_path: Path) -> None:
    """The canary is what each trustee computes: nobody hands it a ciphertext."""
    sim = Simulator().reach("cast")
    with TallyUnderTest(sim, tmp_path).running() as tally:
        tally.cosign()
        work = tally.trustee("trustee/1", drill=True)
        sent: list[bytes] = []
        work.outlet.hand_over = lambda role, act, data: sent.append(data)  # type: ignore[method-assign]
        work.step()
        share = bytes.fromhex(msgspec.json.decode(sent[0])["shares"][0]["share"])
        ballots = [body for _, _, body in sim.view.ballot.of(v.Ballot)]
        firsts = [c.a for ballot in ballots for contest in ballot.contests for c in contest.ciphertexts]
        secret = GROUP.scalars([sim.secrets["trustee/1"]])
        for a in firsts:
            assert GROUP.mul(GROUP.decode(bytes.fromhex(a)), secret).encode() != share
