"""A trustee: what is due, once and never twice in two ways, and nothing for whoever cannot show a quorum."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served_tally import TallyUnderTest, key_path, open_key, write_key
from simulator import Simulator

from tally import trustee_core
from tally.acts import Act
from tally.keys import RoleFile
from tally.roles import FolderOutlet, Runner, Trustee
from tally.trustee_core import TrusteeState
from vemre.checks import Check
from vemre.crypto.signing import SigningKey
from vemre.election import drafts
from vemre.election.rules.keygen import attempts
from vemre.election.rules.view import View
from vemre.errors import CheckFailed, KeyFileError, Refused
from vemre.log.checkpoint import SignedCheckpoint
from vemre.records import bundle
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.record import parse_value

Start = Callable[[Simulator], TallyUnderTest]


def fresh(sim: Simulator, role: str) -> TrusteeState:
    """A trustee's state as its key file has it at first."""
    secret = {"sign": sim.keys[role].seed().hex(), "box": sim.box_keys[role].secret().hex()}
    return TrusteeState.from_secrets(role, secret)


def act(view: View, state: TrusteeState, **options: Any) -> Act:
    found = trustee_core.next_act(view, state, **options)
    assert found is not None
    return found


class Stick:
    """Source and outlet without any files: the simulator's own view."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.view = sim.view
        self.sent: list[bytes] = []
        self.broken = False

    def refresh(self) -> View:
        return self.view

    def gate(self, log: str, size: int = 0) -> str:
        return self.sim.checkpoint("tally")

    def given(self, role: str, acts: Any) -> set[str]:
        return set()

    def hand_over(self, role: str, act: Act, data: bytes) -> None:
        if self.broken:
            raise OSError("the stick was pulled out")
        self.sent.append(data)


def runner(sim: Simulator, folder: Path, role: str, stick: Stick) -> Runner:
    """As after a restart: everything from the key file."""
    file = open_key(sim, folder, role)
    state = TrusteeState.from_secrets(role, file.key.secret)
    return Runner(stick, file, Trustee(state), stick, os.urandom)  # type: ignore[arg-type]


# --- the state ------------------------------------------------------------------------------------------------


def test_the_state_comes_back_from_its_secrets_and_shows_none() -> None:
    sim = Simulator().reach("mixed")
    state = fresh(sim, "trustee/1")
    for found in trustee_core.due_acts(sim.view, state):
        trustee_core.perform(sim.view, state, found, sim.checkpoint("tally"), os.urandom)
    again = TrusteeState.from_secrets("trustee/1", state.secrets())
    assert again.secrets() == state.secrets()
    secrets = [state.secrets()["box"], state.secrets()["sign"], state.secrets()["share"]["share"]]
    assert not any(secret in repr(state) for secret in secrets)


@pytest.mark.parametrize(
    "damage",
    [
        {"box": "00"},
        {"box": 5},
        {"sign": None},
        {"dealings": [{}]},
        {"dealings": 5},
        {"share": {"attempt": 1}},
        {"lists": [["a"]]},
        {"acts": []},
    ],
)
def test_a_damaged_state_is_refused(damage: dict[str, Any]) -> None:
    sim = Simulator()
    with pytest.raises(KeyFileError):
        TrusteeState.from_secrets("trustee/1", {**fresh(sim, "trustee/1").secrets(), **damage})


def test_the_key_serves_one_manifest_and_only_one_that_names_it() -> None:
    sim, other = Simulator(), Simulator()
    state = fresh(sim, "trustee/1")
    trustee_core.perform(sim.view, state, act(sim.view, state), "", os.urandom)
    with pytest.raises(Refused, match="other-election"):
        trustee_core.due_acts(other.view, state)
    with pytest.raises(Refused, match="not-in-manifest"):
        trustee_core.due_acts(other.view, fresh(sim, "trustee/1"))
    # The place of another trustee is not its own, whatever the file says.
    with pytest.raises(Refused, match="not-in-manifest"):
        trustee_core.due_acts(sim.view, fresh(sim, "trustee/1").__class__("trustee/2", state.sign, state.box))


# --- key generation -------------------------------------------------------------------------------------------


def everybody(sim: Simulator) -> dict[str, TrusteeState]:
    return {role: fresh(sim, role) for role in sim.trustees}


def turn(sim: Simulator, state: TrusteeState) -> str | None:
    """The next act of one trustee, logged."""
    found = trustee_core.next_act(sim.view, state)
    if found is None or found.type == "drill-share":
        return None
    data = trustee_core.perform(sim.view, state, found, "", os.urandom)
    record = bundle.decode(data).record
    sim.admit("tally", record)
    return record.type


def rounds(sim: Simulator, states: dict[str, TrusteeState]) -> list[str]:
    found = []
    while done := [type_ for state in states.values() if (type_ := turn(sim, state))]:
        found += done
    return found


def test_key_generation_runs_in_step() -> None:
    sim = Simulator()
    states = everybody(sim)
    found = rounds(sim, states)
    assert found == [type_ for type_ in ("dkg-commit", "dkg-reveal", "dkg-shares", "dkg-ack") for _ in range(3)]
    shares = [
        parse_value(
            trustee_core.perform(sim.view, state, act(sim.view, state), "", os.urandom), s.Drill, limit=9999
        ).shares[0]
        for state in states.values()
    ]
    sim.append("tally", "tally", drafts.Draft(s.Drill(1, shares)))
    assert trustee_core.next_act(sim.view, states["trustee/1"]) is None
    assert act(sim.view, states["trustee/1"], drill=True) == Act("drill-share", 2)


def test_a_reveal_waits_for_every_commitment() -> None:
    sim = Simulator()
    states = everybody(sim)
    assert [turn(sim, states[role]) for role in ("trustee/1", "trustee/2")] == ["dkg-commit"] * 2
    assert trustee_core.next_act(sim.view, states["trustee/1"]) is None


def test_a_lost_state_is_noticed() -> None:
    sim = Simulator()
    turn(sim, fresh(sim, "trustee/1"))
    with pytest.raises(Refused, match="key-state-lost"):
        trustee_core.due_acts(sim.view, fresh(sim, "trustee/1"))


def test_the_authority_ends_an_attempt_and_a_new_one_begins() -> None:
    sim = Simulator()
    states = everybody(sim)
    for role in ("trustee/1", "trustee/2"):
        turn(sim, states[role])
    sim.append("tally", "authority", drafts.incident("dkg-void", "trustee/3 did not come", sim.time))
    assert rounds(sim, states)[-3:] == ["dkg-ack"] * 3
    assert [found.number for found in attempts(sim.view)] == [1, 2]
    # Nobody but the authority ends one.
    sim.append("tally", "tally", drafts.incident("dkg-void", "x", sim.time))
    assert act(sim.view, states["trustee/1"]).type == "drill-share"


# --- crashes --------------------------------------------------------------------------------------------------


def test_the_commitment_is_the_same_after_a_crash(tmp_path: Path) -> None:
    sim = Simulator()
    stick = Stick(sim)
    stick.broken = True
    with pytest.raises(OSError, match="pulled out"):
        runner(sim, tmp_path, "trustee/1", stick).step()
    before = open_key(sim, tmp_path, "trustee/1").key.secret
    stick.broken = False
    for _ in range(2):
        runner(sim, tmp_path, "trustee/1", stick).step()
    assert stick.sent[0] == stick.sent[1]
    assert open_key(sim, tmp_path, "trustee/1").key.secret == before


@pytest.mark.parametrize("stage", ["decryption", "drill"])
def test_the_same_bytes_go_out_again_after_a_crash(tmp_path: Path, stage: str) -> None:
    """Shares are proved with fresh randomness, so the bytes are kept."""
    sim = Simulator()
    if stage == "drill":
        sim.generate_key()
        sim.view.tally.pop()
    else:
        sim.reach("mixed")
    stick = Stick(sim)
    stick.broken = True
    with pytest.raises(OSError, match="pulled out"):
        runner(sim, tmp_path, "trustee/1", stick).step()
    stick.broken = False
    runner(sim, tmp_path, "trustee/1", stick).step()
    runner(sim, tmp_path, "trustee/1", stick).step()
    assert stick.sent[0] == stick.sent[1]


def test_nothing_leaves_where_the_key_file_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = Simulator().reach("mixed")
    stick = Stick(sim)
    work = runner(sim, tmp_path, "trustee/1", stick)

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(RoleFile, "save", full)
    with pytest.raises(OSError, match="no space"):
        work.step()
    assert stick.sent == []


def test_the_files_are_private(tmp_path: Path) -> None:
    sim = Simulator()
    runner(sim, tmp_path, "trustee/1", Stick(sim)).step()
    assert key_path(tmp_path, "trustee/1").stat().st_mode & 0o777 == 0o600


def test_a_stick_gets_every_act_once(tmp_path: Path) -> None:
    sim = Simulator().reach("mixed")
    stick, out = Stick(sim), tmp_path / "out"
    work = runner(sim, tmp_path, "trustee/2", stick)
    work.outlet = FolderOutlet(out)
    assert work.step() == Act("decryption", batch=("urna-09", "presidencia"))
    again = runner(sim, tmp_path, "trustee/2", stick)
    again.outlet = FolderOutlet(out)
    assert [found.batch for found in again.run_due()] == [("urna-09", "gubernatura"), ("urna-17", "presidencia")]
    assert sorted(path.name for path in out.iterdir()) == [
        "trustee-2.decryption.urna-09.gubernatura.vemre",
        "trustee-2.decryption.urna-09.presidencia.vemre",
        "trustee-2.decryption.urna-17.presidencia.vemre",
    ]
    for path in out.iterdir():
        sim.admit("tally", _put(sim, path.read_bytes()))


def _put(sim: Simulator, data: bytes) -> Any:
    submission = bundle.decode(data)
    sim.put(list(submission.blobs.values()))
    return submission.record


# --- decryption -----------------------------------------------------------------------------------------------


def first_decryption(sim: Simulator, state: TrusteeState, gate: str | None = None) -> bytes:
    found = act(sim.view, state)
    assert found.type == "decryption"
    return trustee_core.perform(sim.view, state, found, gate or sim.checkpoint("tally"), os.urandom)


def test_nothing_is_decrypted_before_all_batches_are_mixed() -> None:
    sim = Simulator().reach("close")
    state = fresh(sim, "trustee/1")
    for role in sim.mixers:
        gate = sim.checkpoint("tally")
        for urn, contest in sim.view.batches:
            assert trustee_core.next_act(sim.view, state) is None
            sim.append("tally", role, sim.shuffle(role, urn, contest, gate))
    assert act(sim.view, state).type == "decryption"


def test_a_small_batch_waits_for_the_authority() -> None:
    sim = Simulator(min_batch=3).reach("close")
    decision = sim.view.tally.records[-1]
    assert decision.type == "small-batch-decision"
    sim.view.tally.pop()
    sim.mix_all()
    state = fresh(sim, "trustee/1")
    batches = [found.batch for found in trustee_core.due_acts(sim.view, state)]
    assert batches == [("urna-09", "presidencia"), ("urna-09", "gubernatura")]
    # Asked for it by name, it refuses all the same, and its key has touched nothing.
    small = Act("decryption", batch=("urna-17", "presidencia"))
    with pytest.raises(CheckFailed) as caught:
        trustee_core.perform(sim.view, fresh(sim, "trustee/2"), small, sim.checkpoint("tally"), os.urandom)
    assert caught.value.check is Check.MIN_BATCH


def test_a_second_list_is_refused_and_the_first_may_be_sent_again() -> None:
    """The tally forks its log after the shares are out: mixer 1's output comes as the list, then another."""
    sim = Simulator(mixers=3).reach("mixed")
    state = fresh(sim, "trustee/1")
    first = first_decryption(sim, state)
    state = TrusteeState.from_secrets("trustee/1", state.secrets())
    found = act(sim.view, state)
    gate = sim.checkpoint("tally")
    assert trustee_core.perform(sim.view, state, found, gate, os.urandom, first) == first
    # A third mixer comes in between; the batch has another last output now.
    assert found.batch is not None
    sim.append("tally", "mixer/3", sim.shuffle("mixer/3", *found.batch, gate))
    for saved in (None, first):
        with pytest.raises(CheckFailed) as caught:
            trustee_core.perform(sim.view, state, found, sim.checkpoint("tally"), os.urandom, saved)
        assert (caught.value.check, caught.value.party) == (Check.DECRYPT_ONCE, "tally")


