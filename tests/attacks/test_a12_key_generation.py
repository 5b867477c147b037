"""A12: a trustee that cheats in key generation: rogue key, rushing, another degree, bad shares, false complaints.

Everybody else runs the honest code; what the rules refuse names the trustee, and what only a box can show is settled
by complaint and answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest
from simulator import GROUP, Simulator

from vemre.checks import Check
from vemre.crypto.boxes import BoxKey
from vemre.election import dkg_steps, drafts
from vemre.election.dkg import Dealing, deal
from vemre.election.rules import keygen
from vemre.election.rules.setup import drill_base, drill_context
from vemre.errors import CheckFailed, Refused
from vemre.params import GROUP_ORDER
from vemre.proofs import decryption, possession
from vemre.proofs.prove import decryption as prove_decryption
from vemre.proofs.prove import possession as prove_possession
from vemre.records import setup_bodies as s
from vemre.records.fields import Body, Equality, Schnorr
from vemre.records.record import body_digest

CHEAT = "trustee/3"


@dataclass
class Custodian:
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
    body = dkg_steps.due(election.view, custodian.dealing, custodian.box)
    if body is None:
        return None
    return election.append("tally", custodian.role, drafts.Draft(body)).type


def rounds(election: Simulator, everybody: list[Custodian]) -> list[tuple[str, str]]:
    """Until nobody owes anything: who did what."""
    acts: list[tuple[str, str]] = []
    while True:
        done = [(c.role, act) for c in everybody if (act := step(election, c))]
        if not done:
            return acts
        acts += done


def hexes(data: bytes) -> list[str]:
    return [data[start : start + 32].hex() for start in range(0, len(data), 32)]


def refused(election: Simulator, body: Body, check: Check, role: str = CHEAT) -> None:
    """The body is refused, and the trustee named."""
    size = len(election.view.tally)
    with pytest.raises(CheckFailed) as caught:
        election.append("tally", role, drafts.Draft(body))
    assert (caught.value.check, caught.value.party, caught.value.where) == (check, role, f"tally/{size}")
    assert len(election.view.tally) == size


def up_to(election: Simulator, stage: str, count: int) -> list[Custodian]:
    """The honest run until all `count` of a stage stand; the cheat plays along."""
    everybody = custodians(election)
    for wanted in ("dkg-commit", "dkg-reveal", "dkg-shares"):
        for number, custodian in enumerate(everybody):
            if wanted == stage and number == count:
                return everybody
            assert step(election, custodian) == wanted
        if wanted == stage:
            return everybody
    raise AssertionError(stage)


# --- rogue key ---


def rogue_reveal(election: Simulator, honest: list[Custodian]) -> s.DkgReveal:
    """A constant term that cancels the others': the joint key would be one that the cheat knows."""
    mine = GROUP.random_scalars(2, os.urandom)
    others = [GROUP.decode(bytes.fromhex(c.dealing.reveal.commitments[0])) for c in honest]
    own = GROUP.base_mul(mine)
    commitments = (own.slice(0, 1) - GROUP.concat(others).sum()).concat(own.slice(1, 2))
    statement = possession.Statement(keygen.dkg_context(election.view.manifest_digest, 1), 3, commitments)
    # The best that it can do without the logarithm: a proof for the part that it knows.
    proof = prove_possession.prove(GROUP, os.urandom, statement, mine[0])
    return s.DkgReveal(1, hexes(commitments.encode()), Schnorr(proof.commitment.hex(), proof.response.hex()))


def test_rogue_key_lacks_a_proof_of_possession() -> None:
    election = Simulator()
    honest = custodians(election)[:2]
    reveal = rogue_reveal(election, honest)
    for custodian in honest:
        step(election, custodian)
    # Even one that knows the others' reveals beforehand and commits to its own is refused.
    election.append("tally", CHEAT, drafts.Draft(s.DkgCommit(1, body_digest(reveal).hex())))
    for custodian in honest:
        step(election, custodian)
    refused(election, reveal, Check.DKG_POP)


