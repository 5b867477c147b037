"""The roll in its two orders, as text/csv, a part at a time (REQ-5).

Names are sealed in the database, so a part is read, opened and put in order here: one district's voters at most.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, Literal

from sqlalchemy import func, select

from registry.core import Voter
from registry.store import RegistryStore
from registry.tables import voter

Order = Literal["country", "entity"]
ORDERS: Final[dict[Order, tuple[str, ...]]] = {
    "country": ("country", "entity", "district"),
    "entity": ("entity", "district"),
}
"""By country, then entity and district; by entity and district. Within a part by names, as the alphabet has them."""


def pages(store: RegistryStore, order: Order, fields: Sequence[str]) -> Iterator[bytes]:
    """The header, then the lines of one part after another. Blocking."""
    yield _lines([list(fields)])
    columns = [voter.c[name] for name in ORDERS[order]]
    with store.engine.connect() as connection:
        parts = [tuple(row) for row in connection.execute(select(*columns).distinct())]
    for chosen in sorted(parts, key=lambda found: (*found[:-1], int(found[-1]))):
        yield _lines([[getattr(person, name) for name in fields] for person in part(store, order, chosen)])


def branches(store: RegistryStore, order: Order, chosen: Sequence[str]) -> list[tuple[str, int]]:
    """The values of the next column below what was chosen, each with how many voters it has. Blocking."""
    columns = [voter.c[name] for name in ORDERS[order]]
    where = [column == value for column, value in zip(columns, chosen, strict=False)]
    column = columns[len(chosen)]
    query = select(column, func.count()).where(*where).group_by(column)
    with store.engine.connect() as connection:
        found = [(str(row[0]), int(row[1])) for row in connection.execute(query)]
    return sorted(found, key=lambda item: (int(item[0]) if column.name == "district" else 0, item[0]))


def part(store: RegistryStore, order: Order, chosen: Sequence[str]) -> list[Voter]:
    """The voters of one part, in the order of their names. Blocking."""
    columns = [voter.c[name] for name in ORDERS[order]]
    where = [column == value for column, value in zip(columns, chosen, strict=True)]
    with store.engine.connect() as connection:
        found = [person for _, person in store.voters(connection, *where)]
    return sorted(found, key=lambda person: (alphabetical(person.names), person.folio))


def alphabetical(names: str) -> str:
    """What puts names in the order of the Spanish alphabet: accents do not count, and ñ comes after n."""
    marked = names.casefold().replace("ñ", "n\uffff")
    return "".join(sign for sign in unicodedata.normalize("NFD", marked) if not unicodedata.combining(sign))


def _lines(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
