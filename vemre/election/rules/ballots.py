"""Ballots and blocks. Source: protocol, section 7, and appendix E, item 9.

Each rule is a function of its own, so that the ballot box applies them to one ballot as it comes and a verifier to
all of them, rule after rule.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vemre.checks import Check
from vemre.crypto import ed25519
from vemre.election.rules.casts import BALLOT, Together, credential_of, points_of, urn_of
from vemre.election.rules.keygen import joint_key
from vemre.election.rules.roll import current_roll
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.group import Elements, Group
from vemre.group.kernel import Shape
from vemre.proofs import ballot_pok
from vemre.proofs.ballot_pok import Sheet
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v
from vemre.records.cast import Cast
from vemre.records.fields import parse_time
from vemre.records.record import Record
from vemre.types import Random


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

    `shapes` maps urns to (contest id, blocks, blocks) in manifest order; `urn_of` is the roll after all replacements.
    """

    context: bytes
    joint_key: Elements
    shapes: dict[str, Shape]
    urn_of: dict[bytes, str]
    used: dict[bytes, int] = field(default_factory=dict)
    """Credentials used up by a ballot or block, with the position in the log."""
    seen: set[bytes] = field(default_factory=set)
    """Every a and b in the log."""

    def add(self, index: int, record: Record) -> None:
        """Take an accepted ballot or block into account."""
        self.use(index, record)
        self.see(index, record)

    def use(self, index: int, record: Record) -> None:
        """Note that the record's credential is used up."""
        self.used[credential_of(record)] = index

    def see(self, _index: int, record: Record) -> None:
        """Note the points of the record."""
        if record.kind is BALLOT:
            self.seen.update(points_of(record))

    def forget(self, record: Record) -> None:
        """Undo `add`, or whichever part of it was done, for the record that was added last."""
        self.used.pop(credential_of(record), None)
        if record.kind is BALLOT:
            self.seen.difference_update(points_of(record))


def state_of(view: View) -> BallotState | None:
    """The state before the first ballot, once the setup stands."""
    key = joint_key(view)
    if view.context is None or key is None:
        return None
    shapes = view.memo.once(
        ("shapes", view.manifest.offer),
        lambda: {
            urn.id: tuple(
                (contest.id, contest.blocks, contest.blocks) for contest in contests_of(view.offer, urn.id) or []
            )
            for urn in view.offer.urns
        },
    )
    return BallotState(view.context, key.joint, shapes, current_roll(view).urn_of)


# --- the rules, one ballot at a time -------------------------------------------------------------------------


def check_context(state: BallotState, record: Record) -> None:
    """[BALLOT-CONTEXT]."""
    if record.cast.context != state.context:
        raise CheckFailed(Check.BALLOT_CONTEXT, "the ballot was made for another election or setup")


def check_eligible(state: BallotState, record: Record) -> None:
    """[BALLOT-ELIGIBLE]: the credential (of a block: the blocked one) is on the urn's roll."""
    if state.urn_of.get(credential_of(record)) != urn_of(record):
        raise CheckFailed(Check.BALLOT_ELIGIBLE, "the credential is not on the roll of that urn")


def check_once(state: BallotState, record: Record) -> None:
    """[BALLOT-ONCE]: a ballot or block uses the credential up; whichever is logged first wins."""
    first = state.used.get(credential_of(record))
    if first is not None:
        raise CheckFailed(Check.BALLOT_ONCE, f"the credential is used up by ballot/{first}")


def check_contests(state: BallotState, record: Record) -> None:
    """[BALLOT-CONTESTS]: every contest of the urn, in manifest order, with its number of blocks."""
    if record.cast.shape != state.shapes.get(record.cast.urn):
        raise CheckFailed(Check.BALLOT_CONTESTS, "not exactly the contests and blocks of the urn")


def check_fresh(state: BallotState, record: Record) -> None:
    """[BALLOT-FRESH]: no a or b that stands earlier in the log, or twice in this ballot."""
    points = points_of(record)
    if len(set(points)) != len(points):
        raise CheckFailed(Check.BALLOT_FRESH, "one point stands twice in the ballot")
    if not state.seen.isdisjoint(points):
        raise CheckFailed(Check.BALLOT_FRESH, "a point of the ballot stands earlier in the log")