def test_rushing_trustee_cannot_choose_after_seeing_the_others() -> None:
    election = Simulator()
    everybody = up_to(election, "dkg-reveal", 2)
    refused(election, rogue_reveal(election, everybody[:2]), Check.DKG_COMMIT)
    another = custodians(election)[2].dealing.reveal
    refused(election, another, Check.DKG_COMMIT)


def test_rushing_trustee_that_waits_with_its_commitment_sees_no_reveal() -> None:
    election = Simulator()
    first, second, third = custodians(election)
    assert [step(election, first), step(election, second)] == ["dkg-commit", "dkg-commit"]
    # Honest machines wait; a reveal too early is refused.
    assert [step(election, first), step(election, second)] == [None, None]
    refused(election, first.dealing.reveal, Check.DKG_ORDER, first.role)
    assert step(election, third) == "dkg-commit"


def test_a_proof_of_possession_is_not_another_trustees() -> None:
    """Copying a whole reveal: the proof is bound to its trustee."""
    election = Simulator()
    everybody = custodians(election)
    copied = everybody[0].dealing.reveal
    for custodian in everybody[:2]:
        step(election, custodian)
    election.append("tally", CHEAT, drafts.Draft(s.DkgCommit(1, body_digest(copied).hex())))
    for custodian in everybody[:2]:
        step(election, custodian)
    refused(election, copied, Check.DKG_POP)


# --- another degree ---


@pytest.mark.parametrize("terms", [1, 3])
def test_another_degree_is_refused(terms: int) -> None:
    """Too high: no t trustees could decrypt. Too low: fewer than t could."""
    election = Simulator()
    everybody = custodians(election)
    ceremony = ceremony_with(election, terms)
    cheat = deal(GROUP, os.urandom, ceremony, 3, everybody[2].box)
    for custodian in everybody[:2]:
        step(election, custodian)
    election.append("tally", CHEAT, drafts.Draft(cheat.commit))
    for custodian in everybody[:2]:
        step(election, custodian)
    refused(election, cheat.reveal, Check.DKG_DEGREE)


def ceremony_with(election: Simulator, threshold: int) -> dkg_steps.Ceremony:
    honest = dkg_steps.ceremony(election.view, 1)
    return dkg_steps.Ceremony(honest.attempt, honest.context, threshold, honest.boxes)


@pytest.mark.parametrize("place", [0, 1])
def test_identity_among_the_commitments_is_refused(place: int) -> None:
    election = Simulator()
    everybody = custodians(election)
    honest = everybody[2].dealing.reveal
    commitments = list(honest.commitments)
    commitments[place] = bytes(32).hex()
    reveal = msgspec.structs.replace(honest, commitments=commitments)
    for custodian in everybody[:2]:
        step(election, custodian)
    election.append("tally", CHEAT, drafts.Draft(s.DkgCommit(1, body_digest(reveal).hex())))
    for custodian in everybody[:2]:
        step(election, custodian)
    refused(election, reveal, Check.DKG_DEGREE)


# --- bad shares ---


def reboxed(election: Simulator, dealing: Dealing, to: int, share: bytes) -> s.DkgShares:
    """The cheat's shares with another one for trustee `to`."""
    box = election.box_keys[CHEAT].seal(share, election.box_keys[f"trustee/{to}"].public, os.urandom)
    shares = list(dealing.shares.shares)
    shares[to - 1] = s.BoxedShare(f"trustee/{to}", box.hex())
    return s.DkgShares(1, shares)


def with_bad_share(election: Simulator, spoil: Callable[[Dealing], bytes] | None, to: int = 1) -> list[Custodian]:
    """All shares stand; the cheat's for trustee `to` is spoiled (None: the box itself does not open)."""
    everybody = up_to(election, "dkg-shares", 2)
    dealing = everybody[2].dealing
    if spoil is None:
        shares = list(dealing.shares.shares)
        shares[to - 1] = s.BoxedShare(f"trustee/{to}", "00" * 72)
        bad = s.DkgShares(1, shares)
    else:
        bad = reboxed(election, dealing, to, spoil(dealing))
    everybody[2].dealing = Dealing(3, coefficients(dealing), dealing.reveal, bad)
    election.append("tally", CHEAT, drafts.Draft(bad))
    return everybody


