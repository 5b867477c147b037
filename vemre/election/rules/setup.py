"""Drills, setup, the system's own opinions, and the fields that the context binds.

Source: protocol, sections 5.3 to 5.5, and appendix E, items 5, 7 and 8.
"""

from __future__ import annotations

import hashlib
from functools import partial

from vemre.checks import Check
from vemre.election.canary import canary_base
from vemre.election.rules import cited
from vemre.election.rules.keygen import JointKey, attempts, joint_key
from vemre.election.rules.view import View, role_number
from vemre.errors import CheckFailed
from vemre.group import Elements
from vemre.proofs import decryption
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import Equality
from vemre.types import LOG_NAMES

DRILL_NAME = "drill"
"""Stands for urn and contest in the transcript of a drill."""


def drill_context(dkg_context: bytes, number: int) -> bytes:
    """SHA-256("VEMRE-1/drill" || dkg context || u32be(number))."""
    return hashlib.sha256(b"VEMRE-1/drill" + dkg_context + number.to_bytes(4, "big")).digest()


def drill_base(view: View, dkg_context: bytes, number: int) -> Elements:
    """a = rG of the canary, which everyone computes alone."""
    return canary_base(view.group, dkg_context, number)


def equality(proof: Equality) -> decryption.Proof:
    """A proof as it stands in a record, as bytes."""
    return decryption.Proof(*map(bytes.fromhex, (proof.t1, proof.t2, proof.response)))


def check_drills(view: View) -> bool:
    """[DRILL]: numbers run on; valid shares of at least t trustees, of all n in one drill before `setup`."""
    setup_index = view.setup_index
    members = [member.id for member in view.manifest.trustees.members]
    complete = False
    number = 0
    for number, (index, record, drill) in enumerate(view.tally.of(s.Drill), start=1):
        where = view.tally.where(index)
        key = joint_key(view)
        trustees = [share.trustee for share in drill.shares]
        if drill.number != number:
            problem = f"drill {drill.number} where number {number} follows"
        elif key is None or not _acknowledged(view, index, members):
            problem = "a drill before all trustees have acknowledged the key"
        elif len(set(trustees)) != len(trustees) or not set(trustees) <= set(members):
            problem = "a share twice, or of nobody"
        elif len(trustees) < view.manifest.trustees.threshold:
            problem = "fewer shares than the threshold"
        else:
            view.memo.once(
                ("drill", key.context, record.leaf_hash),
                partial(_check_drill, view, key, drill, where),
            )
            if len(trustees) == len(members) and (setup_index is None or index < setup_index):
                complete = True
            continue
        raise CheckFailed(Check.DRILL, problem, where=where, party="tally")
    if setup_index is not None and not complete:
        problem = "no drill with shares of all trustees before the setup"
        raise CheckFailed(Check.DRILL, problem, where=view.tally.where(setup_index), party="tally")
    return number > 0


def _acknowledged(view: View, before: int, members: list[str]) -> bool:
    """Whether all trustees have acknowledged the last attempt before an index: an attempt may still fail until then,
    and a drill of a failed attempt would spoil the log for good."""
    acknowledged = {record.signer for index, record in attempts(view)[-1].at("dkg-ack") if index < before}
    return acknowledged == set(members)


def _check_drill(view: View, key: JointKey, drill: s.Drill, where: str) -> bool:
    base = drill_base(view, key.context, drill.number)
    for share in drill.shares:
        trustee = role_number(share.trustee)
        try:
            shares = view.group.decode(bytes.fromhex(share.share))
            statement = decryption.Statement(
                context=drill_context(key.context, drill.number),
                urn=DRILL_NAME,
                contest=DRILL_NAME,
                trustee=trustee,
                verification_key=key.verification.slice(trustee - 1, trustee),
                bases=base,
                shares=shares,
            )
            decryption.verify(view.group, view.random, statement, equality(share.proof))
        except CheckFailed as failure:
            check = Check.DRILL if failure.check is Check.DECRYPT_PROOF else failure.check
            raise CheckFailed(check, failure.detail, where=where, party=share.trustee) from None
    return True


