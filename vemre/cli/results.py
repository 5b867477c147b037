"""Tables of results, one for each urn and contest, from result batches with their blobs inlined.

A result that is not certified says PRELIMINARY in every title; so does a demonstration say that its votes are
generated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from vemre.cli import console
from vemre.cli.translations import language, say
from vemre.election import published
from vemre.messages.result_lines import label
from vemre.records.setup_bodies import Contest, Offer

_BEFORE: Final = {"write-in": "    ", "candidate": "→ "}
"""What sets these kinds of lines apart from the options."""


def put_results(
    batches: Sequence[published.Batch], offer: Offer, *, certified: bool, notice: str | None = None
) -> None:
    """Every table, in the order given. `notice` stands in every title, such as that the votes are generated."""
    urns = {urn.id: urn.name for urn in offer.urns}
    contests = {contest.id: contest for contest in offer.contests}
    status = say("results-certified") if certified else say("results-preliminary")
    for batch in batches:
        contest = contests[batch["contest"]]
        parts = [urns[batch["urn"]], getattr(contest.title, language()), status, *([notice] if notice else [])]
        columns = [say(f"results-column-{name}") for name in ("line", "marks", "distributed")]
        console.put_table(" · ".join(parts), columns, _rows(batch, contest), numeric=(1, 2))
    if not certified:
        console.put(say("results-preliminary-long"))


def _rows(batch: published.Batch, contest: Contest) -> list[tuple[str, object, object]]:
    return [
        (
            _BEFORE.get(line.kind, "") + label(line, batch, language()),
            "" if line.marks is None else line.marks,
            "" if line.votes is None else line.votes,
        )
        for line in published.lines(batch, contest)
    ]
