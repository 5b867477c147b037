"""Ballots and blocks. Source: protocol, section 7, and appendix E, item 9.

Each rule is a function of its own, so that the ballot box applies them to one ballot as it comes and a verifier to
all of them, rule after rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from vemre.checks import Check
from vemre.crypto import ed25519
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.roll import current_roll
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.proofs import ballot_pok
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.fields import parse_time
from vemre.records.record import Record
from vemre.types import Random

CHUNK = 512
"""Ballots whose proofs are checked as one equation; bounds memory."""


def contests_of(offer: s.Offer, urn: str) -> list[s.Contest] | None:
    """The contests of an urn in manifest order, or None where there is no such urn."""
    by_id = {contest.id: contest for contest in offer.contests}
    for candidate in offer.urns:
        if candidate.id == urn:
            return [by_id[contest] for contest in candidate.contests]
    return None


@dataclass
class BallotState:
    """What the acceptance of a ballot depends on, grown record by record.

    `contests` maps urns to (contest id, blocks) in manifest order; `urn_of` is the roll after all replacements.
    """

    context: bytes
    joint_key: Elements
    contests: dict[str, list[tuple[str, int]]]
    urn_of: dict[bytes, str]
    used: dict[bytes, int] = field(default_factory=dict)
    """Credentials used up by a ballot or block, with the position in the log."""
    seen: set[str] = field(default_factory=set)
    """Every a and b in the log, as hex."""

    def add(self, index: int, record: Record) -> None:
        """Take an accepted ballot or block into account."""
        self.use(index, record)
        self.see(index, record)

    def use(self, index: int, record: Record) -> None:
        """Note that the record's credential is used up."""
        body = record.body
        credential = body.credential if isinstance(body, v.Block) else record.signer
        self.used[bytes.fromhex(credential)] = index

    def see(self, _index: int, record: Record) -> None:
        """Note the points of the record."""
        if isinstance(record.body, v.Ballot):
            self.seen.update(_points(record.body))

    def forget(self, record: Record) -> None:
        """Undo `add`, or whichever part of it was done, for the record that was added last."""
        body = record.body
        credential = _credential(body.credential if isinstance(body, v.Block) else record.signer)
        if credential is not None:
            self.used.pop(credential, None)
        if isinstance(body, v.Ballot):
            self.seen.difference_update(_points(body))


def state_of(view: View) -> BallotState | None:
    """The state before the first ballot, once the setup stands."""
    key = joint_key(view)
    if view.context is None or key is None:
        return None
    contests = {
        urn.id: [(contest.id, contest.blocks) for contest in contests_of(view.offer, urn.id) or []]
        for urn in view.offer.urns
    }
    return BallotState(view.context, key.joint, contests, current_roll(view).urn_of)


# --- the rules, one ballot at a time -------------------------------------------------------------------------


def check_context(state: BallotState, record: Record) -> None:
    """[BALLOT-CONTEXT]."""
    body = record.body
    assert isinstance(body, v.Ballot)
    if body.context != state.context.hex():
        raise CheckFailed(Check.BALLOT_CONTEXT, "the ballot was made for another election or setup")


def check_eligible(state: BallotState, record: Record) -> None:
    """[BALLOT-ELIGIBLE]: the credential (of a block: the blocked one) is on the urn's roll."""
    body = record.body
    assert isinstance(body, v.Ballot | v.Block)
    credential = body.credential if isinstance(body, v.Block) else record.signer
    if _credential(credential) is None or state.urn_of.get(bytes.fromhex(credential)) != body.urn:
        raise CheckFailed(Check.BALLOT_ELIGIBLE, "the credential is not on the roll of that urn")


def check_once(state: BallotState, record: Record) -> None:
    """[BALLOT-ONCE]: a ballot or block uses the credential up; whichever is logged first wins."""
    body = record.body
    credential = body.credential if isinstance(body, v.Block) else record.signer
    first = state.used.get(bytes.fromhex(credential))
    if first is not None:
        raise CheckFailed(Check.BALLOT_ONCE, f"the credential is used up by ballot/{first}")


def check_contests(state: BallotState, record: Record) -> None:
    """[BALLOT-CONTESTS]: every contest of the urn, in manifest order, with its number of blocks."""
    body = record.body
    assert isinstance(body, v.Ballot)
    found = [(contest.contest, len(contest.ciphertexts)) for contest in body.contests]
    if found != state.contests.get(body.urn) or any(len(c.pok) != len(c.ciphertexts) for c in body.contests):
        raise CheckFailed(Check.BALLOT_CONTESTS, "not exactly the contests and blocks of the urn")


def check_fresh(state: BallotState, record: Record) -> None:
    """[BALLOT-FRESH]: no a or b that stands earlier in the log, or twice in this ballot."""
    body = record.body
    assert isinstance(body, v.Ballot)
    points = list(_points(body))
    if len(set(points)) != len(points):
        raise CheckFailed(Check.BALLOT_FRESH, "one point stands twice in the ballot")
    if not state.seen.isdisjoint(points):
        raise CheckFailed(Check.BALLOT_FRESH, "a point of the ballot stands earlier in the log")


def check_signature(_state: BallotState, record: Record) -> None:
    """[BALLOT-SIGNATURE] by the credential."""
    try:
        ed25519.verify(bytes.fromhex(record.signer), record.signed_bytes, record.signature)
    except ed25519.SignatureInvalid:
        problem = "the signature does not verify under the ballot's credential"
        raise CheckFailed(Check.BALLOT_SIGNATURE, problem) from None


