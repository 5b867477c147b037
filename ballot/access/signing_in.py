"""Signing in: address and password, then six digits. Who fails learns neither at which step nor why.

The password alone opens nothing and is told nothing: the first answer has one form, the second decides. An address
that has no account goes the same way and costs the same work.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Connection

from ballot.access import factors, limits, passwords, rows
from ballot.access.addresses import user_key
from ballot.access.factors import Method
from ballot.access.first import code_message
from ballot.access.limits import Counted
from ballot.access.means import Means
from ballot.access.rows import Access
from ballot.access.tickets import NOBODY, Ticket
from ballot.sessions import Opened
from vemre.errors import Refused
from vemre.service.vault import Vault
from vemre.storage.engine import writing

TICKET_SECONDS: Final = 10 * 60
_NOBODYS: Final = Access(NOBODY, "", "", "totp", "A" * 32, -1, 0, 0)
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Client:
    """From where somebody asks: the network, and what the device's cookie says ("" where there is none)."""

    network: str
    device: str = ""


@dataclass(frozen=True)
class Started:
    """The ticket for the second step, what it asks for, and whom a code has to be sent to first."""

    ticket: str
    method: Method
    send_to: str | None


@dataclass(frozen=True)
class SignedIn:
    """A session, and what the device may keep to be known the next time."""

    session: Opened
    device: str


class SigningIn:
    """The two steps. All block; `begin` hashes."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._engine = means.store.engine
        passwords.nobodys()

    def begin(self, user: str, password: str, client: Client) -> Started:
        """The same answer whatever is right. Raises Refused("too-many-tries")."""
        means, now = self._means, self._means.clock()
        key = user_key(means.vault, user).hex()
        with self._engine.connect() as connection:
            limits.check_wait(connection, self._counted(key, client), now)
            found = rows.access_of_user(connection, means.vault, bytes.fromhex(key))
        kept = found.password if found is not None else passwords.nobodys()
        right = passwords.matches(kept, password)
        # Where it is not the password, which method is said tells nothing, and says the same when asked again.
        method: Method = "sms" if means.vault.index("method", f"{key} {password}")[0] & 1 else "totp"
        account = made = NOBODY
        if found is not None and right:
            account, made, method = found.pseudonym, found.made, found.method
        ticket = Ticket("sign-in", means.nonce(), account, made, key, now + TICKET_SECONDS)
        send_to = account if method == "sms" and account != NOBODY else None
        return Started(ticket.seal(means.vault), method, send_to)

    def send_code(self, pseudonym: str) -> None:
        """Send the code that the second step asks for; after the answer, whose time must not tell that one is sent."""
        means = self._means
        account = means.store.account(pseudonym)
        if account is None:
            return
        with writing(self._engine) as connection:
            if rows.access_of(connection, means.vault, pseudonym, lock=True) is None:
                return
            code = rows.put_code(connection, means.vault, pseudonym, means.clock(), means.random)
            if code is not None:
                means.send(code_message(pseudonym, account.phone, code))
        means.courier.wake()

    def finish(self, sealed: str, code: str, client: Client, previous: str | None = None) -> SignedIn:
        """Open a session; the `previous` one of this browser ends.

        Raises Refused("ticket-over"), Refused("too-many-tries"), and Refused("sign-in-failed") for everything else.
        """
        means, now = self._means, self._means.clock()
        ticket = Ticket.open(means.vault, "sign-in", sealed, now)
        places = self._counted(ticket.key, client)
        known = self._known(ticket.key, client)
        with writing(self._engine) as connection:
            limits.one_at_a_time(connection, places)
            limits.check_wait(connection, places, now)
            found = rows.access_of(connection, means.vault, ticket.account, lock=True)
            if not self._right(connection, ticket, found, code, known=known is not None):
                limits.failed(connection, places, now)
                opened = None
            else:
                limits.forget(connection, places)
                opened = self._open(connection, ticket.account, previous)
        if opened is None:
            raise Refused("sign-in-failed")
        return SignedIn(opened, client.device if known is not None else self.new_device(ticket.key))

    def _open(self, connection: Connection, pseudonym: str, previous: str | None) -> Opened:
        if previous:
            self._means.sessions.end(connection, previous)
        return self._means.sessions.open(connection, pseudonym)

    def _right(self, connection: Connection, ticket: Ticket, found: Access | None, code: str, *, known: bool) -> bool:
        """Whether the code is right; then code and ticket are used up. A failure does the same without an account."""
        means, now = self._means, self._means.clock()
        access = found if found is not None else _NOBODYS
        step = factors.totp_step(access.secret or _NOBODYS.secret, code, means.devices(), access.step)
        sent = rows.take_code(connection, means.vault, ticket.account, code, now)
        open_to_it = found is not None and access.made == ticket.made and (known or access.locked <= now)
        right = step is not None if access.method == "totp" else sent
        if open_to_it and right and rows.spend(connection, ticket.nonce, ticket.expires, now):
            rows.set_access(connection, access.pseudonym, failures=0, locked=0, step=max(access.step, step or 0))
            return True
        failures, locked = access.failures, access.locked
        if open_to_it and not known:
            failures += 1
            locked = max(locked, limits.locked_until(failures, now))
        if locked > access.locked:
            _logger.warning("account-locked", account=access.pseudonym, failures=failures)
        rows.set_access(connection, access.pseudonym, failures=failures, locked=locked)
        return False

    # --- devices ----------------------------------------------------------------------------------------------

    def new_device(self, key: str) -> str:
        """What a device keeps once this user has signed in there."""
        nonce = self._means.nonce()
        return nonce + _device_mac(self._means.vault, key, nonce)

    def new_device_of(self, user: str) -> str:
        """The same, by address."""
        return self.new_device(user_key(self._means.vault, user).hex())

    def _known(self, key: str, client: Client) -> str | None:
        """The number of a device where this user has signed in."""
        nonce, mac = client.device[:32], client.device[32:]
        return nonce if hmac.compare_digest(mac.encode(), _device_mac(self._means.vault, key, nonce).encode()) else None

    def _counted(self, key: str, client: Client) -> tuple[Counted, ...]:
        return limits.counted(self._means.vault, key, client.network, self._known(key, client))


def _device_mac(vault: Vault, key: str, nonce: str) -> str:
    return vault.index("device", f"{key} {nonce}").hex()
