"""A mixer: its turn, standing in for one that does not come, the same bytes after a crash, no secret left behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served_tally import TallyUnderTest, open_key
from simulator import VOTES, Simulator

from tally import mixer_core
from tally.mixer_core import MixerState
from vemre.checks import Check
from vemre.election.rules import engine, mixing
from vemre.errors import CheckFailed, KeyFileError, Refused, VemreError
from vemre.records import bundle
from vemre.records.vote_bodies import Shuffle

Start = Callable[[Simulator], TallyUnderTest]


def fresh(sim: Simulator, role: str) -> MixerState:
    return MixerState.from_secrets(role, {"sign": sim.keys[role].seed().hex()})


def mix(sim: Simulator, state: MixerState, **options: Any) -> Shuffle:
    """The next batch of a mixer, logged."""
    act = mixer_core.next_act(sim.view, state, **options)
    assert act is not None
    data = mixer_core.perform(sim.view, state, act, sim.checkpoint("tally"), os.urandom)
    submission = bundle.decode(data)
    sim.put(list(submission.blobs.values()))
    sim.admit("tally", submission.record)
    assert isinstance(submission.record.body, Shuffle)
    return submission.record.body


def due(sim: Simulator, role: str, **options: Any) -> int:
    return len(mixer_core.due_acts(sim.view, fresh(sim, role), **options))


def test_each_takes_what_the_one_before_put_out() -> None:
    sim = Simulator().reach("close")
    assert (due(sim, "mixer/1"), due(sim, "mixer/2")) == (3, 0)
    first = mix(sim, fresh(sim, "mixer/1"))
    assert (due(sim, "mixer/1"), due(sim, "mixer/2")) == (2, 1)
    mix(sim, fresh(sim, "mixer/2"))
    assert mixing.mixers_of(sim.view)[first.urn, first.contest] == ["mixer/1", "mixer/2"]
    assert (due(sim, "mixer/1"), due(sim, "mixer/2")) == (2, 0)
    engine.verify(sim.view)


def test_a_spare_mixer_stands_in_only_when_told() -> None:
    sim = Simulator(mixers=3).reach("close")
    assert due(sim, "mixer/3") == due(sim, "mixer/2") == 0
    # The first does not come; the third takes its batch, and the second follows.
    mix(sim, fresh(sim, "mixer/3"), stand_in=True)
    mix(sim, fresh(sim, "mixer/2"))
    assert next(iter(mixing.mixers_of(sim.view).values())) == ["mixer/3", "mixer/2"]
    # Enough: nobody mixes the batch once more, asked or not.
    assert (due(sim, "mixer/1"), due(sim, "mixer/1", stand_in=True)) == (2, 2)
    assert due(sim, "mixer/3", stand_in=True) == 2


def test_fewer_than_two_rows_pass_through() -> None:
    votes = [VOTES[0], ("urna-09", None), ("urna-17", None)]
    sim = Simulator(votes=votes).reach("close")
    state = fresh(sim, "mixer/1")
    sources = mixing.last_outputs(sim.view)
    for _ in range(3):
        body = mix(sim, state)
        assert (body.proof, body.output) == (None, sources[body.urn, body.contest])


def test_nothing_is_due_before_the_list_or_once_decryption_began() -> None:
    assert due(Simulator().reach("cast"), "mixer/1") == 0
    sim = Simulator().reach("decrypted")
    assert due(sim, "mixer/1", stand_in=True) == 0
    assert mixer_core.finished(sim.view, fresh(sim, "mixer/2"))
    act = mixer_core.Act("shuffle", batch=sim.view.batches[0])
    with pytest.raises(VemreError) as caught:
        mixer_core.perform(sim.view, fresh(sim, "mixer/1"), act, sim.checkpoint("tally"), os.urandom)
    assert isinstance(caught.value, CheckFailed)
    assert caught.value.check is Check.ORDER


def test_finished_when_its_batches_are_done() -> None:
    sim = Simulator(mixers=3).reach("close")
    state = fresh(sim, "mixer/1")
    assert not mixer_core.finished(sim.view, state)
    for _ in range(3):
        mix(sim, state)
    assert mixer_core.finished(sim.view, state)
    assert not mixer_core.finished(sim.view, fresh(sim, "mixer/2"))


def test_the_gate_must_cover_the_previous_output() -> None:
    sim = Simulator().reach("close")
    before = sim.checkpoint("tally", len(sim.view.tally) - 1)
    state = fresh(sim, "mixer/1")
    act = mixer_core.next_act(sim.view, state)
    assert act is not None
    for gate in (before, sim.checkpoint("tally", auditors=["auditor/1"])):
        with pytest.raises(CheckFailed) as caught:
            mixer_core.perform(sim.view, state, act, gate, os.urandom)
        assert caught.value.check is Check.GATE


def test_the_key_serves_one_manifest_and_one_that_names_it() -> None:
    sim, other = Simulator().reach("close"), Simulator()
    state = fresh(sim, "mixer/1")
    mix(sim, state)
    with pytest.raises(Refused, match="other-election"):
        mixer_core.due_acts(other.view, state)
    with pytest.raises(Refused, match="not-in-manifest"):
        mixer_core.due_acts(other.view, fresh(sim, "mixer/1"))
    with pytest.raises(KeyFileError):
        MixerState.from_secrets("mixer/1", {"sign": "zz"})


def test_over_http_the_same_bytes_go_out_again_after_a_crash(start: Start, tmp_path: Path) -> None:
    sim = Simulator().reach("close")
    tally = start(sim)
    tally.cosign()
    work = tally.mixer("mixer/1")
    sent: list[bytes] = []

    def lost(role: str, act: object, data: bytes) -> None:
        sent.append(data)
        raise OSError("the network is gone")

    work.outlet.hand_over = lost  # type: ignore[method-assign]
    with pytest.raises(OSError, match="gone"):
        work.step()
    assert tally.mixer("mixer/1").step() is not None
    assert tally.entries()[-1].entry == bundle.decode(sent[0]).record.entry
    # Nothing of the permutation is kept: key, digests, and the public bytes themselves.
    assert set(open_key(sim, tmp_path, "mixer/1").key.secret) == {"acts", "election", "sign"}


def test_a_prepared_shuffle_of_another_input_is_not_sent(start: Start) -> None:
    """While it was away, a spare took its place."""
    sim = Simulator(mixers=3).reach("close")
    tally = start(sim)
    tally.cosign()
    work = tally.mixer("mixer/2", stand_in=True)

    def lost(role: str, act: object, data: bytes) -> None:
        raise OSError("the network is gone")

    work.outlet.hand_over = lost  # type: ignore[method-assign]
    with pytest.raises(OSError, match="gone"):
        work.step()
    assert tally.mixer("mixer/1").step() is not None
    tally.cosign()
    assert tally.mixer("mixer/2").step() is not None
    tally.pull()
    assert next(iter(mixing.mixers_of(sim.view).values())) == ["mixer/1", "mixer/2"]
    engine.verify(sim.view)
