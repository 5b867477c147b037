"""The public page of results: PRELIMINARY or CERTIFIED in large letters, who has given an opinion, and every table.

One page in the reader's language, without scripts, from the logs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from tally import pages
from tally.service.office import Results
from vemre import messages
from vemre.election import published
from vemre.messages import Language
from vemre.messages.result_lines import label
from vemre.records.setup_bodies import Contest, Urn

STYLE: Final = "results.css"
HEADERS: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src '{pages.style_hash(STYLE)}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Vary": "Accept, Accept-Language",
    "Cache-Control": "no-cache",
}
"""What the page is answered with."""

_WORDS: Final = (
    "title",
    "status",
    "status-none",
    "status-preliminary",
    "status-certified",
    "about-none",
    "about-preliminary",
    "about-certified",
    "opinions",
    "opinions-caption",
    "auditor",
    "opinion",
    "verdict-favourable",
    "verdict-unfavourable",
    "verdict-none",
    "contents",
    "tables",
    "marks-and-votes",
    "other-language",
)
_LINE_WORDS: Final = ("line", "marks", "distributed")


def page(results: Results, language: Language) -> str:
    """The page in one language."""
    words = {name.replace("-", "_"): messages.text(f"results-page-{name}", language) for name in _WORDS}
    words |= {f"column_{name}": messages.text(f"results-column-{name}", language) for name in _LINE_WORDS}
    words["source"] = messages.text("results-page-source", language, entries=results.entries)
    return pages.render(
        "results.html",
        STYLE,
        language=language,
        other="es" if language == "en" else "en",
        words=words,
        status=results.status,
        election=None if results.name is None else getattr(results.name, language),
        opinions=[{"id": who.id, "name": who.name, "verdict": verdict or "none"} for who, verdict in results.opinions],
        urns=list(_urns(results, language)),
    )


def _urns(results: Results, language: Language) -> Iterator[dict[str, Any]]:
    if results.offer is None:
        return
    contests = {contest.id: contest for contest in results.offer.contests}
    for urn in results.offer.urns:
        own = [batch for batch in results.batches if batch["urn"] == urn.id]
        tables = [_table(batch, contests[batch["contest"]], urn, language) for batch in own]
        if tables:
            yield {"name": urn.name, "tables": tables}


def _table(batch: published.Batch, contest: Contest, urn: Urn, language: Language) -> dict[str, Any]:
    return {
        "title": getattr(contest.title, language),
        "urn": urn.name,
        "lines": [
            {"kind": line.kind, "label": _label(line, batch, language), "marks": line.marks, "votes": line.votes}
            for line in published.lines(batch, contest)
        ],
    }


def _label(line: published.Line, batch: published.Batch, language: Language) -> str:
    if line.kind == "candidate":
        return messages.text("results-page-candidate", language, name=line.label)
    return label(line, batch, language)
