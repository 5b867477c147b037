"""Distributed key generation. Source: protocol, section 5.1, and appendix E, item 1."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from vemre.checks import Check
from vemre.election.rules.view import View, role_number
from vemre.errors import CheckFailed
from vemre.group import Elements
from vemre.params import GROUP_ORDER
from vemre.proofs import possession, threshold
from vemre.records import setup_bodies as s
from vemre.records.record import Record, body_digest

DKG_TYPES = ("dkg-commit", "dkg-reveal", "dkg-shares", "dkg-ack", "dkg-complaint", "dkg-answer")
_STAGE = {"dkg-commit": 0, "dkg-reveal": 1, "dkg-shares": 2, "dkg-ack": 3, "dkg-complaint": 3, "dkg-answer": 3}


@dataclass
class Attempt:
    """The records of one attempt, by trustee, with their positions in the tally log."""

    number: int
    records: list[tuple[int, Record]] = field(default_factory=list)
    commits: dict[str, s.DkgCommit] = field(default_factory=dict)
    reveals: dict[str, s.DkgReveal] = field(default_factory=dict)
    shares: dict[str, s.DkgShares] = field(default_factory=dict)
    acks: dict[str, s.DkgAck] = field(default_factory=dict)
    complaints: dict[tuple[str, str], int] = field(default_factory=dict)
    """(complainer, accused) to position."""
    answers: dict[tuple[str, str], s.DkgAnswer] = field(default_factory=dict)
    """(complainer, accused) to answer."""

    def at(self, type_: str) -> Iterator[tuple[int, Record]]:
        """The attempt's records of one type."""
        return ((index, record) for index, record in self.records if record.type == type_)


def dkg_context(manifest_digest: bytes, attempt: int) -> bytes:
    """SHA-256("VEMRE-1/dkg" || manifest_digest || u32be(attempt))."""
    return hashlib.sha256(b"VEMRE-1/dkg" + manifest_digest + attempt.to_bytes(4, "big")).digest()


def attempts(view: View) -> list[Attempt]:
    """All attempts in the log, in order, as far as they go. They grow with the log. Raises CheckFailed(DKG-ORDER)."""
    members = [member.id for member in view.manifest.trustees.members]

    def add(found: list[Attempt], index: int, record: Record) -> None:
        number: int = getattr(record.body, "attempt", 0)
        if number == len(found) + 1:
            found.append(Attempt(number))
        elif number != len(found):
            _order(view, index, record, f"attempt {number} after attempt {len(found)}")
        _admit(view, found[-1], index, record, members)

    return view.tables.follow("attempts", view.tally, DKG_TYPES, list[Attempt], add)


def _new_of(view: View, type_: str) -> Iterator[tuple[int, Record, Attempt]]:
    """(position, record, its attempt) of the records of one type that are not settled yet."""
    found = attempts(view)
    for index, record in view.new(view.tally, type_):
        number: int = getattr(record.body, "attempt", 0)
        yield index, record, found[number - 1]


def _admit(view: View, attempt: Attempt, index: int, record: Record, members: list[str]) -> None:
    """One record into its attempt: one of each by each trustee, stage after stage."""
    body, signer = record.body, record.signer
    latest = max((_STAGE[earlier.type] for _, earlier in attempt.records), default=0)
    stage = _STAGE[record.type]
    if stage < latest:
        _order(view, index, record, "stands after a record of a later stage")
    complete = (attempt.commits, attempt.reveals, attempt.shares)[:stage]
    if any(set(done) != set(members) for done in complete):
        _order(view, index, record, "the stage before it is not complete")
    if isinstance(body, s.DkgComplaint):
        if body.against not in members or (signer, body.against) in attempt.complaints:
            _order(view, index, record, "a second complaint against one dealer, or one against nobody")
        if signer in attempt.acks:
            # Whoever confirmed every share has none to complain of; and no complaint can follow a drill.
            _order(view, index, record, "complains after its own acknowledgement")
        attempt.complaints[signer, body.against] = index
    elif isinstance(body, s.DkgAnswer):
        if (body.to, signer) not in attempt.complaints or (body.to, signer) in attempt.answers:
            _order(view, index, record, "an answer without a complaint, or a second one")
        attempt.answers[body.to, signer] = body
    else:
        _admit_once(view, attempt, index, record)
    attempt.records.append((index, record))


