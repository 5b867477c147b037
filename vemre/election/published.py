"""The result as it is shown: how official it is, who stands behind it, and its numbers line by line.

A result is PRELIMINARY until the certification stands with the favourable opinions that it needs [CERTIFY-TWO].
Everything that shows results (terminal, page, opinion) asks here, so that all show the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from vemre.crypto import canonical
from vemre.election.choice_names import option_label
from vemre.election.rules import results
from vemre.election.rules.view import View
from vemre.errors import CheckFailed
from vemre.records import setup_bodies as s
from vemre.records import vote_bodies as v

Status = Literal["none", "preliminary", "certified"]
LineKind = Literal["option", "combination", "write-ins", "write-in", "nulls", "total", "candidate"]
Batch = Mapping[str, Any]
"""A result batch as `vemre audit verify --json` gives it: the record's body without context, blobs inlined."""


@dataclass(frozen=True)
class Line:
    """One line of a table of results. `marks` are papers; `votes` are after distribution (REQ-38), or a candidate's
    sum; None where the line has no such number. `label` is empty where the kind says everything."""

    kind: LineKind
    label: str
    marks: int | None
    votes: int | None


def status(view: View) -> Status:
    """How official the result of a view is."""
    if view.result is None:
        return "none"
    try:
        return "certified" if results.check_certification(view) else "preliminary"
    except CheckFailed:
        return "preliminary"


def opinions(view: View) -> dict[str, s.Verdict | None]:
    """The last verdict on the count of every auditor of the manifest, in its order; None where there is none."""
    given = {record.signer: body.verdict for _, record, body in view.tally.of(v.Opinion)}
    return {auditor.id: given.get(auditor.id) for auditor in view.manifest.auditors}


def batches(view: View) -> list[dict[str, Any]]:
    """Every result batch in manifest order, blobs inlined, without context; nothing before `result` closes the list.

    Raises CheckFailed(BLOB-DIGEST).
    """
    if view.result is None:
        return []
    bodies = {(body.urn, body.contest): body for _, _, body in view.tally.of(v.ResultBatch)}
    return [_inlined(view, bodies[batch]) for batch in view.batches]


def _inlined(view: View, body: v.ResultBatch) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.to_builtins(body)
    del value["context"]
    texts, irregular = view.blob(body.write_ins.texts, "tally"), view.blob(body.irregular, "tally")
    value["write_ins"] = {"votes": body.write_ins.votes, "texts": canonical.decode(texts, limit=len(texts))}
    value["irregular"] = canonical.decode(irregular, limit=len(irregular))
    return value


def lines(batch: Batch, contest: s.Contest) -> Iterator[Line]:
    """The table of one batch: options, combinations, write-ins, nulls, total; sums by candidate where there are
    coalitions."""
    names = {option.id: option_label(option) for option in contest.options}
    shorts = {option.id: option.party or option.id for option in contest.options}
    distributed = {line["option"]: line["votes"] for line in batch["distributed"]}
    for line in batch["options"]:
        yield Line("option", names[line["option"]], line["votes"], distributed[line["option"]])
    for line in batch["combinations"]:
        yield Line("combination", " + ".join(shorts[member] for member in line["members"]), line["votes"], None)
    if contest.write_in_bytes:
        yield Line("write-ins", "", batch["write_ins"]["votes"], None)
        for text in batch["write_ins"]["texts"]:
            yield Line("write-in", text, None, None)
    yield Line("nulls", "", batch["nulls"], None)
    yield Line("total", "", batch["rows"], None)
    candidates = {coalition.id: coalition.candidate for coalition in contest.coalitions}
    if candidates:
        for line in batch["candidates"]:
            yield Line(
                "candidate", candidates.get(line["id"]) or names.get(line["id"], line["id"]), None, line["votes"]
            )