@pytest.mark.parametrize("auditors", [[], ["auditor/1"]])
def test_nothing_is_decrypted_without_the_quorum(auditors: list[str]) -> None:
    sim = Simulator().reach("mixed")
    state = fresh(sim, "trustee/1")
    with pytest.raises(CheckFailed) as caught:
        first_decryption(sim, state, sim.checkpoint("tally", auditors=auditors))
    assert caught.value.check is Check.GATE


def test_one_auditor_twice_is_no_quorum() -> None:
    sim = Simulator().reach("mixed")
    text = sim.checkpoint("tally", auditors=["auditor/1"])
    note = SignedCheckpoint.parse(text).note
    twice = note.encode().decode() + str(note.signatures[-1])
    with pytest.raises(CheckFailed) as caught:
        first_decryption(sim, fresh(sim, "trustee/1"), twice)
    assert caught.value.check in (Check.GATE, Check.NOTE)


def test_a_gate_that_does_not_cover_the_last_shuffle_is_refused() -> None:
    sim = Simulator().reach("mixed")
    last = len(sim.view.tally)
    with pytest.raises(CheckFailed) as caught:
        # The batch's own last shuffle is three entries before the end.
        first_decryption(sim, fresh(sim, "trustee/1"), sim.checkpoint("tally", last - 3))
    assert caught.value.check is Check.GATE


