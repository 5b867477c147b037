"""A trustee's part in key generation, step by step, and what its key file holds."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass
from hashlib import sha512

import msgspec
import pytest
from simulator import GROUP, Simulator

from vemre.crypto import canonical
from vemre.crypto.boxes import BoxInvalid, BoxKey
from vemre.election import canary, dkg_steps, drafts
from vemre.election.blocks import decode_blocks
from vemre.election.dkg import Ceremony, Dealing, KeyShare, Received, deal
from vemre.election.drill import drill_share
from vemre.election.rules import keygen
from vemre.errors import KeyFileError, Refused
from vemre.proofs.threshold import lagrange_at_zero
from vemre.records import setup_bodies as s


@dataclass
class Custodian:
    """A trustee's machine."""

    role: str
    number: int
    box: BoxKey
    dealing: Dealing


def custodians(election: Simulator, attempt: int = 1) -> list[Custodian]:
    ceremony = dkg_steps.ceremony(election.view, attempt)
    return [
        Custodian(role, k, election.box_keys[role], deal(GROUP, os.urandom, ceremony, k, election.box_keys[role]))
        for k, role in enumerate(election.trustees, 1)
    ]


def step(election: Simulator, custodian: Custodian) -> str | None:
    """One act that is due, into the log."""
    body = dkg_steps.due(election.view, custodian.dealing, custodian.box)
    if body is None:
        return None
    return election.append("tally", custodian.role, drafts.Draft(body)).type


def run(election: Simulator, everybody: list[Custodian]) -> list[str]:
    """Rounds until nobody owes anything; the acts, in order."""
    acts: list[str] = []
    while True:
        done = [act for custodian in everybody if (act := step(election, custodian))]
        if not done:
            return acts
        acts += done


def test_the_ceremony_ends_with_a_key_that_any_two_can_use() -> None:
    election = Simulator()
    everybody = custodians(election)
    acts = run(election, everybody)
    assert acts == ["dkg-commit"] * 3 + ["dkg-reveal"] * 3 + ["dkg-shares"] * 3 + ["dkg-ack"] * 3
    key = keygen.joint_key(election.view)
    assert key is not None
    shares = [dkg_steps.key_share(election.view, c.number, c.box) for c in everybody]
    for share in shares:
        assert share.belongs_to(GROUP, key.verification.slice(share.trustee - 1, share.trustee))
    for chosen in (shares[:2], shares[1:], shares[::2], shares):
        weights = lagrange_at_zero([share.trustee for share in chosen])
        secret = sum(weight * share.secret() for weight, share in zip(weights, chosen, strict=True))
        assert GROUP.base_mul(GROUP.scalars([secret])).encode() == key.joint.encode()


def test_drill() -> None:
    election = Simulator()
    everybody = custodians(election)
    run(election, everybody)
    key = keygen.joint_key(election.view)
    assert key is not None
    shares = [dkg_steps.key_share(election.view, c.number, c.box) for c in everybody]
    made = [drill_share(GROUP, os.urandom, key, share, 1) for share in shares]
    election.append("tally", "tally", drafts.Draft(s.Drill(1, made)))
    found = canary.canary(GROUP, key.context, 1, key.joint)
    decoded = {k: GROUP.decode(bytes.fromhex(share.share)) for k, share in enumerate(made, 1)}
    assert canary.decrypts(GROUP, found, decoded)
    assert canary.decrypts(GROUP, found, {k: decoded[k] for k in (1, 3)})
    assert not canary.decrypts(GROUP, found, {1: decoded[1]})
    second = canary.canary(GROUP, key.context, 2, key.joint)
    assert second.block != found.block
    assert not canary.decrypts(GROUP, second, decoded)


def test_canary_is_that_of_the_specification() -> None:
    joint = GROUP.base_mul(GROUP.scalars([7]))
    found = canary.canary(GROUP, b"c" * 32, 258, joint)
    assert found.block == sha512(b"VEMRE-1/drill-canary" + b"c" * 32 + b"\0\0\1\2").digest()[:30]
    r = GROUP.reduce_scalars(sha512(b"VEMRE-1/drill-r" + b"c" * 32 + b"\0\0\1\2").digest())
    assert found.a.encode() == GROUP.base_mul(r).encode()
    assert decode_blocks(GROUP, (found.b - GROUP.mul_by_one(found.a, 7)).encode()) == [found.block]


def test_nobody_reveals_before_everybody_has_committed() -> None:
    election = Simulator()
    first, second, third = custodians(election)
    assert step(election, first) == "dkg-commit"
    assert step(election, first) is None
    assert step(election, second) == "dkg-commit"
    assert step(election, first) is None
    assert step(election, third) == "dkg-commit"
    assert step(election, first) == "dkg-reveal"
    assert step(election, first) is None


