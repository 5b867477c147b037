"""Gates: an act carries a checkpoint that covers what it builds on and that two auditors cosigned [GATE].

Source: protocol, section 12.
"""

from __future__ import annotations

from vemre.checks import Check
from vemre.election.rules import cited
from vemre.election.rules.decrypting import decisions, decryptions, is_small, rows_of
from vemre.election.rules.mixing import chains
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.records import vote_bodies as v
from vemre.types import LogName


def required_size(view: View, citation_log: LogName, index: int, field: str) -> int:
    """How many entries the checkpoint in `field` of one record must cover at least (0 where nothing)."""
    record = view.logs[citation_log].records[index]
    body, tally = record.body, view.tally
    if record.type == "setup":
        return _after(view.registry.last("roll", "roll-replace"))
    if isinstance(body, v.Open):
        named = [tally.find(bytes.fromhex(leaf)) for leaf in body.opinions]
        return _after(view.setup_index, *named)
    if record.type in ("marks", "tally-input"):
        return _after(view.ballot.first("close") if field == "ballot" else view.registry.first("marks"))
    if isinstance(body, v.Shuffle):
        return _after(_last_of_batch(view, index, body.urn, body.contest))
    if isinstance(body, v.Decryption):
        # What was passed through is the tally input itself, whoever posted a record of it since.
        places = [tally.first("tally-input")]
        if body.rows > 1:
            places.append(_last_of_batch(view, index, body.urn, body.contest))
        if is_small(view, (body.urn, body.contest)):
            places.append(decisions(view).get((body.urn, body.contest)))
        return _after(*places)
    if record.type == "result":
        return _after(tally.last("result-batch", "decryption"))
    if record.type == "opinion":
        needed: dict[str, int | None] = {
            "registry": view.registry.first("marks"),
            "ballot": view.ballot.first("close"),
            "tally": tally.first("result"),
        }
        return _after(needed[field])
    if isinstance(body, v.Certification):
        named = [tally.find(bytes.fromhex(leaf)) for leaf in body.opinions]
        return _after(*named)
    return 0


def _after(*indices: int | None) -> int:
    """The size of a log that has the entries at all of these positions; None stands for an entry that there is not."""
    return max((index + 1 for index in indices if index is not None), default=0)


def _last_of_batch(view: View, before: int, urn: str, contest: str) -> int | None:
    """Position of the last shuffle of a batch before an index, or of the tally input."""
    found = (mix.index for mix in reversed(chains(view).of_batch.get((urn, contest), [])) if mix.index < before)
    return next(found, view.tally.first("tally-input"))


def check_gates(view: View) -> bool:
    """[GATE]: every checkpoint inside a record has its quorum and covers what the act builds on."""
    for citation in cited.citations(view):
        auditors = cited.auditors(view, citation.checkpoint)
        needed = required_size(view, citation.log.name, citation.index, citation.field)
        if len(auditors) < view.anchors.quorum:
            problem = f"`{citation.field}` is cosigned by {len(auditors)} auditors, {view.anchors.quorum} are needed"
        elif citation.checkpoint.size < needed:
            problem = f"`{citation.field}` covers {citation.checkpoint.size} entries, the act builds on {needed}"
        else:
            continue
        raise CheckFailed(Check.GATE, problem, where=citation.where, party=citation.record.signer)
    for index, _ in view.new(view.tally, "result"):
        _check_result_quorum(view, index)
    return cited.any_cites(view)


def _check_result_quorum(view: View, index: int) -> None:
    """`result` builds on at least t decryptions of every batch."""
    rows = rows_of(view)
    for batch, found in decryptions(view).items():
        if rows[batch] and len(found) < view.manifest.trustees.threshold:
            where = view.tally.where(index)
            raise CheckFailed(Check.GATE, f"{batch[0]} {batch[1]} lacks decryptions", where=where, party="tally")