def _admit_once(view: View, attempt: Attempt, index: int, record: Record) -> None:
    body, signer = record.body, record.signer
    table: dict[str, s.DkgCommit] | dict[str, s.DkgReveal] | dict[str, s.DkgShares] | dict[str, s.DkgAck]
    if isinstance(body, s.DkgCommit):
        table = attempt.commits
        repeated = table.setdefault(signer, body) is not body
    elif isinstance(body, s.DkgReveal):
        table = attempt.reveals
        repeated = table.setdefault(signer, body) is not body
    elif isinstance(body, s.DkgShares):
        table = attempt.shares
        repeated = table.setdefault(signer, body) is not body
    else:
        assert isinstance(body, s.DkgAck)
        repeated = attempt.acks.setdefault(signer, body) is not body
    if repeated:
        _order(view, index, record, "the trustee's second of this type")


def _order(view: View, index: int, record: Record, problem: str) -> None:
    raise CheckFailed(Check.DKG_ORDER, f"{record.type}: {problem}", where=view.tally.where(index), party=record.signer)


def check_order(view: View) -> bool:
    """[DKG-ORDER]: attempts count from 1, stage after stage, one record of each; `setup` names the last."""
    found = attempts(view)
    for index, _, setup in view.new_of(view.tally, s.Setup):
        last = found[-1]  # ORDER has passed
        members = {member.id for member in view.manifest.trustees.members}
        where = view.tally.where(index)
        if setup.attempt != last.number:
            raise CheckFailed(Check.DKG_ORDER, "setup does not name the last attempt", where=where, party="authority")
        for what, done in (("commit", last.commits), ("reveal", last.reveals), ("shares", last.shares)):
            missing = sorted(members - set(done))
            if missing:
                raise CheckFailed(Check.DKG_ORDER, f"no {what} record", where=where, party=missing[0])
    return bool(found)


def check_commit(view: View) -> bool:
    """[DKG-COMMIT]: each reveal is the one that its trustee committed to."""
    for index, record, attempt in _new_of(view, "dkg-reveal"):
        if attempt.commits[record.signer].digest != body_digest(record.body).hex():
            raise CheckFailed(
                Check.DKG_COMMIT,
                "the reveal is not the one that was committed to",
                where=view.tally.where(index),
                party=record.signer,
            )
    return view.tally.has("dkg-reveal")


def commitments(view: View, index: int, record: Record) -> Elements:
    """The decoded A_j0..A_j(t-1) of one reveal. Raises CheckFailed(ELEMENT) or CheckFailed(DKG-DEGREE)."""
    body = record.body
    assert isinstance(body, s.DkgReveal)
    where, party = view.tally.where(index), record.signer

    def decode() -> Elements:
        data = bytes.fromhex("".join(body.commitments))
        try:
            elements = view.group.decode(data, identity=True)
        except CheckFailed as failure:
            raise failure.located(where=where, party=party) from None
        threshold_ = view.manifest.trustees.threshold
        if len(body.commitments) != threshold_:
            problem = f"{len(body.commitments)} commitments for a threshold of {threshold_}"
            raise CheckFailed(Check.DKG_DEGREE, problem, where=where, party=party)
        if elements.vartime_identity_at() is not None:
            raise CheckFailed(Check.DKG_DEGREE, "a commitment is the identity", where=where, party=party)
        return elements

    return view.memo.once(("commitments", record.leaf_hash), decode)


def check_degree(view: View) -> bool:
    """[DKG-DEGREE]: exactly t commitments, none the identity."""
    for index, record in view.new(view.tally, "dkg-reveal"):
        commitments(view, index, record)
    return view.tally.has("dkg-reveal")


def check_possession(view: View) -> bool:
    """[DKG-POP]: each trustee knows the logarithm of its A_j0."""
    for index, record, attempt in _new_of(view, "dkg-reveal"):
        if view.trusts(view.tally, index):
            continue
        context = dkg_context(view.manifest_digest, attempt.number)
        body = record.body
        assert isinstance(body, s.DkgReveal)
        statement = possession.Statement(context, role_number(record.signer), commitments(view, index, record))
        proof = possession.Proof(bytes.fromhex(body.pop.commitment), bytes.fromhex(body.pop.response))
        try:
            view.memo.once(
                ("pop", context, record.leaf_hash),
                partial(possession.verify, view.group, statement, proof),
            )
        except CheckFailed as failure:
            raise failure.located(where=view.tally.where(index), party=record.signer) from None
    return view.tally.has("dkg-reveal")


