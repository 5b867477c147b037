"""Shows an offer as the ballots that voters will get: one HTML page without scripts that needs nothing else (REQ-12).

Parties and public look at it, and sign it, before any key is made. Whatever stands in an offer is text here: it is
escaped (`pages`), and the page's own policy lets nothing run or load.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from tally import pages
from vemre import messages
from vemre.crypto import canonical
from vemre.messages import Language
from vemre.records.record import plain
from vemre.records.setup_bodies import Contest, Offer

_WORDS: Final = (
    "title",
    "intro",
    "urns",
    "coalition",
    "combine",
    "emblem",
    "write-in",
    "write-in-limit",
    "null",
    "options",
    "blocks",
)


def preview(offer: Offer) -> str:
    """The page. An urn that names a contest that does not exist shows without it: `lint` tells of that."""
    return pages.render(
        "ballots.html",
        "ballots.css",
        es=_words("es"),
        en=_words("en"),
        digest=hashlib.sha256(canonical.encode(plain(offer))).hexdigest(),
        urns=_urns(offer),
    )


def _words(language: Language) -> dict[str, str]:
    return {f"preview_{name.replace('-', '_')}": messages.text(f"preview-{name}", language) for name in _WORDS}


def _urns(offer: Offer) -> list[dict[str, Any]]:
    contests = {contest.id: _contest(contest) for contest in offer.contests}
    return [
        {"id": urn.id, "name": urn.name, "contests": [contests[id_] for id_ in urn.contests if id_ in contests]}
        for urn in offer.urns
    ]


def _contest(contest: Contest) -> dict[str, Any]:
    value = plain(contest)
    short = {option.id: option.party or option.name for option in contest.options}
    coalition_of = {
        member: {"name": coalition.candidate, "id": coalition.id}
        for coalition in contest.coalitions
        for member in coalition.members
    }
    value["options"] = [
        {
            "name": option.name,
            "party": option.party or "",
            "emblem": option.emblem or "",
            "coalition": coalition_of.get(option.id),
        }
        for option in contest.options
    ]
    value["coalitions"] = [
        {"candidate": coalition.candidate, "members": [short.get(member, member) for member in coalition.members]}
        for coalition in contest.coalitions
    ]
    return value
