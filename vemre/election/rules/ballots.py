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
from vemre.election.rules.log_view import LogView
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
        self.used[bytes.fromhex(credential_of(record))] = index

    def see(self, _index: int, record: Record) -> None:
        """Note the points of the record."""
        if isinstance(record.body, v.Ballot):
            self.seen.update(_points(record.body))

    def forget(self, record: Record) -> None:
        """Undo `add`, or whichever part of it was done, for the record that was added last."""
        self.used.pop(bytes.fromhex(credential_of(record)), None)
        if isinstance(record.body, v.Ballot):
            self.seen.difference_update(_points(record.body))


def state_of(view: View) -> BallotState | None:
    """The state before the first ballot, once the setup stands."""
    key = joint_key(view)
    if view.context is None or key is None:
        return None
    contests = view.memo.once(
        ("blocks", view.manifest.offer),
        lambda: {
            urn.id: [(contest.id, contest.blocks) for contest in contests_of(view.offer, urn.id) or []]
            for urn in view.offer.urns
        },
    )
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
    credential = credential_of(record)
    if not _is_credential(credential) or state.urn_of.get(bytes.fromhex(credential)) != body.urn:
        raise CheckFailed(Check.BALLOT_ELIGIBLE, "the credential is not on the roll of that urn")


def check_once(state: BallotState, record: Record) -> None:
    """[BALLOT-ONCE]: a ballot or block uses the credential up; whichever is logged first wins."""
    first = state.used.get(bytes.fromhex(credential_of(record)))
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


def _is_credential(text: str) -> bool:
    return len(text) == 64 and not text.strip("0123456789abcdef")


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
class _Tracked:
    """What a rule needs to know of the ballots and blocks before, and those of them that are not settled."""

    used: dict[bytes, int] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    pending: list[tuple[int, Record]] = field(default_factory=list)
    """What the rule has taken in since the last run that came to its end, in log order."""

    def begin(self, state: BallotState, settled: int) -> None:
        """Give `state` what is known, without what an earlier run took in and did not settle."""
        state.used, state.seen = self.used, self.seen
        while self.pending and self.pending[-1][0] >= settled:
            state.forget(self.pending.pop()[1])
        self.pending.clear()


def taken(view: View) -> tuple[dict[bytes, int], set[str]]:
    """The credentials that are used up, with positions, and the points that were seen, in what is settled."""
    once, fresh = (view.settled.kept(rule.__name__, _Tracked) for rule in (check_once, check_fresh))
    return once.used, fresh.seen


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
        log = view.ballot
        state = state_of(view) if log.has(*types) else None
        if state is None:
            return False
        tracked = view.settled.kept(rule.__name__, _Tracked)
        tracked.begin(state, view.settled.size("ballot"))
        for index, record in view.new(log, *types):
            _judge(log, rule, state, index)
            if track:
                track(state, index, record)
                tracked.pending.append((index, record))
        return True

    return check


def _judge(log: LogView, rule: Callable[[BallotState, Record], None], state: BallotState, index: int) -> None:
    try:
        rule(state, log.records[index])
    except CheckFailed as failure:
        raise failure.located(where=log.where(index), party="ballot-box") from None


def _unproved(view: View, fact: str, state: BallotState) -> list[int]:
    """The ballots of which a costly fact is to be established. It depends on the ballot and the context alone."""
    start = view.settled.passed((fact, state.context), view.ballot)
    return [index for index in view.ballot.since(start, "ballot") if not view.trusts(view.ballot, index)]


def check_all_signatures(view: View) -> bool:
    """[BALLOT-SIGNATURE] of the whole log."""
    log = view.ballot
    state = state_of(view) if log.has("ballot") else None
    if state is None:
        return False
    for index in _unproved(view, "signed", state):
        _judge(log, check_signature, state, index)
        view.settled.note_passed(("signed", state.context), log, index + 1)
    return True


def check_all_proofs(view: View) -> bool:
    """[BALLOT-POK] of the whole log, by chunks; the first ballot that fails is named."""
    log = view.ballot
    state = state_of(view) if log.has("ballot") else None
    if state is None:
        return False
    indices = _unproved(view, "proved", state)
    for start in range(0, len(indices), CHUNK):
        chunk = indices[start : start + CHUNK]
        check_proofs(view.group, view.random, state, [(log.where(index), log.records[index]) for index in chunk])
        view.settled.note_passed(("proved", state.context), log, chunk[-1] + 1)
    return True
