"""The order of records in the three logs [ORDER]. Source: protocol, section 12 and appendix E, items 5 and 11."""

from __future__ import annotations

from vemre.checks import Check
from vemre.election.rules.view import LogView, View
from vemre.errors import CheckFailed
from vemre.types import LOG_NAMES, LogName

_DKG = ("dkg-commit", "dkg-reveal", "dkg-shares", "dkg-ack", "dkg-complaint", "dkg-answer")

PHASES: dict[LogName, tuple[tuple[str, ...], ...]] = {
    "tally": (
        ("manifest",),
        _DKG,
        ("setup",),
        ("system-opinion",),
        ("tally-input",),
        ("small-batch-decision",),
        ("shuffle",),
        ("decryption",),
        ("result-batch",),
        ("result",),
        ("opinion",),
        ("certification",),
        ("destruction",),
    ),
    "ballot": (("open",), ("ballot", "block"), ("close",)),
    "registry": (("enrolment",), ("roll",), ("roll-replace",), ("marks",)),
}
"""The types of each log by phase: a type never stands after one of a later phase."""

ANYWHERE: dict[LogName, frozenset[str]] = {
    "tally": frozenset({"incident", "integrity", "audit-plan", "drill"}),
    "ballot": frozenset({"incident", "integrity", "page-assets"}),
    "registry": frozenset({"incident", "integrity"}),
}
"""Types that may stand anywhere after the first entry."""

SINGLE = frozenset({"manifest", "setup", "open", "close", "roll", "marks", "tally-input", "result", "certification"})

NEEDS: dict[str, tuple[tuple[LogName, str], ...]] = {
    "setup": (("tally", "dkg-ack"), ("registry", "roll")),
    "system-opinion": (("tally", "setup"),),
    "open": (("tally", "setup"),),
    "close": (("ballot", "open"),),
    "marks": (("ballot", "close"), ("registry", "roll")),
    "tally-input": (("tally", "setup"), ("ballot", "close"), ("registry", "marks")),
    "small-batch-decision": (("tally", "tally-input"),),
    "shuffle": (("tally", "tally-input"),),
    "decryption": (("tally", "tally-input"),),
    "result-batch": (("tally", "tally-input"),),
    "result": (("tally", "tally-input"),),
    "opinion": (("tally", "result"),),
    "certification": (("tally", "result"),),
    "roll-replace": (("registry", "roll"),),
}
"""For each type, the records without which it has nothing to build on."""


def check_order(view: View) -> bool:
    """[ORDER] of all three logs."""
    for name in LOG_NAMES:
        _check_log(view, view.logs[name])
    # Who wrote a record without its foundation answers for it, as the writer that let it in.
    for name in LOG_NAMES:
        log = view.logs[name]
        for type_, needed in NEEDS.items():
            index = log.first(type_)
            if index is None:
                continue
            for other, needed_type in needed:
                found = view.logs[other].first(needed_type)
                if found is None or (other == name and found > index):
                    raise CheckFailed(
                        Check.ORDER,
                        f"{type_} without a {needed_type} in the {other} log",
                        where=log.where(index),
                        party=log.writer,
                    )
    if not view.tally.records:
        raise CheckFailed(Check.ORDER, "the tally log has no manifest", where="tally/0", party="tally")
    return True


def _check_log(view: View, log: LogView) -> None:
    phase_of = {type_: number for number, types in enumerate(PHASES[log.name]) for type_ in types}
    anywhere = ANYWHERE[log.name]
    seen = {type_ for types in PHASES[log.name] for type_ in types if _stood(log, type_, view.settled.size(log.name))}
    reached = max((phase_of[type_] for type_ in seen), default=0)
    before = None
    for index, record in view.new(log):
        type_ = record.kind.name
        if type_ == before and type_ not in SINGLE:
            # As the entry before it, which stood where it may.
            continue
        before = type_
        if type_ in anywhere:
            # The registry's log has no entry that must be first; the other two have.
            problem = None if index else "may not be the first entry"
        elif type_ not in phase_of:
            problem = f"has no place in the {log.name} log"
        elif index == 0 and phase_of[type_] != 0 and log.name != "registry":
            problem = "may not be the first entry"
        elif phase_of[type_] < reached:
            problem = "comes too late"
        elif type_ in SINGLE and type_ in seen:
            problem = "stands in the log twice"
        else:
            reached = phase_of[type_]
            problem = None
        seen.add(type_)
        if problem:
            raise CheckFailed(Check.ORDER, f"{type_} {problem}", where=log.where(index), party=log.writer)


def _stood(log: LogView, type_: str, size: int) -> bool:
    """Whether a record of a type is among the first entries."""
    first = log.first(type_)
    return first is not None and first < size