def check_signature(_state: BallotState, record: Record) -> None:
    """[BALLOT-SIGNATURE] by the credential."""
    try:
        ed25519.verify(record.cast.credential, record.signed_bytes, record.signature)
    except ed25519.SignatureInvalid:
        problem = "the signature does not verify under the ballot's credential"
        raise CheckFailed(Check.BALLOT_SIGNATURE, problem) from None


Rule = Callable[[BallotState, Record], None]
RULES_BEFORE_PROOF: tuple[Rule, ...] = (
    check_context,
    check_eligible,
    check_once,
    check_contests,
    check_fresh,
    check_signature,
)
"""All rules that concern one ballot but its proof and the time, in the order of reporting."""


def check_proofs(
    group: Group, random: Random, state: BallotState, ballots: list[tuple[str, Record]], party: str = "ballot-box"
) -> None:
    """[BALLOT-POK] of many ballots (place, record) at once.

    Raises CheckFailed with the place of the first ballot that fails: ELEMENT, IDENTITY, SCALAR or BALLOT-POK.
    """
    if group.kernel is not None and proofs_hold(group, random, state, [record for _, record in ballots]) is not None:
        return
    check_claims(group, random, state, ballots, party)


def proofs_hold(
    group: Group, random: Random, state: BallotState, records: Sequence[Record]
) -> list[tuple[Sheet, Elements]] | None:
    """The ballots by urn, with their points, where all proofs hold; else None, whatever is wrong with one of them."""
    columns: dict[tuple[str, Shape], list[Cast]] = {}
    for record in records:
        columns.setdefault((record.cast.urn, record.cast.shape), []).append(record.cast)
    sheets = []
    for (urn, shape), casts in columns.items():
        sheets.append(
            Sheet(
                urn,
                [(contest, blocks) for contest, blocks, _ in shape],
                credentials=b"".join([cast.credential for cast in casts]),
                points=b"".join([cast.points for cast in casts]),
                commitments=b"".join([cast.commitments for cast in casts]),
                responses=b"".join([cast.responses for cast in casts]),
            )
        )
    try:
        points = ballot_pok.verify_sheets(group, random, state.context, state.joint_key.encode(), sheets)
    except CheckFailed:
        return None
    return list(zip(sheets, points, strict=True))


def check_claims(
    group: Group, random: Random, state: BallotState, ballots: list[tuple[str, Record]], party: str
) -> None:
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
    seen: set[bytes] = field(default_factory=set)
    pending: list[tuple[int, Record]] = field(default_factory=list)
    """What the rule has taken in since the last run that came to its end, in log order."""

    def begin(self, state: BallotState, settled: int) -> None:
        """Give `state` what is known, without what an earlier run took in and did not settle."""
        state.used, state.seen = self.used, self.seen
        while self.pending and self.pending[-1][0] >= settled:
            state.forget(self.pending.pop()[1])
        self.pending.clear()


def taken(view: View) -> tuple[dict[bytes, int], set[bytes]]:
    """The credentials that are used up, with positions, and the points that were seen, in what is settled."""
    once, fresh = (view.settled.kept(rule.__name__, _Tracked) for rule in (check_once, check_fresh))
    return once.used, fresh.seen


def checker(
    rule: Rule,
    together: Together,
    *,
    blocks: bool = False,
    track: Callable[[BallotState, int, Record], None] | None = None,
) -> Callable[[View], bool]:
    """A rule over one ballot as a rule over a whole ballot log, at a cost that grows with the new entries alone.

    `together` is the same rule over many; `track` notes in the state what the rule needs to know of the ballots before.
    """
    types = ("ballot", "block") if blocks else ("ballot",)

    def check(view: View) -> bool:
        log = view.ballot
        state = state_of(view) if log.has(*types) else None
        if state is None:
            return False
        tracked = view.settled.kept(rule.__name__, _Tracked)
        tracked.begin(state, view.settled.size("ballot"))
        new = list(view.new(log, *types))
        if together(state, new):
            if track:
                tracked.pending.extend(new)
            return True
        for index, record in new:
            try:
                rule(state, record)
            except CheckFailed as failure:
                raise failure.located(where=log.where(index), party="ballot-box") from None
            if track:
                track(state, index, record)
                tracked.pending.append((index, record))
        return True

    return check
