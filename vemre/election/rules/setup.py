"""Drills, setup, the system's own opinions, and the fields that the context binds.

Source: protocol, sections 5.3 to 5.5, and appendix E, items 5, 7 and 8.
"""

from __future__ import annotations

import hashlib
from functools import partial

from vemre.checks import Check
from vemre.election.canary import canary_base
from vemre.election.rules import cited
from vemre.election.rules.keygen import DKG_TYPES, JointKey, attempts, joint_key
from vemre.election.rules.view import View, role_number
from vemre.errors import CheckFailed
from vemre.group import Elements
from vemre.proofs import decryption
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import Equality
from vemre.records.kinds import KINDS
from vemre.records.record import Record
from vemre.types import LOG_NAMES

DRILL_NAME = "drill"
"""Stands for urn and contest in the transcript of a drill."""

CONTEXT_TYPES = tuple(
    kind.name for kind in KINDS.values() if "context" in kind.body.__struct_fields__ and kind.name != "ballot"
)
"""The types whose bodies name the context, ballots excepted."""

ROWS_TYPES = ("small-batch-decision", "shuffle", "decryption", "result-batch")
"""The types of an act on one batch, which states its rows."""


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
    members = [member.id for member in view.manifest.trustees.members]
    # A drill of the last attempt is one of an earlier attempt, which is refused, once another begins.
    again = any(view.new(view.tally, *DKG_TYPES))
    for index in view.tally.since(0 if again else view.settled.size("tally"), "drill"):
        number, record = view.tally.ordinal(index), view.tally.records[index]
        drill = record.body
        assert isinstance(drill, s.Drill)
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
            if not view.trusts(view.tally, index):
                view.memo.once(
                    ("drill", key.context, record.leaf_hash),
                    partial(_check_drill, view, key, drill, where),
                )
            continue
        raise CheckFailed(Check.DRILL, problem, where=where, party="tally")
    for index, _ in view.new(view.tally, "setup"):
        if not any(place < index and len(drill.shares) == len(members) for place, _, drill in view.tally.of(s.Drill)):
            problem = "no drill with shares of all trustees before the setup"
            raise CheckFailed(Check.DRILL, problem, where=view.tally.where(index), party="tally")
    return view.tally.has("drill")


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
            if failure.check is Check.DECRYPT_PROOF:
                raise CheckFailed(Check.DRILL, failure.detail, where=where, party=share.trustee) from None
            # The trustee has signed nothing here; the tally signed values that are none.
            raise failure.located(where=where, party="tally") from None
    return True


def check_setup(view: View) -> bool:
    """[SETUP]: digest, attempt, roll, Y and all X_k are those that follow from the logs; `open` names this setup."""
    for index, _, setup in view.new_of(view.tally, s.Setup):
        _check_against_logs(view, setup, view.tally.where(index))
    for index, _, opening in view.new_of(view.ballot, v.Open):
        if view.setup_index is not None and opening.setup != view.tally.records[view.setup_index].leaf_hash.hex():
            where = view.ballot.where(index)
            raise CheckFailed(Check.SETUP, "the opening names another setup", where=where, party="authority")
    return view.setup_index is not None


def _check_against_logs(view: View, setup: s.Setup, where: str) -> None:
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
            raise CheckFailed(Check.SETUP, problem, where=where, party="authority")


def check_system_opinions(view: View) -> bool:
    """[SYSTEM-TWO]: `open` names favourable last opinions of two auditors over the setup's release."""
    setup = view.setup
    if setup is None:
        return False
    for _, record, opening in view.new_of(view.ballot, v.Open):
        size = cited.opened(view, record, "tally", "tally").size
        _check_named_opinions(view, setup, opening, size)
    return view.open is not None


def _check_named_opinions(view: View, setup: s.Setup, opening: v.Open, size: int) -> None:
    """The opinions that an opening names, which cites the first `size` entries of the tally log."""
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


def _system(problem: str) -> None:
    raise CheckFailed(Check.SYSTEM_TWO, problem, where="ballot/0", party="authority")


def check_context(view: View) -> bool:
    """[CONTEXT]: every `context` field, of ballots excepted, is the setup's."""
    context = view.context
    for name in LOG_NAMES:
        log = view.logs[name]
        for index, record in view.new(log, *CONTEXT_TYPES):
            stated: str = getattr(record.body, "context", "")
            if context is None or stated != context.hex():
                raise CheckFailed(
                    Check.CONTEXT, "the context is not the setup's", where=log.where(index), party=record.signer
                )
    return any(log.has(*CONTEXT_TYPES) for log in view.logs.values())


def check_rows(view: View) -> bool:
    """[ROWS]: every `rows` field is the number of the urn's ballots, for a contest that the urn has.

    Where the ballot box itself counts otherwise than its log, either number passes here, so that CLOSE-COUNT, which
    follows, names the ballot box and not whoever relied on it.
    """
    if view.tally_input is None or view.close is None:
        return False
    for index, record in view.new(view.tally, "tally-input", *ROWS_TYPES):
        body = record.body
        assert isinstance(body, v.TallyInput | v.SmallBatchDecision | v.Shuffle | v.Decryption | v.ResultBatch)
        for batch in body.batches if isinstance(body, v.TallyInput) else [body]:
            _check_rows(view, index, batch, record.signer)
    return True


def _closed(view: View) -> dict[str, int]:
    """Ballots per urn as the close counts them."""

    def add(closed: dict[str, int], _index: int, record: Record) -> None:
        assert isinstance(record.body, v.Close)
        closed.update((count.urn, count.ballots) for count in record.body.counts)

    return view.tables.follow("closed", view.ballot, ("close",), dict[str, int], add)


def _check_rows(
    view: View,
    index: int,
    body: v.BatchInput | v.SmallBatchDecision | v.Shuffle | v.Decryption | v.ResultBatch,
    party: str,
) -> None:
    expected: set[int] = set()
    if (body.urn, body.contest) in view.memo.once(("batch-set", view.manifest.offer), lambda: set(view.batches)):
        ballots = view.ballot_counts[body.urn]
        expected = {ballots, _closed(view).get(body.urn, ballots)}
    if body.rows not in expected:
        found = f"{body.rows} rows where the urn has {min(expected)} ballots" if expected else "no such batch"
        problem = f"{body.urn} {body.contest}: {found}"
        raise CheckFailed(Check.ROWS, problem, where=view.tally.where(index), party=party)
