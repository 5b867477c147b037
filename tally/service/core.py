"""The tally's decisions, without a database or a network: what is due, by whom, and what a drill share must satisfy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tally import attempts
from vemre.checks import Check
from vemre.election.rules import decrypting, keygen, mixing
from vemre.election.rules.keygen import Attempt, JointKey
from vemre.election.rules.setup import DRILL_NAME, drill_base, drill_context, equality
from vemre.election.rules.view import Batch, View, role_number
from vemre.errors import CheckFailed, Refused
from vemre.proofs import decryption
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v

# --- drills ---------------------------------------------------------------------------------------------------


def complete_key(view: View) -> JointKey:
    """The key that every trustee has acknowledged, of an attempt that the authority has not ended. Raises
    Refused("key-not-complete")."""
    key = keygen.joint_key(view) if view.tally.records else None
    if key is None or set(keygen.attempts(view)[-1].acks) != set(trustees(view)):
        raise Refused("key-not-complete")
    if view.setup_index is None and attempts.current(view) != key.attempt:
        # A drill with it would stand in the way of the next attempt.
        raise Refused("key-not-complete")
    return key


def trustees(view: View) -> list[str]:
    """The trustees' role ids."""
    return [member.id for member in view.manifest.trustees.members]


def next_drill(view: View) -> int:
    """The number of the drill that is not closed yet."""
    return len(view.tally.indices("drill")) + 1


def drill_needs(view: View) -> int:
    """How many shares close a drill: all before the setup, the threshold later."""
    return len(trustees(view)) if view.setup_index is None else view.manifest.trustees.threshold


def check_drill_share(view: View, key: JointKey, number: int, share: s.DrillShare) -> None:
    """Whether a share is the trustee's key applied to the canary. Raises CheckFailed, naming the trustee."""
    if share.trustee not in trustees(view):
        raise CheckFailed(Check.DRILL, "a share of nobody")
    trustee = role_number(share.trustee)
    try:
        statement = decryption.Statement(
            context=drill_context(key.context, number),
            urn=DRILL_NAME,
            contest=DRILL_NAME,
            trustee=trustee,
            verification_key=key.verification.slice(trustee - 1, trustee),
            bases=drill_base(view, key.context, number),
            shares=view.group.decode(bytes.fromhex(share.share)),
        )
        decryption.verify(view.group, view.random, statement, equality(share.proof))
    except CheckFailed as failure:
        check = Check.DRILL if failure.check is Check.DECRYPT_PROOF else failure.check
        raise CheckFailed(check, failure.detail, where=f"drill/{number}", party=share.trustee) from None


def drill(view: View, number: int, shares: dict[str, s.DrillShare]) -> s.Drill:
    """The record of a drill, with the shares in the trustees' order. Raises Refused("drill-shares-missing")."""
    missing = [role for role in trustees(view) if role not in shares]
    needed = drill_needs(view)
    if len(shares) < needed:
        raise Refused(
            "drill-shares-missing", number=number, found=len(shares), needed=needed, missing=", ".join(missing)
        )
    return s.Drill(number, [shares[role] for role in trustees(view) if role in shares])


# --- counting -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lacking:
    """What a batch lacks before it can be counted: ``shuffle``, ``small-batch-decision`` or ``decryption``."""

    batch: Batch
    what: str
    found: int
    needed: int
    by: tuple[str, ...]


def lacking(view: View) -> list[Lacking]:
    """What is missing, batch by batch, before anything may be counted: the first count ends all decryption."""
    return [item for batch in view.batches if (item := _lacking(view, batch)) is not None]


def _lacking(view: View, batch: Batch) -> Lacking | None:
    # The decision first: once mixing has begun it comes too late [ORDER], and no mixer begins without it.
    if batch in decrypting.small_batches(view) and batch not in decrypting.decisions(view):
        return Lacking(batch, "small-batch-decision", 0, 1, ("authority",))
    mixers, needed = mixing.mixers_of(view)[batch], view.manifest.policy.mixers
    if len(mixers) < needed:
        free = tuple(mixer.id for mixer in view.manifest.mixers if mixer.id not in mixers)
        # Whose turn it is stands first; the others may stand in.
        turn = f"mixer/{len(mixers) + 1}"
        return Lacking(batch, "shuffle", len(mixers), needed, (turn,) if turn in free else free)
    rows, threshold = decrypting.rows_of(view)[batch], view.manifest.trustees.threshold
    if not rows:
        return None
    done = {record.signer for _, record in decrypting.decryptions(view)[batch]}
    if len(done) < threshold:
        others = tuple(role for role in trustees(view) if role not in done)
        return Lacking(batch, "decryption", len(done), threshold, others)
    return None


