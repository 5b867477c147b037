"""What opens the commitments about a person, for that person alone (docs/spec/enrolment.md).

Whoever applied has the code of the application. Voters who came with an imported roll have one too, which follows from
their number and the key of the vault, so that nothing is kept of it: 25 bits of the number, 75 bits that nobody without
that key can make.
"""

from __future__ import annotations

import hmac
from typing import Final

from starlette.concurrency import run_in_threadpool

from registry import commitments
from registry.commitments import Commitments, Committed, Subject
from registry.core import Voter
from registry.node import RegistryNode
from registry.store import RegistryStore
from registry.tables import voter
from vemre.crypto import crockford
from vemre.errors import Refused
from vemre.records.enrolment import Opening
from vemre.service.official import unauthorized
from vemre.service.station import Station

CODE_SYMBOLS: Final = 20
_NUMBER_SYMBOLS: Final = 5
_PROOF_BITS: Final = 5 * (CODE_SYMBOLS - _NUMBER_SYMBOLS)


class Openings:
    """The openings of one registry."""

    def __init__(self, station: Station[RegistryNode], store: RegistryStore, rows: Commitments) -> None:
        self._station = station
        self._store = store
        self._rows = rows

    def of(self, subject: Subject) -> list[tuple[Committed, Opening | None]]:
        """The commitments about somebody, each with the file that proves it once it is in the log. Blocking."""
        return [(one, self._opening(one)) for one in self._rows.of(subject)]

    def _opening(self, one: Committed) -> Opening | None:
        store, anchors = self._station.store, self._station.anchors
        if one.position is None or one.position >= store.size:
            return None
        entry = store.entry(one.position)
        note: bytes | None = None
        for wanted in range(anchors.quorum, 0, -1):
            opened = store.latest_cosigned(anchors.witnesses, wanted, covering=one.position + 1)
            if opened is not None:
                note = opened.note.encode()
                break
        return Opening(one.salt, one.change, entry, store.receipt(one.position, note).encode())

    # --- voters who came with an imported roll ----------------------------------------------------------------------

    def code_of(self, number: int) -> str:
        """The code of a voter, in groups."""
        proof = int.from_bytes(self._store.vault.index("voter-code", str(number)), "big") >> (256 - _PROOF_BITS)
        return crockford.grouped(crockford.encode(number << _PROOF_BITS | proof, CODE_SYMBOLS))

    def code_for(self, folio: str) -> tuple[int, str]:
        """Number and code of the voter with a folio. Blocking. Raises Refused: "not-enrolled", "has-application"."""
        number = self._store.number_by_folio(folio)
        if number is None:
            raise Refused("not-enrolled")
        if not self._rows.of(commitments.voter(number)):
            raise Refused("has-application")
        return number, self.code_of(number)

    async def voter_by_code(self, code: str) -> tuple[int, Voter]:
        """Whose code it is. Raises the one 401 for a code that is nobody's."""
        wanted = crockford.normalise(code)
        try:
            number = crockford.decode(wanted) >> _PROOF_BITS
        except ValueError:
            raise unauthorized() from None
        if len(wanted) != CODE_SYMBOLS or not hmac.compare_digest(crockford.normalise(self.code_of(number)), wanted):
            raise unauthorized()
        return number, await self.voter(number)

    async def voter(self, number: int) -> Voter:
        """The voter with a number who made no application. Raises the 401."""

        def find() -> Voter | None:
            with self._store.engine.connect() as connection:
                found = next(self._store.voters(connection, voter.c.voter == number), None)
            # Whoever applied has the code of the application, which opens more.
            return found[1] if found is not None and self._rows.of(commitments.voter(number)) else None

        found = await run_in_threadpool(find)
        if found is None:
            raise unauthorized()
        return found

    async def of_voter(self, number: int) -> list[tuple[Committed, Opening | None]]:
        """The same as `of`, for a voter who came with an imported roll."""
        return await run_in_threadpool(self.of, commitments.voter(number))
