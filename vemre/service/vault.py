"""Personal data at rest: sealed values, and blind indices by which equal values are found without opening any.

A sealed value is text, ``<key id>.<base64url of nonce and ciphertext>``: XChaCha20-Poly1305 whose associated data
names the key and the place (table, column, row), so that a value opens nowhere else. A blind index is HMAC-SHA-256
under a key of its own. The keys are in ``vault.key`` (0600), never in the database; who has only one of the two learns
nothing. Keys have numbers: what an older one sealed still opens after `rotate`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError
from sqlalchemy import Boolean, Column, Connection, Engine, Integer, MetaData, Table, Text, insert, select, update

from vemre.crypto import canonical
from vemre.errors import Refused, VemreError
from vemre.storage.engine import writing
from vemre.types import Random

FILE: Final = "vault.key"
KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 24
_MAX_FILE: Final = 1 << 16
_KIND: Final = "vemre vault 1"


class VaultError(VemreError):
    """A sealed value that does not open here: altered, moved, or sealed under a key that is gone."""


class Place(NamedTuple):
    """Where a value stands. `row` is the row's key, written as text."""

    table: str
    column: str
    row: str


class Vault:
    """The keys. Its representation and its errors show nothing of them."""

    __slots__ = ("_current", "_index", "_keys", "_random")

    def __init__(self, keys: Mapping[int, bytes], current: int, index: bytes, random: Random = os.urandom) -> None:
        """`keys` by number, 32 bytes each; `current` is the one that seals. Raises ValueError."""
        if current not in keys or any(len(key) != KEY_BYTES for key in (*keys.values(), index)):
            raise ValueError("not the keys of a vault")
        self._keys = dict(keys)
        self._current = current
        self._index = index
        self._random = random

    def __repr__(self) -> str:
        return "Vault(...)"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a vault is not copied")

    def seal(self, place: Place, text: str) -> str:
        """`text`, so that it opens at `place` alone."""
        nonce = self._random(_NONCE_BYTES)
        sealed = crypto_aead_xchacha20poly1305_ietf_encrypt(
            text.encode(), _bound(self._current, place), nonce, self._keys[self._current]
        )
        return f"{self._current}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, place: Place, sealed: str) -> str:
        """What was sealed for `place`. Raises VaultError."""
        number, _, data = sealed.partition(".")
        try:
            key = self._keys[int(number)]
            raw = base64.b64decode(data, altchars=b"-_", validate=True)
            if base64.urlsafe_b64encode(raw).decode() != data:
                raise ValueError("another spelling of the same bytes")
            nonce, box = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return crypto_aead_xchacha20poly1305_ietf_decrypt(box, _bound(int(number), place), nonce, key).decode()
        except (CryptoError, KeyError, TypeError, ValueError):
            raise VaultError(f"a sealed value of {place.table}.{place.column} does not open") from None

    def renew(self, place: Place, sealed: str) -> str | None:
        """What was sealed for `place` under an older key, sealed under the current one; None where it is already.
        Raises VaultError."""
        if sealed.partition(".")[0] == str(self._current):
            return None
        return self.seal(place, self.open(place, sealed))

    def index(self, kind: str, value: str) -> bytes:
        """The blind index (32 bytes) of a value that the caller has normalised; equal for equal `kind` and `value`."""
        return hmac.digest(self._index, canonical.encode([kind, value]), hashlib.sha256)


def _bound(number: int, place: Place) -> bytes:
    return canonical.encode([_KIND, number, *place])


# --- the file ------------------------------------------------------------------------------------------------


