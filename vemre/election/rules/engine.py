"""All rules in the order of reporting, over one view.

`run` is the whole verification of parsed, authenticated logs; `admit` asks whether one more record may be appended.
Source: protocol, appendix D.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from vemre.checks import Check
from vemre.election.rules import (
    ballot_proofs,
    ballots,
    casts,
    cited,
    closing,
    decrypting,
    documents,
    gates,
    keygen,
    manifest,
    mixing,
    order,
    results,
    roll,
    setup,
    signing,
)
from vemre.election.rules.view import View
from vemre.records.record import Record
from vemre.types import LogName

Rule = Callable[[View], bool]
"""Raises CheckFailed where it does not hold; else says whether it applied to anything."""


@dataclass(frozen=True)
class Stage:
    """One check id and the rule behind it."""

    check: Check
    rule: Rule


def _of_manifest(check: Check, rule: Rule) -> Stage:
    """A rule over the manifest (with the offer that it names) alone, which is asked once."""

    def once(view: View) -> bool:
        manifest_ = view.manifest
        key = (check, view.tally.records[0].leaf_hash, manifest_.offer)
        return view.memo.once(key, lambda: rule(view))

    return Stage(check, once)


STAGES: tuple[Stage, ...] = (
    Stage(Check.CANONICAL, documents.check_documents),
    Stage(Check.NOTE, cited.check_notes),
    Stage(Check.CHECKPOINT, cited.check_checkpoints),
    Stage(Check.RECORD_SIGNATURE, signing.check_signatures),
    Stage(Check.RECORD_ROLE, signing.check_roles),
    Stage(Check.ORDER, order.check_order),
    _of_manifest(Check.MANIFEST_AUTHORITY, manifest.check_authority),
    _of_manifest(Check.MANIFEST_LOGS, manifest.check_logs),
    _of_manifest(Check.MANIFEST_AUDITORS, manifest.check_auditors),
    _of_manifest(Check.MANIFEST_IDS, lambda view: manifest.check_ids(view.manifest, view.offer)),
    _of_manifest(Check.MANIFEST_KEYS, lambda view: manifest.check_keys(view.manifest)),
    _of_manifest(Check.MANIFEST_POLICY, lambda view: manifest.check_policy(view.manifest)),
    _of_manifest(Check.MANIFEST_BLOCKS, lambda view: manifest.check_blocks(view.offer)),
    Stage(Check.DKG_ORDER, keygen.check_order),
    Stage(Check.DKG_COMMIT, keygen.check_commit),
    Stage(Check.DKG_DEGREE, keygen.check_degree),
    Stage(Check.DKG_POP, keygen.check_possession),
    Stage(Check.DKG_SHARES, keygen.check_shares),
    Stage(Check.DKG_ACK, keygen.check_ack),
    Stage(Check.DRILL, setup.check_drills),
    Stage(Check.ROLL_URNS, roll.check_urns),
    Stage(Check.ROLL_KEYS, roll.check_keys),
    Stage(Check.ROLL_UNIQUE, roll.check_unique),
    Stage(Check.ROLL_COUNT, roll.check_count),
    Stage(Check.ROLL_FROZEN, roll.check_frozen),
    Stage(Check.SETUP, setup.check_setup),
    Stage(Check.SYSTEM_TWO, setup.check_system_opinions),
    Stage(Check.CONTEXT, setup.check_context),
    Stage(Check.ROWS, setup.check_rows),
    Stage(Check.BALLOT_CONTEXT, ballots.checker(ballots.check_context, casts.all_of_context)),
    Stage(Check.BALLOT_TIME, ballots.check_time),
    Stage(Check.BALLOT_ELIGIBLE, ballots.checker(ballots.check_eligible, casts.all_eligible, blocks=True)),
    Stage(
        Check.BALLOT_ONCE,
        ballots.checker(ballots.check_once, casts.all_once, blocks=True, track=ballots.BallotState.use),
    ),
    Stage(Check.BALLOT_CONTESTS, ballots.checker(ballots.check_contests, casts.all_contests)),
    Stage(Check.BALLOT_FRESH, ballots.checker(ballots.check_fresh, casts.all_fresh, track=ballots.BallotState.see)),
    Stage(Check.BALLOT_SIGNATURE, ballot_proofs.check_all_signatures),
    Stage(Check.BALLOT_POK, ballot_proofs.check_all_proofs),
    Stage(Check.CLOSE_COUNT, closing.check_close),
    Stage(Check.RECONCILE, closing.check_marks),
    Stage(Check.TALLY_INPUT, closing.check_tally_input),
    Stage(Check.MIX_CHAIN, mixing.check_chain),
    Stage(Check.MIX_COUNT, mixing.check_count),
    Stage(Check.SHUFFLE_LENGTH, mixing.check_lengths),
    Stage(Check.SHUFFLE, mixing.check_proofs),
    Stage(Check.MIN_BATCH, decrypting.check_minimum),
    Stage(Check.DECRYPT_ONCE, decrypting.check_once),
    Stage(Check.DECRYPT_PROOF, decrypting.check_proofs),
    Stage(Check.DECRYPT_QUORUM, decrypting.check_quorum),
    Stage(Check.RESULT, results.check_result),
    Stage(Check.OPINION, results.check_opinions),
    Stage(Check.CERTIFY_TWO, results.check_certification),
    Stage(Check.GATE, gates.check_gates),
)


def run(view: View) -> Iterator[tuple[Check, bool]]:
    """Every check with whether it applied, in order. Raises the first CheckFailed.

    Every stage may rely on those before it having passed. Run to its end, it settles the view: the next run looks at
    what is new since.
    """
    for stage in STAGES:
        yield stage.check, stage.rule(view)
    view.settled.settle()


def verify(view: View) -> None:
    """The whole verification. Raises the first CheckFailed."""
    for _ in run(view):
        pass


def admit(view: View, log: LogName, record: Record) -> None:
    """Append a candidate to a log of the view, if all rules still hold with it; else leave the view as it was.

    Raises CheckFailed. Looks at what the view has not settled yet. Needs the candidate's blobs to be at hand.
    """
    target = view.logs[log]
    target.append(record)
    try:
        verify(view)
    except BaseException:
        # Whatever happened (a blob store that fails, too), the candidate is in no log.
        target.pop()
        raise


STAGE_NAMES: tuple[tuple[LogName, str, str], ...] = (
    ("tally", "certification", "certified"),
    ("tally", "result", "result"),
    ("tally", "result-batch", "count"),
    ("tally", "decryption", "decryption"),
    ("tally", "shuffle", "mixing"),
    ("tally", "tally-input", "tally-input"),
    ("ballot", "close", "closed"),
    ("ballot", "open", "open"),
    ("tally", "setup", "setup"),
    ("tally", "dkg-commit", "key-generation"),
    ("tally", "manifest", "configuration"),
)


def stage_reached(view: View) -> str:
    """How far the election is, by its records (REQ-11)."""
    for log, type_, name in STAGE_NAMES:
        if view.logs[log].first(type_) is not None:
            return name
    return "empty"