RULES_BEFORE_PROOF: tuple[Callable[[BallotState, Record], None], ...] = (
    check_context,
    check_eligible,
    check_once,
    check_contests,
    check_fresh,
    check_signature,
)
"""All rules that concern one ballot but its proof and the time, in the order of reporting."""


def _points(body: v.Ballot) -> Iterator[str]:
    for contest in body.contests:
        for ciphertext in contest.ciphertexts:
            yield ciphertext.a
            yield ciphertext.b


def credential_of(record: Record) -> str:
    """The credential that a ballot or block uses up, as it stands in the record."""
    return record.body.credential if isinstance(record.body, v.Block) else record.signer


def _credential(signer: str) -> bytes | None:
    if len(signer) != 64 or signer.strip("0123456789abcdef"):
        return None
    return bytes.fromhex(signer)


def check_proofs(
    group: Group, random: Random, state: BallotState, ballots: list[tuple[str, Record]], party: str = "ballot-box"
) -> None:
    """[BALLOT-POK] of many ballots (place, record) at once.

    Raises CheckFailed with the place of the first ballot that fails: ELEMENT, IDENTITY, SCALAR or BALLOT-POK.
    """
    joint_key = state.joint_key.encode()
    claims = []
    for where, record in ballots:
        body = record.body
        assert isinstance(body, v.Ballot)
        blocks = [
            ballot_pok.Block(contest.contest, index, bytes.fromhex(ciphertext.a), bytes.fromhex(ciphertext.b))
            for contest in body.contests
            for index, ciphertext in enumerate(contest.ciphertexts)
        ]
        proofs = [
            ballot_pok.Proof(bytes.fromhex(proof.commitment), bytes.fromhex(proof.response))
            for contest in body.contests
            for proof in contest.pok
        ]
        statement = ballot_pok.Statement(state.context, body.urn, bytes.fromhex(record.signer), joint_key, blocks)
        claims.append(ballot_pok.Claim(statement, proofs, where, party))
    ballot_pok.verify(group, random, claims)


# --- the rules over a whole log ------------------------------------------------------------------------------


def check_time(view: View) -> bool:
    """[BALLOT-TIME]: the box opened and closed no earlier than the time line says. (ORDER keeps ballots between.)"""
    timeline, opening, close = view.manifest.timeline, view.open, view.close
    if opening is None:
        return False
    if parse_time(opening.time) < parse_time(timeline.opens):
        raise CheckFailed(Check.BALLOT_TIME, "the box opened before its time", where="ballot/0", party="authority")
    if close is not None and parse_time(close.time) < parse_time(timeline.closes):
        where = view.ballot.where(view.ballot.first("close") or 0)
        raise CheckFailed(Check.BALLOT_TIME, "the box closed before its time", where=where, party="ballot-box")
    return True


@dataclass
class _Followed:
    """How far one rule has followed the ballot log, and the state it needs for what comes next."""

    state: BallotState
    done: list[Record] = field(default_factory=list)
    """What the rule has passed, in log order."""

    def rewind(self, records: list[Record], indices: list[int]) -> None:
        """Forget what no longer stands in the log: a candidate that this rule passed and a later one refused."""
        while self.done:
            place = len(self.done) - 1
            if place < len(indices) and records[indices[place]] is self.done[place]:
                return
            self.state.forget(self.done.pop())


def _follow(view: View, name: str, indices: list[int]) -> _Followed | None:
    """Where a rule stopped the last time. The state before the first ballot never changes once the box is open."""
    state = state_of(view)
    if state is None:
        return None
    key = ("followed", name, state.context, id(state.urn_of), id(view.ballot))
    followed = view.memo.once(key, lambda: _Followed(state))
    followed.rewind(view.ballot.records, indices)
    return followed


def checker(
    rule: Callable[[BallotState, Record], None],
    *,
    blocks: bool = False,
    track: Callable[[BallotState, int, Record], None] | None = None,
) -> Callable[[View], bool]:
    """A rule over one ballot as a rule over a whole ballot log, at a cost that grows with the new entries alone.

    `track` notes in the state what the rule needs to know of the ballots before.
    """
    types = ("ballot", "block") if blocks else ("ballot",)

    def check(view: View) -> bool:
        indices = view.ballot.indices("ballot", "block") if track else view.ballot.indices(*types)
        followed = _follow(view, rule.__name__, indices) if indices else None
        if followed is None:
            return False
        for index in indices[len(followed.done) :]:
            record = view.ballot.records[index]
            if record.type in types:
                try:
                    rule(followed.state, record)
                except CheckFailed as failure:
                    raise failure.located(where=view.ballot.where(index), party="ballot-box") from None
            if track:
                track(followed.state, index, record)
            followed.done.append(record)
        return view.ballot.first("ballot") is not None or (blocks and bool(indices))

    return check


def check_all_proofs(view: View) -> bool:
    """[BALLOT-POK] of the whole log, by chunks; the first ballot that fails is named."""
    indices = view.ballot.indices("ballot")
    followed = _follow(view, "proofs", indices) if indices else None
    if followed is None:
        return False
    while new := indices[len(followed.done) : len(followed.done) + CHUNK]:
        ballots = [(view.ballot.where(index), view.ballot.records[index]) for index in new]
        check_proofs(view.group, view.random, followed.state, ballots)
        followed.done += [record for _, record in ballots]
    return True