def test_a_trustee_over_http_waits_until_the_quorum_has_cosigned(start: Start) -> None:
    tally = start(Simulator().reach("mixed"))
    work = tally.trustee("trustee/1")
    with pytest.raises(Refused, match="not-cosigned-yet"):
        work.step()
    tally.cosign(["auditor/2"])
    with pytest.raises(Refused, match="not-cosigned-yet"):
        work.step()
    tally.cosign(["auditor/1"])
    assert work.step() is not None


def test_a_forged_checkpoint_stops_everything(start: Start) -> None:
    """Whoever serves the log is not believed: neither another key's checkpoint nor an altered entry."""
    sim = Simulator().reach("mixed")
    tally = start(sim)
    tally.cosign()
    work = tally.trustee("trustee/1")
    other = Simulator()
    follower = work.source.follower("tally")
    assert follower is not None
    follower.vkey = other.log_signers["tally"].vkey
    with pytest.raises(CheckFailed) as caught:
        work.step()
    assert caught.value.check is Check.NOTE


# --- attending ------------------------------------------------------------------------------------------------


def test_attending_ends_when_nothing_is_left(start: Start) -> None:
    sim = Simulator().reach("mixed")
    tally = start(sim)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        """What the others do meanwhile."""
        naps.append(seconds)
        tally.cosign()
        if len(naps) == 3:
            tally.trustee("trustee/2").run_due()
            tally.cosign()
            tally.official("results")
            tally.cosign()

    work = tally.trustee("trustee/1")
    work.sleep = nap
    work.attend(poll=1, patience=60)
    assert len(naps) >= 3
    assert sum(entry.signer == "trustee/1" and entry.type == "decryption" for entry in tally.entries()) == 3


