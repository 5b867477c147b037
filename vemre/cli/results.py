"""Tables of results, one for each urn and contest, from result batches with their blobs inlined.

A result that is not certified says PRELIMINARY in every title; so does a demonstration say that its votes are
generated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vemre.cli import console
from vemre.cli.translations import language, say
from vemre.election.choice_names import option_label
from vemre.records.setup_bodies import Contest, Offer

ResultBatch = Mapping[str, Any]
"""A result batch as `vemre audit verify --json` gives it."""


def put_results(batches: Sequence[ResultBatch], offer: Offer, *, certified: bool, notice: str | None = None) -> None:
    """Every table, in the order given. `notice` stands in every title, such as that the votes are generated."""
    urns = {urn.id: urn.name for urn in offer.urns}
    contests = {contest.id: contest for contest in offer.contests}
    status = say("results-certified") if certified else say("results-preliminary")
    for batch in batches:
        contest = contests[batch["contest"]]
        parts = [urns[batch["urn"]], getattr(contest.title, language()), status, *([notice] if notice else [])]
        columns = [say(f"results-column-{name}") for name in ("line", "marks", "distributed")]
        console.put_table(" · ".join(parts), columns, list(_lines(batch, contest)), numeric=(1, 2))
    if not certified:
        console.put(say("results-preliminary-long"))


def _lines(batch: ResultBatch, contest: Contest) -> Iterator[tuple[str, object, object]]:
    names = {option.id: option_label(option) for option in contest.options}
    shorts = {option.id: option.party or option.id for option in contest.options}
    distributed = {line["option"]: line["votes"] for line in batch["distributed"]}
    for line in batch["options"]:
        yield names[line["option"]], line["votes"], distributed[line["option"]]
    for line in batch["combinations"]:
        yield " + ".join(shorts[member] for member in line["members"]), line["votes"], ""
    if contest.write_in_bytes:
        yield say("results-write-ins"), batch["write_ins"]["votes"], ""
        for text in batch["write_ins"]["texts"]:
            yield f"    «{text}»", "", ""
    irregular = len(batch["irregular"])
    nulls = say("results-nulls-irregular", count=irregular) if irregular else say("results-nulls")
    yield nulls, batch["nulls"], ""
    yield say("results-total"), batch["rows"], ""
    candidates = {coalition.id: coalition.candidate for coalition in contest.coalitions}
    if candidates:
        for line in batch["candidates"]:
            label = candidates.get(line["id"]) or names.get(line["id"], line["id"])
            yield f"→ {label}", "", line["votes"]
