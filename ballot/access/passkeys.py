"""Passkeys (WebAuthn), for whoever wants them: the device proves that it is there and that its owner unlocked it.

A passkey is added in a session that was opened just now, and then opens sessions by itself: without an address, so
that nothing can be asked about one, and without a password. It works at the box's own address alone, which is what
keeps it from pages that look like the box's. Source: Web Authentication Level 2, sections 7.1 and 7.2.
"""

from __future__ import annotations

import hmac
import json
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
import webauthn
from sqlalchemy import Connection, func, insert, select, update
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from ballot.access import limits, rows
from ballot.access.means import Means
from ballot.access.signing_in import Client, SignedIn, SigningIn
from ballot.access.tickets import NOBODY, Kind, Ticket
from ballot.sessions import Session
from ballot.tables import passkey
from vemre.errors import Refused
from vemre.storage.engine import writing

TICKET_SECONDS: Final = 5 * 60
FRESH_SECONDS: Final = 10 * 60
"""How old a session may be in which a passkey is added."""
MOST: Final = 10
"""Passkeys of one account."""
_MAX_ID: Final = 1023
_NAME: Final = "VeMRE"
_logger = structlog.get_logger(__name__)


class Passkeys:
    """Adding and using passkeys. All block. Everything raises Refused("passkeys-off") where the box has no address of
    its own in its settings."""

    def __init__(self, means: Means, signing: SigningIn) -> None:
        self._means = means
        self._engine = means.store.engine
        self._signing = signing
        parts = urlsplit(means.public_url or "")
        self._host = parts.hostname or ""
        self._origin = f"{parts.scheme}://{parts.netloc}"

    # --- adding -----------------------------------------------------------------------------------------------

    def begin_adding(self, session: Session) -> tuple[str, dict[str, Any]]:
        """A ticket, and what the browser makes a passkey from. Raises Refused("session-not-fresh")."""
        means = self._means
        self._check_on()
        if means.clock() >= session.opened + FRESH_SECONDS:
            raise Refused("session-not-fresh")
        account = means.store.account(session.pseudonym)
        if account is None:
            raise Refused("sign-in-failed")
        with self._engine.connect() as connection:
            known = connection.scalars(select(passkey.c.id).where(passkey.c.pseudonym == session.pseudonym)).all()
        ticket = self._ticket("passkey", session.pseudonym)
        options = webauthn.generate_registration_options(
            rp_id=self._host,
            rp_name=_NAME,
            user_id=bytes.fromhex(session.pseudonym),
            user_name=account.contact,
            challenge=self._challenge(ticket),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=id) for id in known],
        )
        return ticket.seal(means.vault), json.loads(webauthn.options_to_json(options))

    def add(self, session: Session, sealed: str, credential: dict[str, Any]) -> int:
        """Keep a passkey; gives how many the account has. The same again is no error.

        Raises Refused("ticket-over"), Refused("passkey-refused").
        """
        means = self._means
        self._check_on()
        ticket = Ticket.open(means.vault, "passkey", sealed, means.clock())
        if ticket.account != session.pseudonym:
            raise Refused("ticket-over")
        made = self._verify_new(ticket, credential)
        with writing(self._engine) as connection:
            # Whoever recovers the account meanwhile ends the session first.
            if rows.access_of(connection, means.vault, session.pseudonym, lock=True) is None:
                raise Refused("passkey-refused")
            owner = connection.scalar(select(passkey.c.pseudonym).where(passkey.c.id == made.credential_id))
            count = self._count(connection, session.pseudonym)
            if owner is None and count < MOST:
                values = {"id": made.credential_id, "pseudonym": session.pseudonym, "since": means.clock()}
                key = {"public_key": made.credential_public_key, "uses": made.sign_count}
                connection.execute(insert(passkey).values(**values, **key))
                return count + 1
        if owner != session.pseudonym:
            raise Refused("passkey-refused")
        return count

    def _verify_new(self, ticket: Ticket, credential: dict[str, Any]) -> VerifiedRegistration:
        try:
            made = webauthn.verify_registration_response(
                credential=credential,
                expected_challenge=self._challenge(ticket),
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except Exception as error:
            # What was sent is somebody's, and the library does not say with what it fails on it.
            _logger.info("passkey-refused", reason=type(error).__name__)
            raise Refused("passkey-refused") from None
        if len(made.credential_id) > _MAX_ID:
            raise Refused("passkey-refused")
        return made

    # --- signing in -------------------------------------------------------------------------------------------

    def begin(self) -> tuple[str, dict[str, Any]]:
        """A ticket, and what the browser asks the device for; the same for everybody."""
        self._check_on()
        ticket = self._ticket("sign-in-passkey", NOBODY)
        options = webauthn.generate_authentication_options(
            rp_id=self._host,
            challenge=self._challenge(ticket),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return ticket.seal(self._means.vault), json.loads(webauthn.options_to_json(options))

    def finish(self, sealed: str, credential: dict[str, Any], client: Client, previous: str | None = None) -> SignedIn:
        """Open a session; the `previous` one of this browser ends.

        Raises Refused("ticket-over"), Refused("too-many-tries"), and Refused("sign-in-failed") for everything else.
        """
        means, now = self._means, self._means.clock()
        self._check_on()
        ticket = Ticket.open(means.vault, "sign-in-passkey", sealed, now)
        places = (limits.of_network(means.vault, client.network),)
        with writing(self._engine) as connection:
            limits.check_wait(connection, places, now)
            pseudonym = self._holder(connection, ticket, credential)
            if pseudonym is None or not rows.spend(connection, ticket.nonce, ticket.expires, now):
                limits.failed(connection, places, now)
                opened = None
            else:
                if previous:
                    means.sessions.end(connection, previous)
                opened = means.sessions.open(connection, pseudonym)
        account = means.store.account(pseudonym) if pseudonym is not None else None
        if opened is None or account is None:
            raise Refused("sign-in-failed")
        return SignedIn(opened, self._signing.new_device_of(account.contact))

    def _holder(self, connection: Connection, ticket: Ticket, credential: dict[str, Any]) -> str | None:
        """Whose passkey has answered rightly; its counter moves on."""
        try:
            id = base64url_to_bytes(str(credential["rawId"]))
        except (KeyError, ValueError):
            return None
        row = connection.execute(select(passkey).where(passkey.c.id == id).with_for_update()).one_or_none()
        if row is None:
            return None
        try:
            verified = self._verify(ticket, credential, row.public_key, row.uses)
            handle = credential["response"].get("userHandle")
            mine = handle is None or hmac.compare_digest(base64url_to_bytes(handle), bytes.fromhex(row.pseudonym))
        except Exception as error:
            _logger.info("passkey-refused", reason=type(error).__name__)
            return None
        if not mine:
            return None
        connection.execute(update(passkey).where(passkey.c.id == id).values(uses=verified.new_sign_count))
        return str(row.pseudonym)

    def _verify(self, ticket: Ticket, credential: dict[str, Any], key: bytes, uses: int) -> VerifiedAuthentication:
        return webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=self._challenge(ticket),
            expected_rp_id=self._host,
            expected_origin=self._origin,
            credential_public_key=key,
            credential_current_sign_count=uses,
            require_user_verification=True,
        )

    # --- both ---------------------------------------------------------------------------------------------------

    def _ticket(self, kind: Kind, account: str) -> Ticket:
        means = self._means
        return Ticket(kind, means.nonce(), account, NOBODY, "0" * 64, means.clock() + TICKET_SECONDS)

    def _challenge(self, ticket: Ticket) -> bytes:
        """What the device signs: it belongs to this ticket, and nobody can tell it beforehand."""
        return self._means.vault.index("passkey", f"{ticket.kind} {ticket.nonce}")

    def _count(self, connection: Connection, pseudonym: str) -> int:
        query = select(func.count()).select_from(passkey).where(passkey.c.pseudonym == pseudonym)
        return connection.scalar(query) or 0

    def _check_on(self) -> None:
        if not self._host:
            raise Refused("passkeys-off")