def test_attending_gives_up_where_nothing_happens(start: Start) -> None:
    tally = start(Simulator().reach("roll"))
    tally.cosign()
    work = tally.trustee("trustee/1")
    work.sleep = lambda _: None
    with pytest.raises(Refused, match="nothing-happens"):
        work.attend(poll=1, patience=5)


def test_after_the_close_a_share_of_a_drill_is_due(start: Start) -> None:
    sim = Simulator().reach("close")
    sim.view.tally.pop()
    tally = start(sim)
    tally.cosign()
    for role in ("trustee/1", "trustee/3"):
        assert [found.name for found in tally.trustee(role).run_due()] == ["drill-share.2"]
        assert tally.trustee(role).run_due() == []
    assert tally.official("drill").json()["number"] == 2


# --- the end of the key ---------------------------------------------------------------------------------------


def test_the_key_is_destroyed_before_it_is_said(tmp_path: Path) -> None:
    sim = Simulator().reach("certified")
    stick = Stick(sim)
    stick.broken = True
    path = write_key(sim, tmp_path, "trustee/1")
    box = sim.box_keys["trustee/1"].secret().hex()
    with pytest.raises(OSError, match="pulled out"):
        runner(sim, tmp_path, "trustee/1", stick).do(sim.view, Act("destruction"))
    state = TrusteeState.from_secrets("trustee/1", open_key(sim, tmp_path, "trustee/1").key.secret)
    assert state.destroyed
    assert box not in str(state.secrets())
    assert path.exists()
    # What is left says so, with the same bytes, and then there is nothing to do.
    stick.broken = False
    again = runner(sim, tmp_path, "trustee/1", stick)
    assert again.step() == Act("destruction")
    record = bundle.decode(stick.sent[0]).record
    assert isinstance(record.body, v.Destruction)
    sim.admit("tally", record)
    assert trustee_core.due_acts(sim.view, state) == []
    assert trustee_core.finished(sim.view, state)


def test_the_key_is_not_destroyed_before_the_certification(tmp_path: Path) -> None:
    sim = Simulator().reach("counted")
    with pytest.raises(Refused, match="not-due"):
        runner(sim, tmp_path, "trustee/1", Stick(sim)).do(sim.view, Act("destruction"))
    state = TrusteeState.from_secrets("trustee/1", open_key(sim, tmp_path, "trustee/1").key.secret)
    assert not state.destroyed


def test_a_stranger_signs_nothing() -> None:
    sim = Simulator()
    state = fresh(sim, "trustee/1")
    state.sign = SigningKey.generate(os.urandom)
    with pytest.raises(Refused, match="not-in-manifest"):
        trustee_core.due_acts(sim.view, state)