def check_shares(view: View) -> bool:
    """[DKG-SHARES]: a box for every trustee, the dealer included, and none twice."""
    members = sorted(member.id for member in view.manifest.trustees.members)
    for index, record, body in view.new_of(view.tally, s.DkgShares):
        if sorted(share.to for share in body.shares) != members:
            raise CheckFailed(
                Check.DKG_SHARES,
                "not exactly one box for every trustee",
                where=view.tally.where(index),
                party=record.signer,
            )
    return view.tally.has("dkg-shares")


def transcript_digest(leaf_hashes: list[bytes]) -> bytes:
    """What an acknowledgement carries: the digest over the attempt's earlier records other than acknowledgements."""
    return hashlib.sha256(b"VEMRE-1/dkg-transcript" + b"".join(leaf_hashes)).digest()


def check_ack(view: View) -> bool:
    """[DKG-ACK]: each acknowledges the view so far; complaints are answered rightly; in the end all n acknowledge."""
    for index, record, attempt in _new_of(view, "dkg-ack"):
        assert isinstance(record.body, s.DkgAck)
        leaves = [
            earlier.leaf_hash
            for place, earlier in attempt.records
            if place < index and not isinstance(earlier.body, s.DkgAck)
        ]
        if record.body.transcript != transcript_digest(leaves).hex():
            raise CheckFailed(
                Check.DKG_ACK,
                "acknowledges another view of the attempt",
                where=view.tally.where(index),
                party=record.signer,
            )
    for index, _ in view.new(view.tally, "setup"):
        if not view.trusts(view.tally, index):
            _check_complete(view, attempts(view)[-1], view.tally.where(index))
    return view.tally.has("dkg-ack")


def _check_complete(view: View, attempt: Attempt, where: str) -> None:
    for member in view.manifest.trustees.members:
        if member.id not in attempt.acks:
            raise CheckFailed(Check.DKG_ACK, "the trustee did not acknowledge", where=where, party=member.id)
    for (complainer, accused), index in attempt.complaints.items():
        answer = attempt.answers.get((complainer, accused))
        place = view.tally.where(index)
        if answer is None:
            raise CheckFailed(Check.DKG_ACK, "a complaint was not answered", where=place, party=accused)
        if not answer_holds(view, attempt, complainer, accused, answer):
            raise CheckFailed(Check.DKG_ACK, "the answer to a complaint is wrong", where=place, party=accused)


def answer_holds(view: View, attempt: Attempt, complainer: str, accused: str, answer: s.DkgAnswer) -> bool:
    """Whether f_j(k) G = sum_m k^m A_jm for the share that an answer gives in clear."""
    group = view.group
    share = int.from_bytes(bytes.fromhex(answer.share), "little")
    if share >= GROUP_ORDER:
        return False
    index, record = next((i, r) for i, r in attempt.at("dkg-reveal") if r.signer == accused)
    expected = threshold.evaluate_commitments(group, commitments(view, index, record), role_number(complainer))
    return group.base_mul(group.scalars([share])).encode() == expected.encode()


@dataclass(frozen=True)
class JointKey:
    """Y and X_1..X_n of one attempt."""

    attempt: int
    context: bytes
    joint: Elements
    verification: Elements


def joint_key(view: View) -> JointKey | None:
    """The key of the last attempt, once all its reveals stand. Raises CheckFailed(IDENTITY) for a key without one."""
    found = attempts(view)
    count = len(view.manifest.trustees.members)
    if not found or len(found[-1].reveals) < count:
        return None
    attempt = found[-1]
    reveals = list(attempt.at("dkg-reveal"))
    key = ("joint", view.manifest_digest, attempt.number, tuple(record.leaf_hash for _, record in reveals))

    def compute() -> JointKey:
        all_commitments = [commitments(view, index, record) for index, record in reveals]
        group = view.group
        joint = group.concat([c.slice(0, 1) for c in all_commitments]).sum()
        verification = group.concat(
            [threshold.verification_key(group, all_commitments, number) for number in range(1, count + 1)]
        )
        if joint.vartime_identity_at() is not None or verification.vartime_identity_at() is not None:
            problem = "the key or a verification key is the identity"
            raise CheckFailed(Check.IDENTITY, problem, where=view.tally.where(reveals[-1][0]), party="tally")
        return JointKey(attempt.number, dkg_context(view.manifest_digest, attempt.number), joint, verification)

    return view.memo.once(key, compute)