def counted(view: View) -> set[Batch]:
    """The batches that have their result."""
    return {(body.urn, body.contest) for _, _, body in view.tally.of(v.ResultBatch)}


# --- what is due ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Due:
    """An act that the election waits for: the type of the record, and the roles that owe it."""

    act: str
    by: tuple[str, ...]
    batch: Batch | None = None


def due(view: View, shares_at_hand: Collection[str] = ()) -> list[Due]:
    """Everything that is due now, in order. `shares_at_hand` are the trustees whose share of the next drill is here.

    Public facts alone: what stands in the three logs.
    """
    if not view.tally.records:
        return [Due("manifest", ("authority",))]
    if view.setup_index is None:
        return list(_before_setup(view, shares_at_hand))
    if view.open is None:
        return list(_before_opening(view))
    if view.close is None:
        return [Due("close", ("ballot-box",))]
    if view.tally_input is None:
        first = Due("marks", ("registry",)) if view.marks is None else Due("tally-input", ("tally",))
        return [first]
    if view.result is None:
        return list(_before_result(view))
    return list(_after_result(view))


def _before_setup(view: View, shares_at_hand: Collection[str]) -> Iterator[Due]:
    if view.registry.first("roll") is None:
        yield Due("roll", ("registry",))
    found, number = keygen.attempts(view), attempts.current(view)
    key_due = list(_key_generation(view, found[-1] if len(found) == number else Attempt(number)))
    if key_due:
        yield from key_due
    elif not _full_drill(view):
        missing = tuple(role for role in trustees(view) if role not in shares_at_hand)
        yield Due("drill-share", missing) if missing else Due("drill", ("tally",))
    elif view.registry.first("roll") is not None:
        yield Due("setup", ("authority",))


def _key_generation(view: View, attempt: Attempt) -> Iterator[Due]:
    everyone = trustees(view)
    if attempts.wrong_answers(view, attempt):
        yield Due("incident", ("authority",))
        return
    for type_, done in (
        ("dkg-commit", set(attempt.commits)),
        ("dkg-reveal", set(attempt.reveals)),
        ("dkg-shares", set(attempt.shares)),
    ):
        missing = tuple(role for role in everyone if role not in done)
        if missing:
            yield Due(type_, missing)
            return
    open_ = [accused for complainer, accused in attempt.complaints if (complainer, accused) not in attempt.answers]
    if open_:
        yield Due("dkg-answer", tuple(dict.fromkeys(open_)))
    missing = tuple(role for role in everyone if role not in attempt.acks)
    if missing:
        yield Due("dkg-ack", missing)


def _full_drill(view: View) -> bool:
    return any(len(body.shares) == len(trustees(view)) for _, _, body in view.tally.of(s.Drill))


def _before_opening(view: View) -> Iterator[Due]:
    auditors = [auditor.id for auditor in view.manifest.auditors]
    for type_ in ("audit-plan", "system-opinion"):
        done = {view.tally.records[index].signer for index in view.tally.indices(type_)}
        missing = tuple(auditor for auditor in auditors if auditor not in done)
        if missing:
            yield Due(type_, missing)
    favourable = {record.signer: body.verdict for _, record, body in view.tally.of(s.SystemOpinion)}
    if list(favourable.values()).count("favourable") >= view.anchors.quorum:
        yield Due("open", ("authority",))


def _before_result(view: View) -> Iterator[Due]:
    found = lacking(view)
    for item in found:
        yield Due(item.what, item.by, item.batch)
    if not found:
        done = counted(view)
        for batch in view.batches:
            if batch not in done:
                yield Due("result-batch", ("tally",), batch)
        yield Due("result", ("tally",))


def _after_result(view: View) -> Iterator[Due]:
    if view.tally.first("certification") is not None:
        gone = {view.tally.records[index].signer for index in view.tally.indices("destruction")}
        missing = tuple(role for role in trustees(view) if role not in gone)
        if missing:
            yield Due("destruction", missing)
        return
    last = {record.signer: body.verdict for _, record, body in view.tally.of(v.Opinion)}
    missing = tuple(auditor.id for auditor in view.manifest.auditors if auditor.id not in last)
    if missing:
        yield Due("opinion", missing)
    if len(last) >= view.anchors.quorum and set(last.values()) == {"favourable"}:
        yield Due("certification", ("authority",))
