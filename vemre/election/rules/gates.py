"""Gates: an act carries a checkpoint that covers what it builds on and that two auditors cosigned [GATE].

Source: protocol, section 12.
"""

from __future__ import annotations

from vemre.checks import Check
from vemre.election.rules import cited
from vemre.election.rules.decrypting import decisions, decryptions, rows_of, small_batches
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.records import vote_bodies as v
from vemre.types import LogName


def required_size(view: View, citation_log: LogName, index: int, field: str) -> int:
    """How many entries the checkpoint in `field` of one record must cover at least (0 where nothing)."""
    record = view.logs[citation_log].records[index]
    body, tally = record.body, view.tally
    if record.type == "setup":
        return _after(max(view.registry.indices("roll", "roll-replace"), default=-1))
    if isinstance(body, v.Open):
        named = [tally.find(bytes.fromhex(leaf)) for leaf in body.opinions]
        return _after(max([view.setup_index or 0, *(place for place in named if place is not None)]))
    if record.type in ("marks", "tally-input"):
        return _after(_first(view, "ballot", "close") if field == "ballot" else _first(view, "registry", "marks"))
    if isinstance(body, v.Shuffle):
        return _after(_last_of_batch(view, index, body.urn, body.contest))
    if isinstance(body, v.Decryption):
        # What was passed through is the tally input itself, whoever posted a record of it since.
        places = [_first(view, "tally", "tally-input")]
        if body.rows > 1:
            places.append(_last_of_batch(view, index, body.urn, body.contest))
        if (body.urn, body.contest) in small_batches(view):
            places.append(decisions(view).get((body.urn, body.contest), 0))
        return _after(max(places))
    if record.type == "result":
        return _after(max(tally.indices("result-batch", "decryption"), default=-1))
    if record.type == "opinion":
        needed: dict[str, int] = {
            "registry": _first(view, "registry", "marks"),
            "ballot": _first(view, "ballot", "close"),
            "tally": _first(view, "tally", "result"),
        }
        return _after(needed[field])
    if isinstance(body, v.Certification):
        named = [tally.find(bytes.fromhex(leaf)) for leaf in body.opinions]
        return _after(max((place for place in named if place is not None), default=-1))
    return 0


def _after(index: int) -> int:
    return index + 1


def _first(view: View, log: LogName, type_: str) -> int:
    index = view.logs[log].first(type_)
    return -1 if index is None else index


def _last_of_batch(view: View, before: int, urn: str, contest: str) -> int:
    """Position of the last shuffle of a batch before an index, or of the tally input."""
    last = _first(view, "tally", "tally-input")
    for index, _, body in view.tally.of(v.Shuffle):
        if index < before and (body.urn, body.contest) == (urn, contest):
            last = index
    return last


def check_gates(view: View) -> bool:
    """[GATE]: every checkpoint inside a record has its quorum and covers what the act builds on."""
    seen = False
    for citation in cited.citations(view):
        seen = True
        auditors = cited.auditors(view, citation.checkpoint)
        needed = required_size(view, citation.log.name, citation.index, citation.field)
        if len(auditors) < view.anchors.quorum:
            problem = f"`{citation.field}` is cosigned by {len(auditors)} auditors, {view.anchors.quorum} are needed"
        elif citation.checkpoint.size < needed:
            problem = f"`{citation.field}` covers {citation.checkpoint.size} entries, the act builds on {needed}"
        else:
            continue
        raise CheckFailed(Check.GATE, problem, where=citation.where, party=citation.record.signer)
    _check_result_quorum(view)
    return seen


def _check_result_quorum(view: View) -> None:
    """`result` builds on at least t decryptions of every batch."""
    index = view.tally.first("result")
    if index is None:
        return
    rows = rows_of(view)
    for batch, found in decryptions(view).items():
        if rows[batch] and len(found) < view.manifest.trustees.threshold:
            where = view.tally.where(index)
            raise CheckFailed(Check.GATE, f"{batch[0]} {batch[1]} lacks decryptions", where=where, party="tally")
