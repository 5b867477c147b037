"""Recovery: a voter who lost password or telephone gets a new access. Two officials are needed, one after the other.

One who could do it alone could put a voter out, or take over an account with the help of the voter's mailbox. What the
voter has cast stays; the credential is the registry's and is not touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import structlog
from sqlalchemy import Connection, delete, insert, select, update

from ballot.access import rows
from ballot.access.letters import Occasion, link_message
from ballot.access.means import Means
from ballot.store import Account
from ballot.tables import passkey, recovery
from vemre.errors import Refused
from vemre.service import official
from vemre.service.vault import Place
from vemre.storage.engine import writing

OPEN_SECONDS: Final = 24 * 3600
"""How long a recovery waits for the second official."""
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Recovery:
    """An open recovery. `user` is the address, times are POSIX seconds."""

    id: str
    user: str
    reason: str
    opened_by: str
    opened: int

    def __repr__(self) -> str:
        return f"Recovery({self.id})"


class Recoveries:
    """The two acts. All block."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._engine = means.store.engine

    def open(self, user: str, reason: str, who: str) -> Recovery:
        """Open a recovery; the one that is open for this account already is given instead.

        Raises Refused("account-unknown"), Refused("account-without-phone").
        """
        means, now = self._means, self._means.clock()
        account = means.store.account_of_user(user)
        if account is None:
            raise Refused("account-unknown")
        if not account.phone:
            raise Refused("account-without-phone")
        with writing(self._engine) as connection:
            found = self._standing(connection, account.pseudonym, now)
            if found is not None:
                return self._opened(found, account)
            id = means.nonce()
            sealed = means.vault.seal(Place("recovery", "reason", id), reason)
            values = {"id": id, "pseudonym": account.pseudonym, "reason": sealed, "opened_by": who, "opened": now}
            connection.execute(insert(recovery).values(values))
        _logger.info("recovery-opened", recovery=id, who=who)
        return Recovery(id, account.contact, reason, who, now)

    def waiting(self) -> list[Recovery]:
        """The recoveries that wait for a second official."""
        query = select(recovery).where(recovery.c.confirmed.is_(None), recovery.c.opened > self._oldest())
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(recovery.c.opened, recovery.c.id)).all()
        accounts = [(row, self._means.store.account(row.pseudonym)) for row in found]
        return [self._opened(row, account) for row, account in accounts if account is not None]

    def confirm(self, id: str, who: str, occasion: Occasion) -> None:
        """Make the access void, end the sessions, and send a new link. Confirming again does nothing.

        Raises Refused("recovery-unknown"), Refused("recovery-over"), Refused("recovery-needs-another").
        """
        means, now = self._means, self._means.clock()
        with writing(self._engine) as connection:
            row = connection.execute(select(recovery).where(recovery.c.id == id).with_for_update()).one_or_none()
            if row is None:
                raise Refused("recovery-unknown")
            if row.opened_by == who:
                raise Refused("recovery-needs-another")
            if row.confirmed is not None:
                return
            account = means.store.account(row.pseudonym)
            if row.opened <= self._oldest() or account is None:
                raise Refused("recovery-over")
            token = official.new_token(means.random)
            means.send(link_message("recovery", account, token, occasion))
            rows.drop_access(connection, row.pseudonym)
            means.sessions.end_all(connection, row.pseudonym)
            connection.execute(delete(passkey).where(passkey.c.pseudonym == row.pseudonym))
            rows.put_links(connection, [(row.pseudonym, official.digest(token))], now)
            connection.execute(update(recovery).where(recovery.c.id == id).values(confirmed_by=who, confirmed=now))
        _logger.info("recovery-confirmed", recovery=id, opened_by=row.opened_by, who=who)
        means.courier.wake()

    def _standing(self, connection: Connection, pseudonym: str, now: int) -> Any:
        query = select(recovery).where(
            recovery.c.pseudonym == pseudonym, recovery.c.confirmed.is_(None), recovery.c.opened > now - OPEN_SECONDS
        )
        return connection.execute(query.limit(1)).one_or_none()

    def _opened(self, row: Any, account: Account) -> Recovery:
        reason = self._means.vault.open(Place("recovery", "reason", row.id), row.reason)
        return Recovery(row.id, account.contact, reason, row.opened_by, row.opened)

    def _oldest(self) -> int:
        return self._means.clock() - OPEN_SECONDS
