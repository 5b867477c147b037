"""After the end a witness cosigns no further ballot, and how one that was in time still is."""

from pathlib import Path

import pytest
from served_simulator import Served
from simulator import CLOSES, Simulator
from witnesses import Clock, offer, witness_of

from audit.witness.engine import Witness
from audit.witness.store import InTime
from vemre.election import drafts
from vemre.log.checkpoint import SignedCheckpoint


@pytest.fixture
def served() -> Served:
    """An open ballot box with the first voter's ballot."""
    simulator = Simulator().reach("open")
    served = Served(simulator)
    cast(served, 0)
    served.cosign_all()
    return served


def cast(served: Served, voter: int) -> None:
    chosen = served.simulator.voters[voter]
    assert chosen.choices is not None
    served.simulator.admit("ballot", served.simulator.ballot(chosen, chosen.choices))


def asked(served: Served, witness: Witness, size: int | None = None) -> int:
    origin = served.simulator.log_signers["ballot"].origin
    old = witness.ground.store.last(origin).size
    witness.round()
    return witness.add_checkpoint(offer(served, "ballot", old, size), 0).status


def test_a_ballot_after_the_end_is_not_cosigned_and_an_earlier_one_is(served: Served, tmp_path: Path) -> None:
    clock = Clock(CLOSES - 1)
    witness = witness_of(served, tmp_path, clock=clock)
    witness.round()
    clock.now = CLOSES
    assert asked(served, witness) == 200, "it was seen in time, and is cosigned later"
    cast(served, 1)
    assert asked(served, witness) == 503
    witness.close()
    clock.now = CLOSES - 1000
    again = witness_of(served, tmp_path, clock=clock)
    assert asked(served, again) == 503, "nor with a clock that was set back"
    again.close()


def test_what_was_seen_before_the_end_and_verified_after_is_in_time(served: Served, tmp_path: Path) -> None:
    clock = Clock(CLOSES - 1)
    witness = witness_of(served, tmp_path, clock=clock)
    witness.round()
    cast(served, 1)
    witness.add_checkpoint(offer(served, "ballot"), 0)
    clock.now = CLOSES + 5
    assert asked(served, witness) == 200
    cast(served, 2)
    assert asked(served, witness) == 503
    witness.close()


def test_a_witness_that_was_not_there_cosigns_no_ballot(served: Served, tmp_path: Path) -> None:
    served.notes.clear()
    witness = witness_of(served, tmp_path, clock=Clock(CLOSES))
    assert asked(served, witness, 1) == 200, "the opening is no ballot"
    assert asked(served, witness) == 503
    witness.close()


def test_grace_is_part_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import msgspec

    real = Simulator._manifest

    def with_grace(self: Simulator, min_batch: int) -> object:
        manifest = real(self, min_batch)
        return msgspec.structs.replace(manifest, policy=msgspec.structs.replace(manifest.policy, grace_seconds=60))

    monkeypatch.setattr(Simulator, "_manifest", with_grace)
    simulator = Simulator().reach("open")
    served = Served(simulator)
    clock = Clock(CLOSES + 59)
    witness = witness_of(served, tmp_path, clock=clock)
    cast(served, 0)
    assert asked(served, witness) == 200
    clock.now += 1
    cast(served, 1)
    assert asked(served, witness) == 503
    witness.close()


def test_another_auditors_cosignature_in_time_shows_that_it_was_there(served: Served, tmp_path: Path) -> None:
    served.notes.clear()
    cast(served, 1)
    simulator = served.simulator
    size = len(simulator.view.ballot)
    for time, status in ((CLOSES, 503), (CLOSES - 1, 200)):
        simulator.time = time
        note = simulator.checkpoint("ballot", size, auditors=["auditor/2"])
        served.notes["ballot", size] = SignedCheckpoint.parse(note).note
        witness = witness_of(served, tmp_path / str(time), clock=Clock(CLOSES + 100))
        assert asked(served, witness) == status
        witness.close()


def test_its_own_line_shows_nothing(served: Served, tmp_path: Path) -> None:
    simulator = served.simulator
    simulator.time = CLOSES - 1
    size = len(simulator.view.ballot)
    served.notes["ballot", size] = SignedCheckpoint.parse(
        simulator.checkpoint("ballot", size, auditors=["auditor/1"])
    ).note
    witness = witness_of(served, tmp_path, clock=Clock(CLOSES))
    assert asked(served, witness) == 503
    witness.close()


def test_the_auditors_people_may_admit_with_a_reason(served: Served, tmp_path: Path) -> None:
    served.notes.clear()
    cast(served, 1)
    witness = witness_of(served, tmp_path, clock=Clock(CLOSES))
    size = len(served.simulator.view.ballot)
    assert asked(served, witness) == 503
    witness.ground.store.note_in_time(InTime("admitted", size, CLOSES, "the line was down"))
    assert asked(served, witness) == 200
    cast(served, 2)
    assert asked(served, witness) == 503
    assert [noted.text for noted in witness.ground.store.in_time()] == ["the line was down"]
    witness.close()


def test_blocks_and_the_close_are_no_ballots(served: Served, tmp_path: Path) -> None:
    clock = Clock(CLOSES - 1)
    witness = witness_of(served, tmp_path, clock=clock)
    witness.round()
    clock.now = CLOSES
    simulator = served.simulator
    assert asked(served, witness) == 200
    from vemre.records import vote_bodies as v

    assert simulator.view.context is not None
    voter = simulator.voters[3]
    block = v.Block(simulator.view.context.hex(), voter.urn, voter.key.public.hex(), "post")
    simulator.append("ballot", "registry", drafts.Draft(block))
    assert asked(served, witness) == 200
    simulator.append("ballot", "ballot-box", drafts.close(simulator.view, now=CLOSES, late=0))
    assert asked(served, witness) == 200
    witness.close()


def test_posting_keeps_to_it_too(served: Served, tmp_path: Path) -> None:
    clock = Clock(CLOSES)
    served.notes.clear()
    witness = witness_of(served, tmp_path, clock=clock, post=True)
    witness.round()
    assert served.cosigners("tally") == {"auditor/1"}
    assert served.cosigners("ballot") == set()
    witness.close()
