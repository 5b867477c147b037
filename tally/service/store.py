"""What the tally keeps beside its log: the shares of the drill that is not closed yet."""

from __future__ import annotations

from sqlalchemy import Engine, insert, select

from tally.service.tables import drill_share
from vemre.crypto import canonical
from vemre.params import MAX_ENTRY_BYTES
from vemre.records.record import parse_value, plain
from vemre.records.setup_bodies import DrillShare
from vemre.storage.engine import writing


class TallyStore:
    """The tally's rows. Every method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add_share(self, context: bytes, number: int, share: DrillShare) -> bool:
        """Keep a verified share; false where the trustee has given one for this drill already (that one stays)."""
        key = {"context": context.hex(), "number": number, "trustee": share.trustee}
        with writing(self._engine) as connection:
            known = select(drill_share.c.trustee).where(*(drill_share.c[name] == key[name] for name in key))
            if connection.scalar(known) is not None:
                return False
            connection.execute(insert(drill_share).values(**key, share=canonical.encode(plain(share))))
            return True

    def shares(self, context: bytes, number: int) -> dict[str, DrillShare]:
        """The shares of one drill, by trustee."""
        rows = select(drill_share.c.trustee, drill_share.c.share).where(
            drill_share.c.context == context.hex(), drill_share.c.number == number
        )
        with self._engine.connect() as connection:
            return {
                row.trustee: parse_value(row.share, DrillShare, limit=MAX_ENTRY_BYTES)
                for row in connection.execute(rows)
            }
