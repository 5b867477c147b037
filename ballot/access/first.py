"""First access (REQ-26): a link by e-mail, the last four digits of the telephone, a second factor, a password."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final, Literal

from ballot.access import factors, passwords, rows
from ballot.access.addresses import masked_mail, masked_phone
from ballot.access.factors import Method
from ballot.access.means import Means
from ballot.access.rows import Access, Link
from ballot.access.tickets import Ticket
from ballot.store import Account
from vemre.errors import Refused
from vemre.service import official
from vemre.service.delivery import Message, name_of
from vemre.service.vault import Place
from vemre.storage.engine import writing

TICKET_SECONDS: Final = 30 * 60
_PHONE_DIGITS: Final = 4


@dataclass(frozen=True)
class Begun:
    """Who holds the link (masked), and which second factors there are."""

    ticket: str
    user: str
    factors: tuple[Method, ...]


@dataclass(frozen=True)
class Totp:
    """What an authenticator application needs."""

    secret: str
    uri: str

    def __repr__(self) -> str:
        return "Totp(...)"


class FirstAccess:
    """The three steps. All block."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._engine = means.store.engine

    def begin(self, token: str, digits: str) -> Begun:
        """Raises Refused("access-refused"): the one answer to a link that does not exist, is used or void, to wrong
        digits, and after the vote."""
        means, digest = self._means, official.digest(token)
        with writing(self._engine) as connection:
            link = rows.find_link(connection, digest)
            phone = means.vault.open(_contact("phone", link), link.phone) if link is not None else ""
            right = len(phone) >= _PHONE_DIGITS and hmac.compare_digest(phone[-_PHONE_DIGITS:], digits)
            if link is not None and not right:
                rows.mistaken(connection, digest)
        if link is None or not right or means.over():
            raise Refused("access-refused")
        expires = means.clock() + TICKET_SECONDS
        ticket = Ticket("first-access", means.nonce(), link.pseudonym, means.nonce(), digest.hex(), expires)
        user = means.vault.open(_contact("contact", link), link.contact)
        methods: tuple[Method, ...] = ("totp", "sms") if "sms" in means.channels else ("totp",)
        return Begun(ticket.seal(means.vault), masked_mail(user), methods)

    def factor(self, sealed: str, method: Method) -> Totp | str:
        """What an application needs; or where a code was sent to (masked).

        Asking again gives the same secret, or another code while not too many were sent lately. Raises
        Refused("ticket-over"), Refused("access-refused"), Refused("factor-unavailable").
        """
        means, ticket = self._means, self._open(sealed)
        if method == "sms" and "sms" not in means.channels:
            raise Refused("factor-unavailable")
        with writing(self._engine) as connection:
            link = self._link(rows.find_link(connection, bytes.fromhex(ticket.key)))
            if method == "totp":
                user = means.vault.open(_contact("contact", link), link.contact)
                secret = factors.totp_secret(means.vault, ticket.nonce)
                return Totp(secret, factors.totp_uri(secret, user))
            phone = means.vault.open(_contact("phone", link), link.phone)
            code = rows.put_code(connection, means.vault, ticket.account, means.clock(), means.random)
            if code is not None:
                means.send(code_message(ticket.account, phone, code))
        means.courier.wake()
        return masked_phone(phone)

    def prepare(self, sealed: str, password: str) -> str:
        """What is to be kept of a password, after judging it: all of `confirm` that takes long. Uses nothing up.

        Raises Refused: "ticket-over", "access-refused", "password-short", "password-long", "password-common".
        """
        passwords.check(password, self._account(self._open(sealed)).contact)
        return passwords.hashed(password)

    def confirm(self, sealed: str, code: str, password: str, kept: str) -> str:
        """Make the access; the link is used up. Gives the user's address. The same again is no error.

        `kept` is what `prepare` gave. Raises Refused: "ticket-over", "access-refused", "access-code-wrong".
        """
        ticket = self._open(sealed)
        account = self._account(ticket)
        outcome = self._confirm(ticket, code, kept)
        if outcome == "wrong":
            raise Refused("access-code-wrong")
        if outcome == "gone" and not self._made_before(ticket, password):
            raise Refused("access-refused")
        return account.contact

    def _account(self, ticket: Ticket) -> Account:
        account = self._means.store.account(ticket.account)
        if account is None:
            raise Refused("access-refused")
        return account

    def _confirm(self, ticket: Ticket, code: str, kept: str) -> Literal["made", "wrong", "gone"]:
        means, now = self._means, self._means.clock()
        secret = factors.totp_secret(means.vault, ticket.nonce)
        with writing(self._engine) as connection:
            if rows.find_link(connection, bytes.fromhex(ticket.key)) is None or means.over():
                return "gone"
            step = factors.totp_step(secret, code, means.devices(), after=-1)
            if step is not None:
                made = Access(ticket.account, ticket.nonce, kept, "totp", secret, step, 0, 0)
            elif rows.take_code(connection, means.vault, ticket.account, code, now):
                made = Access(ticket.account, ticket.nonce, kept, "sms", "", -1, 0, 0)
            else:
                return "wrong"
            rows.put_access(connection, means.vault, made, now)
            means.sessions.end_all(connection, ticket.account)
        return "made"

    def _made_before(self, ticket: Ticket, password: str) -> bool:
        """Whether this very confirmation was answered before, and the answer was lost."""
        with self._engine.connect() as connection:
            found = rows.access_of(connection, self._means.vault, ticket.account)
        return found is not None and found.made == ticket.nonce and passwords.matches(found.password, password)

    def _open(self, sealed: str) -> Ticket:
        return Ticket.open(self._means.vault, "first-access", sealed, self._means.clock())

    def _link(self, link: Link | None) -> Link:
        if link is None or self._means.over():
            raise Refused("access-refused")
        return link


def code_message(pseudonym: str, phone: str, code: str) -> Message:
    """The text message with a code; a newer one takes the place of an older that waits."""
    values = {"code": code, "minutes": str(rows.CODE_SECONDS // 60)}
    return Message(name_of("sms-code", pseudonym), "sms", phone, "sms-code", values)


def _contact(column: str, link: Link) -> Place:
    return Place("account", column, link.pseudonym)