def test_a_machine_that_stopped_sends_the_same_bytes() -> None:
    election = Simulator()
    before = custodians(election)[0]
    stored = canonical.decode(canonical.encode(before.dealing.secrets()), limit=1 << 16)
    after = Dealing.from_secrets(stored)
    assert (after.commit, after.reveal, after.shares) == (
        before.dealing.commit,
        before.dealing.reveal,
        before.dealing.shares,
    )
    assert [after.share(k) for k in range(1, 4)] == [before.dealing.share(k) for k in range(1, 4)]
    assert after.answer(2) == before.dealing.answer(2)


def test_another_state_than_the_logs_is_refused() -> None:
    """A second dealing would reveal against a commitment that was not its own."""
    election = Simulator()
    first, second, third = custodians(election)
    for custodian in (first, second, third):
        step(election, custodian)
    fresh = custodians(election)[0]
    with pytest.raises(Refused) as caught:
        dkg_steps.due(election.view, fresh.dealing, fresh.box)
    assert caught.value.code == "key-state-lost"


def test_there_is_no_share_before_all_have_acknowledged() -> None:
    election = Simulator()
    everybody = custodians(election)
    for _ in range(3):
        for custodian in everybody:
            step(election, custodian)
    step(election, everybody[0])
    with pytest.raises(Refused, match="key-not-complete"):
        dkg_steps.key_share(election.view, 1, everybody[0].box)


def test_a_dealing_of_another_attempt_owes_nothing() -> None:
    election = Simulator()
    first, *_ = custodians(election)
    third = custodians(election, attempt=3)[0]
    assert dkg_steps.due(election.view, third.dealing, third.box) is None
    step(election, first)
    second = custodians(election, attempt=2)[0]
    assert dkg_steps.due(election.view, second.dealing, second.box) == second.dealing.commit
    step(election, second)
    assert dkg_steps.due(election.view, first.dealing, first.box) is None


# --- the parts ---


def test_a_wrong_box_key_of_a_member_is_found_when_dealing() -> None:
    key = BoxKey.generate(os.urandom)
    ceremony = Ceremony(1, bytes(32), 2, (key.public, bytes(32)))
    with pytest.raises(BoxInvalid):
        deal(GROUP, os.urandom, ceremony, 1, key)


def test_a_key_share_takes_all_dealers() -> None:
    ceremony = Ceremony(1, bytes(32), 2, (bytes(32), bytes(32)))
    assert KeyShare.combine(ceremony, 1, Received({1: 3, 2: 4}, ())).secret() == 7
    for received in (Received({1: 3}, ()), Received({1: 3, 2: 4}, (2,))):
        with pytest.raises(ValueError, match="all dealers"):
            KeyShare.combine(ceremony, 1, received)


def test_key_share_in_the_key_file() -> None:
    share = KeyShare(2, 3, 12345)
    again = KeyShare.from_secrets(canonical.decode(canonical.encode(share.secrets()), limit=1 << 10))
    assert (again.attempt, again.trustee, again.secret(), again.role) == (2, 3, 12345, "trustee/3")
    assert not share.belongs_to(GROUP, GROUP.generator())


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"attempt": 1, "trustee": 1, "share": "00"},
        {"attempt": 1, "trustee": 1, "share": "ff" * 32},
        {"attempt": 1, "trustee": 1, "share": 1},
        {"attempt": "1", "trustee": 1, "share": "00" * 32},
        {"attempt": 1, "trustee": True, "share": "00" * 32},
    ],
    ids=str,
)
def test_damaged_key_shares(value: dict[str, object]) -> None:
    with pytest.raises(KeyFileError):
        KeyShare.from_secrets(value)


def test_damaged_dealings() -> None:
    key = BoxKey.generate(os.urandom)
    good = deal(GROUP, os.urandom, Ceremony(1, bytes(32), 2, (key.public,)), 1, key).secrets()
    other = msgspec.to_builtins(s.DkgShares(2, []))
    for change in (
        {"coefficients": ["ff" * 32]},
        {"coefficients": 3},
        {"coefficients": ["zz"]},
        {"reveal": {}},
        {"shares": other},
        {"trustee": "1"},
    ):
        with pytest.raises(KeyFileError):
            Dealing.from_secrets({**good, **change})
    with pytest.raises(KeyFileError):
        Dealing.from_secrets({})


def test_no_secret_shows_or_travels() -> None:
    key = BoxKey.generate(os.urandom)
    dealing = deal(GROUP, os.urandom, Ceremony(1, bytes(32), 2, (key.public,)), 1, key)
    share = KeyShare(1, 1, 99)
    received = Received({1: 424242}, ())
    assert repr(dealing) == "Dealing(trustee=1, attempt=1)"
    assert repr(share) == "KeyShare(trustee=1, attempt=1)"
    assert "424242" not in repr(received)
    for secret in (dealing, share):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(secret)
