"""Who has which of the values that only one person may have, by blind index.

Applications claim their values when they come in, voters when they are put on the roll; the primary key of the table
decides among those who come together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from registry.core import Known, Voter
from registry.fields import UNIQUE, key_of
from registry.tables import application, claim
from vemre.errors import Refused
from vemre.service.vault import Place, Vault


class Claims:
    """The claims of one registry. Every method is part of the caller's transaction."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def digest(self, kind: str, value: str) -> bytes:
        """The blind index of a value."""
        return self._vault.index(kind, key_of(kind, value))

    def voter_of(self, connection: Connection, kind: str, value: str) -> int | None:
        """The number of the voter who has a value."""
        query = select(claim.c.voter).where(claim.c.kind == kind, claim.c.digest == self.digest(kind, value))
        return connection.scalar(query)

    def claim(self, connection: Connection, number: int, values: Mapping[str, str]) -> None:
        """Claim an application's unique values in place of those that it claimed before.

        Raises Refused("application-conflict"), which does not say what is taken: that would tell strangers who is
        enrolled.
        """
        connection.execute(delete(claim).where(claim.c.application == number))
        rows = [
            {"kind": kind, "digest": self.digest(kind, values[kind]), "application": number, "voter": None}
            for kind in UNIQUE
        ]
        try:
            with connection.begin_nested():
                connection.execute(insert(claim), rows)
        except IntegrityError:
            raise Refused("application-conflict") from None

    def release(self, connection: Connection, number: int) -> None:
        """Give up what an application claimed, so that the person may apply again."""
        connection.execute(delete(claim).where(claim.c.application == number))

    def pass_on(self, connection: Connection, number: int, voter: int) -> None:
        """What an application claimed is now its voter's too."""
        connection.execute(update(claim).where(claim.c.application == number).values(voter=voter))

    def take_voters(self, connection: Connection, voters: Iterable[tuple[int, Voter]]) -> None:
        """Claim the values of voters who did not apply here. Raises Refused("application-conflict")."""
        rows = [
            {"kind": kind, "digest": self.digest(kind, getattr(found, kind)), "application": None, "voter": number}
            for number, found in voters
            for kind in UNIQUE
        ]
        if not rows:
            return
        try:
            with connection.begin_nested():
                connection.execute(insert(claim), rows)
        except IntegrityError:
            raise Refused("application-conflict") from None

    def add_applicants(self, connection: Connection, known: Known) -> None:
        """Take into account what applications claim that are not on the roll."""
        columns = (application.c.application, application.c.folio, application.c.data)
        query = select(*columns).where(application.c.voter.is_(None), application.c.state != "refused")
        for row in connection.execute(query):
            data = json.loads(self._vault.open(Place("application", "data", str(row.application)), row.data))
            known.claves.add(data["clave_de_elector"])
            known.emails.add(key_of("email", data["email"]))
            known.phones.add(data["phone"])
            known.folios.add(self._vault.open(Place("application", "folio", str(row.application)), row.folio))
