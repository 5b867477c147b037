"""A new key for the vault of a service that is stopped, with everything sealed anew under it.

Whoever has the older key file and gets a later copy of the database or of the outbox can read nothing of it. At every
moment in between, the key file opens all that is there: a rotation that broke off is done again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import Engine, Table, select, update

from vemre.errors import Refused
from vemre.service import vault as vaults
from vemre.service.delivery import Outbox
from vemre.service.vault import Place, Vault, VaultError
from vemre.storage.engine import writing
from vemre.types import Random

_BATCH: Final = 500


class Sealed(NamedTuple):
    """The sealed columns of a table whose primary key is one column; `row` is the column that names a row in a
    `Place`: a number or text as it is, bytes in hexadecimal."""

    table: Table
    row: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Rotated:
    """The number of the new key, and how many values were sealed anew."""

    key: int
    resealed: int


def rotate(
    engine: Engine,
    folder: Path,
    vault_table: Table,
    columns: Sequence[Sealed],
    outbox: Path,
    *,
    keep_older: bool = False,
    random: Random = os.urandom,
) -> Rotated:
    """Make a new key in `folder`, seal everything under it, and forget the older ones unless `keep_older`.

    The database must have been bound to the vault. Raises Refused("vault-unusable"), also for a value that no key
    opens: then all keys stay.
    """
    number = vaults.rotate(folder, random)
    vault = vaults.load(folder)
    try:
        renewed = sum(_renew(engine, vault, one) for one in (*columns, Sealed(vault_table, "one", ("proof",))))
    except VaultError as error:
        raise Refused("vault-unusable", reason=str(error)) from None
    renewed += Outbox(outbox, vault).reseal()
    # Nothing of what the older key opens is left in the database's files.
    vaults.overwrite(engine)
    if not keep_older:
        vaults.drop_older(folder)
    return Rotated(number, renewed)


def _renew(engine: Engine, vault: Vault, sealed: Sealed) -> int:
    (key,) = sealed.table.primary_key.columns
    last: Any = None
    renewed = 0
    while True:
        query = select(sealed.table).order_by(key).limit(_BATCH)
        with writing(engine) as connection:
            rows = connection.execute(query if last is None else query.where(key > last)).all()
            for row in rows:
                values = _renewed(vault, sealed, row._mapping)
                if values:
                    connection.execute(update(sealed.table).where(key == row._mapping[key]).values(values))
                    renewed += len(values)
        if not rows:
            return renewed
        last = rows[-1]._mapping[key]


def _renewed(vault: Vault, sealed: Sealed, row: Any) -> dict[str, str]:
    """The columns of a row that an older key sealed, sealed anew."""
    name = row[sealed.row]
    text = name.hex() if isinstance(name, bytes) else str(name)
    found = {}
    for column in sealed.columns:
        if row[column] is not None:
            anew = vault.renew(Place(sealed.table.name, column, text), row[column])
            if anew is not None:
                found[column] = anew
    return found