def coefficients(dealing: Dealing) -> list[int]:
    """Of a line, from two of its points."""
    first, second = dealing.share(1), dealing.share(2)
    slope = (second - first) % GROUP_ORDER
    return [(first - slope) % GROUP_ORDER, slope]


def off_by_one(dealing: Dealing) -> bytes:
    return ((dealing.share(1) + 1) % GROUP_ORDER).to_bytes(32, "little")


def for_another(dealing: Dealing) -> bytes:
    return dealing.share(2).to_bytes(32, "little")


def not_reduced(dealing: Dealing) -> bytes:
    return (dealing.share(1) + GROUP_ORDER).to_bytes(32, "little")


@pytest.mark.parametrize("spoil", [off_by_one, for_another, not_reduced, None], ids=["off", "other", "big", "closed"])
def test_bad_share_is_complained_about_and_answered(spoil: Callable[[Dealing], bytes] | None) -> None:
    election = Simulator()
    everybody = with_bad_share(election, spoil)
    acts = rounds(election, everybody)
    assert acts[0] == ("trustee/1", "dkg-complaint")
    assert (CHEAT, "dkg-answer") in acts
    assert acts.index((CHEAT, "dkg-answer")) < acts.index(("trustee/1", "dkg-ack"))
    assert [record.body for _, record, _ in election.view.tally.of(s.DkgComplaint)] == [s.DkgComplaint(1, CHEAT)]
    # The answer stands in the box's place, and the key works.
    share = dkg_steps.key_share(election.view, 1, everybody[0].box)
    key = keygen.joint_key(election.view)
    assert key is not None
    assert share.belongs_to(GROUP, key.verification.slice(0, 1))


def test_wrong_answer_voids_the_attempt_and_a_new_one_succeeds() -> None:
    election = Simulator()
    everybody = with_bad_share(election, off_by_one)
    assert step(election, everybody[0]) == "dkg-complaint"
    # Whatever stands in the log: nobody acknowledges, there is no key, and a setup would name the trustee.
    lie = s.DkgAnswer(1, "trustee/1", off_by_one(everybody[2].dealing).hex())
    election.append("tally", CHEAT, drafts.Draft(lie))
    assert dkg_steps.is_void(election.view, keygen.attempts(election.view)[-1])
    assert [step(election, custodian) for custodian in everybody] == [None, None, None]
    for custodian in everybody:
        with pytest.raises(Refused, match="key-not-complete"):
            dkg_steps.key_share(election.view, custodian.number, custodian.box)
    again = custodians(election, attempt=2)
    acts = rounds(election, again)
    assert [act for _, act in acts[-3:]] == ["dkg-ack"] * 3
    assert dkg_steps.key_share(election.view, 1, again[0].box).attempt == 2
    # The dealings of the void attempt owe nothing any more.
    assert [step(election, custodian) for custodian in everybody] == [None, None, None]


def test_unanswered_complaint_keeps_everybody_waiting() -> None:
    election = Simulator()
    everybody = with_bad_share(election, off_by_one)
    assert rounds(election, everybody[:2]) == [("trustee/1", "dkg-complaint")]
    with pytest.raises(Refused, match="key-not-complete"):
        dkg_steps.key_share(election.view, 2, everybody[1].box)


