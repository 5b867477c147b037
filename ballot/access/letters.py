"""Access links: sent by the ballot box, never by the registry, to the addresses of the roster.

The secret stands in the fragment of the address alone, which no browser sends and no server logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine

from ballot.access import rows
from ballot.access.means import Means
from ballot.store import Account
from vemre.records.fields import format_time
from vemre.records.setup_bodies import Manifest
from vemre.service import official
from vemre.service.delivery import Message, name_of
from vemre.storage.engine import writing

PAGE: Final = "/acceso"
_BATCH: Final = 500
_LINKS: Final = ("access-link", "recovery")


@dataclass(frozen=True)
class LinksSent:
    """Links that were made and put into the outbox, and accounts that need one but have no telephone."""

    sent: int
    without_phone: int


@dataclass(frozen=True)
class Occasion:
    """What a letter says beside the link: the election, until when the link is of use, and where the box answers."""

    name_es: str
    name_en: str
    closes: int
    address: str

    @classmethod
    def of(cls, manifest: Manifest, closes: int, address: str) -> Occasion:
        """Of the election that a manifest describes."""
        return cls(manifest.name.es, manifest.name.en, closes, address.rstrip("/"))


def send_lacking(means: Means, occasion: Occasion) -> LinksSent:
    """A link for every account that has neither access nor a link that works. Blocking; may be repeated."""
    lacking = means.store.accounts(rows.lacking())
    served = [account for account in lacking if account.phone]
    for start in range(0, len(served), _BATCH):
        _send(means, served[start : start + _BATCH], occasion)
    means.courier.wake()
    return LinksSent(len(served), len(lacking) - len(served))


def _send(means: Means, accounts: list[Account], occasion: Occasion) -> None:
    made = [(account, official.new_token(means.random)) for account in accounts]
    means.send(*(link_message("access-link", account, token, occasion) for account, token in made))
    digests = [(account.pseudonym, official.digest(token)) for account, token in made]
    with writing(means.store.engine) as connection:
        rows.put_links(connection, digests, means.clock())


def link_message(template: str, account: Account, token: str, occasion: Occasion) -> Message:
    """The mail with a link; a newer one takes the place of an older that waits."""
    values = {
        "url": f"{occasion.address}{PAGE}#{token}",
        "election_es": occasion.name_es,
        "election_en": occasion.name_en,
        "until": format_time(occasion.closes),
    }
    name = name_of("access-link", account.pseudonym)
    return Message(name, "mail", account.contact, template, values, until=occasion.closes)


def is_ready(engine: Engine, message: Message) -> bool:
    """Whether what a letter says is true by now: a link that no row knows was made by an act that did not come to its
    end, or was followed by another."""
    if message.template not in _LINKS:
        return True
    token = message.values["url"].partition("#")[2]
    with engine.connect() as connection:
        return rows.knows_link(connection, official.digest(token))