def check_setup(view: View) -> bool:
    """[SETUP]: digest, attempt, roll, Y and all X_k are those that follow from the logs; `open` names this setup."""
    index, setup = view.setup_index, view.setup
    if setup is None or index is None:
        return False
    key = joint_key(view)
    roll = view.registry.first("roll")
    assert roll is not None  # ORDER has passed
    verification = key.verification.encode().hex() if key else ""
    requirements = (
        (setup.manifest_digest == view.manifest_digest.hex(), "the manifest's digest"),
        (key is not None and setup.attempt == key.attempt, "the attempt"),
        (setup.roll == view.registry.records[roll].leaf_hash.hex(), "the roll"),
        (key is not None and setup.joint_key == key.joint.encode().hex(), "the joint key"),
        ("".join(setup.verification_keys) == verification, "the verification keys"),
    )
    for holds, what in requirements:
        if not holds:
            problem = f"{what} in the setup is not what the logs give"
            raise CheckFailed(Check.SETUP, problem, where=view.tally.where(index), party="authority")
    opening = view.open
    if opening is not None and opening.setup != view.tally.records[index].leaf_hash.hex():
        raise CheckFailed(Check.SETUP, "the opening names another setup", where="ballot/0", party="authority")
    return True


def check_system_opinions(view: View) -> bool:
    """[SYSTEM-TWO]: `open` names favourable last opinions of two auditors over the setup's release."""
    opening, setup = view.open, view.setup
    if opening is None or setup is None:
        return False
    size = cited.opened(view, view.ballot.records[0], "tally", "tally").size
    last: dict[str, int] = {}
    for index in view.tally.indices("system-opinion"):
        if index < size:
            last[view.tally.records[index].signer] = index
    auditors: set[str] = set()
    for leaf in opening.opinions:
        place = view.tally.find(bytes.fromhex(leaf))
        body = None if place is None else view.tally.records[place].body
        if place is None or not isinstance(body, s.SystemOpinion) or place >= size:
            _system(f"the opening names an opinion that does not stand before it: {leaf}")
            continue
        signer = view.tally.records[place].signer
        # By leaf hash, not by place: the very same entry may stand in the log twice.
        if view.tally.records[last[signer]].leaf_hash.hex() != leaf:
            _system(f"the opening names an opinion of {signer} that is not its last")
        if body.verdict != "favourable":
            _system(f"the opening names an unfavourable opinion of {signer}")
        if body.release != setup.release:
            _system(f"the opinion of {signer} is about another release")
        if signer in auditors:
            _system(f"the opening names {signer} twice")
        auditors.add(signer)
    if len(auditors) < view.anchors.quorum:
        _system(f"the opening names opinions of {len(auditors)} auditors, {view.anchors.quorum} are needed")
    return True


def _system(problem: str) -> None:
    raise CheckFailed(Check.SYSTEM_TWO, problem, where="ballot/0", party="authority")


def check_context(view: View) -> bool:
    """[CONTEXT]: every `context` field, of ballots excepted, is the setup's."""
    context = view.context
    seen = False
    for name in LOG_NAMES:
        log = view.logs[name]
        for index, record in enumerate(log.records):
            stated = getattr(record.body, "context", None)
            if stated is None or record.type == "ballot":
                continue
            seen = True
            if context is None or stated != context.hex():
                raise CheckFailed(
                    Check.CONTEXT, "the context is not the setup's", where=log.where(index), party=record.signer
                )
    return seen


def check_rows(view: View) -> bool:
    """[ROWS]: every `rows` field is the number of the urn's ballots, for a contest that the urn has.

    Where the ballot box itself counts otherwise than its log, either number passes here, so that CLOSE-COUNT, which
    follows, names the ballot box and not whoever relied on it.
    """
    close = view.close
    if view.tally_input is None or close is None:
        return False
    ballots = view.ballots_by_urn()
    closed = {count.urn: count.ballots for count in close.counts}
    rows = {(urn, contest): {ballots[urn], closed.get(urn, ballots[urn])} for urn, contest in view.batches}
    for batch in view.tally_input.batches:
        _check_rows(view, view.tally.first("tally-input") or 0, rows, batch, "tally")
    for index in view.tally.indices("small-batch-decision", "shuffle", "decryption", "result-batch"):
        record = view.tally.records[index]
        body = record.body
        assert isinstance(body, v.SmallBatchDecision | v.Shuffle | v.Decryption | v.ResultBatch)
        _check_rows(view, index, rows, body, record.signer)
    return True


def _check_rows(
    view: View,
    index: int,
    rows: dict[tuple[str, str], set[int]],
    body: v.BatchInput | v.SmallBatchDecision | v.Shuffle | v.Decryption | v.ResultBatch,
    party: str,
) -> None:
    expected = rows.get((body.urn, body.contest), set())
    if body.rows not in expected:
        found = f"{body.rows} rows where the urn has {min(expected)} ballots" if expected else "no such batch"
        problem = f"{body.urn} {body.contest}: {found}"
        raise CheckFailed(Check.ROWS, problem, where=view.tally.where(index), party=party)
