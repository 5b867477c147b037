"""What is due from a trustee in key generation, given the tally log as it stands.

The caller has verified the view (`vemre.election.rules.engine`) at a state that it trusts, and has stored the dealing
in its key file before it sends anything. Source: protocol, section 5.1.
"""

from __future__ import annotations

from vemre.crypto.boxes import BoxKey
from vemre.election.dkg import Ceremony, Dealing, KeyShare, Received, receive
from vemre.election.rules import keygen
from vemre.election.rules.keygen import Attempt
from vemre.election.rules.view import View, role_number
from vemre.errors import Refused
from vemre.records import setup_bodies as s


def ceremony(view: View, attempt: int) -> Ceremony:
    """The public part of an attempt."""
    trustees = view.manifest.trustees
    return Ceremony(
        attempt=attempt,
        context=keygen.dkg_context(view.manifest_digest, attempt),
        threshold=trustees.threshold,
        boxes=tuple(bytes.fromhex(member.box) for member in trustees.members),
    )


def is_void(view: View, attempt: Attempt) -> bool:
    """Whether a wrong answer stands in the attempt, so that no key comes of it. (One that never comes is for the
    authority to declare.)"""
    return any(
        not keygen.answer_holds(view, attempt, complainer, accused, answer)
        for (complainer, accused), answer in attempt.answers.items()
    )


DkgMessage = s.DkgCommit | s.DkgReveal | s.DkgShares | s.DkgAck | s.DkgComplaint | s.DkgAnswer


def due(view: View, dealing: Dealing, box_key: BoxKey) -> DkgMessage | None:
    """The next message that this trustee owes its attempt, or None while it waits, is done, or the attempt is over.

    It reveals only after every commitment stands, and acknowledges only when its own shares fit and no complaint is
    open. Raises Refused("key-state-lost") where the log has messages of this trustee that are not the dealing's.
    """
    found = keygen.attempts(view)
    if len(found) < dealing.attempt:
        return dealing.commit if dealing.attempt == len(found) + 1 else None
    if len(found) > dealing.attempt:
        return None
    attempt, me = found[-1], f"trustee/{dealing.trustee}"
    members = {member.id for member in view.manifest.trustees.members}
    _check_mine(attempt, me, dealing)
    if me not in attempt.commits:
        return dealing.commit
    if me not in attempt.reveals:
        return dealing.reveal if set(attempt.commits) == members else None
    if me not in attempt.shares:
        return dealing.shares if set(attempt.reveals) == members else None
    if set(attempt.shares) != members or is_void(view, attempt):
        return None
    return _close(view, attempt, dealing, box_key)


def _close(view: View, attempt: Attempt, dealing: Dealing, box_key: BoxKey) -> DkgMessage | None:
    """Answers first, then complaints, then the acknowledgement."""
    me = f"trustee/{dealing.trustee}"
    for complainer, accused in attempt.complaints:
        if accused == me and (complainer, me) not in attempt.answers:
            return dealing.answer(role_number(complainer))
    if me in attempt.acks:
        return None
    for dealer in received(view, attempt, dealing.trustee, box_key).accused:
        if (me, f"trustee/{dealer}") not in attempt.complaints:
            return s.DkgComplaint(attempt.number, f"trustee/{dealer}")
    if set(attempt.complaints) != set(attempt.answers):
        return None
    leaves = [record.leaf_hash for _, record in attempt.records if record.type != "dkg-ack"]
    return s.DkgAck(attempt.number, keygen.transcript_digest(leaves).hex())


def received(view: View, attempt: Attempt, trustee: int, box_key: BoxKey) -> Received:
    """The shares that all dealers sent to one trustee, answers to its complaints included."""
    me = f"trustee/{trustee}"
    return receive(
        view.group,
        ceremony(view, attempt.number),
        trustee,
        box_key,
        commitments={
            role_number(record.signer): keygen.commitments(view, index, record)
            for index, record in attempt.at("dkg-reveal")
        },
        shares={role_number(dealer): shares for dealer, shares in attempt.shares.items()},
        answers={
            role_number(accused): answer
            for (complainer, accused), answer in attempt.answers.items()
            if complainer == me
        },
    )


def key_share(view: View, trustee: int, box_key: BoxKey) -> KeyShare:
    """The trustee's share of the key of the last attempt, once all have acknowledged. It is checked against X_k.

    Raises Refused("key-not-complete") before.
    """
    found, key = keygen.attempts(view), keygen.joint_key(view)
    if key is None or len(found[-1].acks) < len(view.manifest.trustees.members) or is_void(view, found[-1]):
        raise Refused("key-not-complete")
    mine = received(view, found[-1], trustee, box_key)
    if mine.accused:
        raise Refused("key-not-complete")
    share = KeyShare.combine(ceremony(view, key.attempt), trustee, mine)
    if not share.belongs_to(view.group, key.verification.slice(trustee - 1, trustee)):
        raise Refused("key-not-complete")
    return share


def _check_mine(attempt: Attempt, me: str, dealing: Dealing) -> None:
    """Whatever stands in the log under this trustee's name is what its key file holds."""
    logged = (attempt.commits.get(me), attempt.reveals.get(me), attempt.shares.get(me))
    for found, expected in zip(logged, (dealing.commit, dealing.reveal, dealing.shares), strict=True):
        if found is not None and found != expected:
            raise Refused("key-state-lost", role=me)