def create(folder: Path, random: Random = os.urandom) -> None:
    """Make ``vault.key`` in `folder` (0700 where it is made). Raises Refused("vault-unusable") where there is one."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = {"vault": _KIND, "current": 1, "keys": {"1": random(KEY_BYTES).hex()}, "index": random(KEY_BYTES).hex()}
    try:
        _write(folder / FILE, content)
    except FileExistsError:
        raise Refused("vault-unusable", reason="there is a key file already") from None


def rotate(folder: Path, random: Random = os.urandom) -> int:
    """Add a key under which everything is sealed from the next start on; gives its number.

    Raises Refused("vault-unusable").
    """
    content = _read(folder / FILE)
    _vault(content)
    number = max(map(int, content["keys"])) + 1
    content = {**content, "current": number, "keys": {**content["keys"], str(number): random(KEY_BYTES).hex()}}
    _replace(folder, content)
    return number


def drop_older(folder: Path) -> None:
    """Forget every key but the current one: what older ones sealed opens no more. Raises Refused("vault-unusable")."""
    content = _read(folder / FILE)
    _vault(content)
    current = str(content["current"])
    _replace(folder, {**content, "keys": {current: content["keys"][current]}})


def load(folder: Path) -> Vault:
    """The vault whose key file is in `folder`. Raises Refused("vault-unusable")."""
    return _vault(_read(folder / FILE))


def _vault(content: Any) -> Vault:
    try:
        if set(content) != {"vault", "current", "keys", "index"} or content["vault"] != _KIND:
            raise ValueError
        keys = {int(number): bytes.fromhex(key) for number, key in content["keys"].items()}
        return Vault(keys, content["current"], bytes.fromhex(content["index"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused("vault-unusable", reason="the file does not hold the keys of a vault") from None


def _read(path: Path) -> Any:
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_FILE)
    except OSError as error:
        raise Refused("vault-unusable", reason=error.strerror or type(error).__name__) from None
    if not stat.S_ISREG(mode) or mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Refused("vault-unusable", reason="others than its owner may use the file (chmod 600)")
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise Refused("vault-unusable", reason="the file does not hold the keys of a vault") from None


def _replace(folder: Path, content: Any) -> None:
    aside = folder / f".{FILE}.{secrets.token_hex(4)}"
    _write(aside, content)
    os.replace(aside, folder / FILE)
    _sync(folder)


def _write(path: Path, content: Any) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    _sync(path.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- the database that it belongs to ---------------------------------------------------------------------------


def vault_table(metadata: MetaData) -> Table:
    """The table in which a database notes which vault it belongs to: one row, once its values are sealed."""
    return Table(
        "vault",
        metadata,
        Column("one", Integer, primary_key=True),
        Column("proof", Text, nullable=False),
        Column("clean", Boolean, nullable=False),
    )


PROOF: Final = Place("vault", "proof", "1")
"""Where a database keeps what only its vault opens."""


def bind(engine: Engine, table: Table, folder: Path, seal_rows: Callable[[Connection, Vault], bool]) -> Vault:
    """The vault of a database, whose key file is in `folder`; a database that has none yet gets one.

    `seal_rows` seals what stood in clear before there was a vault, and gives whether anything did; then the space that
    the old values took is given up. Raises Refused("vault-unusable") where the key file is missing
    or another's: it is never made anew for a database that was sealed with it.
    """
    with writing(engine) as connection:
        row = connection.execute(select(table.c.proof, table.c.clean)).one_or_none()
        if row is None:
            if not (folder / FILE).exists():
                create(folder)
            vault = load(folder)
            clean = not seal_rows(connection, vault)
            connection.execute(insert(table).values(one=1, proof=vault.seal(PROOF, "vault"), clean=clean))
        else:
            vault, clean = load(folder), row.clean
            try:
                vault.open(PROOF, row.proof)
            except VaultError:
                raise Refused("vault-unusable", reason="the key is not that of this database") from None
    if not clean:
        overwrite(engine)
        with writing(engine) as connection:
            connection.execute(update(table).values(clean=True))
    return vault


def overwrite(engine: Engine) -> None:
    """Leave nothing of replaced rows in the database's files."""
    raw = engine.raw_connection()
    try:
        if engine.dialect.name == "sqlite":
            statements: tuple[str, ...] = ("VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            raw.driver_connection.autocommit = True  # type: ignore[union-attr]
            statements = ("VACUUM FULL",)
        cursor = raw.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
    finally:
        # A connection whose mode was changed is not given to anybody else.
        raw.invalidate()