def test_setup_over_a_wrong_answer_names_the_trustee() -> None:
    """Trustee 1 is fooled or in league, and all acknowledge nevertheless."""
    election = Simulator()
    everybody = with_bad_share(election, off_by_one)
    election.append("tally", "trustee/1", drafts.Draft(s.DkgComplaint(1, CHEAT)))
    lie = s.DkgAnswer(1, "trustee/1", off_by_one(everybody[2].dealing).hex())
    election.append("tally", CHEAT, drafts.Draft(lie))
    leaves = [record.leaf_hash for _, record in keygen.attempts(election.view)[-1].records]
    for role in election.trustees:
        ack = s.DkgAck(1, keygen.transcript_digest(leaves).hex())
        election.append("tally", role, drafts.Draft(ack))
    for custodian in everybody:
        election.secrets[custodian.role] = sum(c.dealing.share(custodian.number) for c in everybody) % GROUP_ORDER
    election.append("tally", "tally", drafts.Draft(election.drill(1, election.trustees)))
    election.publish_roll()
    lnere = {urn.id: sum(voter.urn == urn.id for voter in election.voters) for urn in election.offer.urns}
    draft = drafts.setup(election.view, registry=election.checkpoint("registry"), lnere=lnere, release="00" * 32)
    with pytest.raises(CheckFailed) as caught:
        election.append("tally", "authority", draft)
    assert (caught.value.check, caught.value.party) == (Check.DKG_ACK, CHEAT)


def test_false_complaint_is_answered_and_changes_nothing() -> None:
    """The cheat accuses an honest dealer; the answer shows the world one share, which the cheat had anyway."""
    election = Simulator()
    everybody = up_to(election, "dkg-shares", 3)
    election.append("tally", CHEAT, drafts.Draft(s.DkgComplaint(1, "trustee/1")))
    acts = rounds(election, everybody)
    assert acts[0] == ("trustee/1", "dkg-answer")
    assert {act for _, act in acts[1:]} == {"dkg-ack"}
    assert len(acts) == 4


@pytest.mark.parametrize("against", ["trustee/4", "authority", "trustee/0"])
def test_complaint_against_nobody_is_refused(against: str) -> None:
    election = Simulator()
    up_to(election, "dkg-shares", 3)
    refused(election, s.DkgComplaint(1, against), Check.DKG_ORDER)


def test_a_share_short_or_twice_is_refused() -> None:
    election = Simulator()
    everybody = up_to(election, "dkg-shares", 2)
    shares = list(everybody[2].dealing.shares.shares)
    refused(election, s.DkgShares(1, shares[:2]), Check.DKG_SHARES)
    refused(election, s.DkgShares(1, [*shares, shares[0]]), Check.DKG_SHARES)
    refused(election, s.DkgShares(1, [shares[0], shares[0], shares[2]]), Check.DKG_SHARES)


# --- divided views, and a share that nobody checked ---


def test_acknowledgement_of_another_view_is_refused() -> None:
    election = Simulator()
    up_to(election, "dkg-shares", 3)
    leaves = [record.leaf_hash for _, record in keygen.attempts(election.view)[-1].records]
    refused(election, s.DkgAck(1, keygen.transcript_digest(leaves[:-1]).hex()), Check.DKG_ACK)


def test_a_trustee_that_acknowledged_a_bad_share_is_found_by_the_drill() -> None:
    election = Simulator()
    everybody = up_to(election, "dkg-shares", 3)
    rounds(election, everybody)
    key = keygen.joint_key(election.view)
    assert key is not None
    base = drill_base(election.view, key.context, 1)
    shares = []
    for custodian in everybody:
        secret = dkg_steps.key_share(election.view, custodian.number, custodian.box).secret()
        secret += custodian.role == "trustee/2"
        made = prove_decryption.decrypt(GROUP, base, secret)
        k = custodian.number
        statement = decryption.Statement(
            drill_context(key.context, 1), "drill", "drill", k, key.verification.slice(k - 1, k), base, made
        )
        proof = prove_decryption.prove(GROUP, os.urandom, statement, secret)
        equality = Equality(proof.t1.hex(), proof.t2.hex(), proof.response.hex())
        shares.append(s.DrillShare(custodian.role, made.encode().hex(), equality))
    with pytest.raises(CheckFailed) as caught:
        election.append("tally", "tally", drafts.Draft(s.Drill(1, shares)))
    assert (caught.value.check, caught.value.party) == (Check.DRILL, "trustee/2")
