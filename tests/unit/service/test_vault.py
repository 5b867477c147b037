"""Sealed values open at their own place alone, under their own keys alone."""

from __future__ import annotations

import json
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, MetaData, Table, Text, select, text, update

from vemre.errors import Refused
from vemre.service import vault as vaults
from vemre.service.vault import FILE, Place, Vault, VaultError
from vemre.storage.engine import open_engine, writing

HERE = Place("voter", "email", "7")
PLANTED = "correo.plantado@example.org"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    vaults.create(tmp_path / "vault")
    return vaults.load(tmp_path / "vault")


@given(value=st.text())
def test_what_is_sealed_opens(value: str) -> None:
    vault = Vault({1: bytes(32)}, 1, bytes(32))
    clear = value.encode("utf-8", "replace").decode()
    first, second = vault.seal(HERE, clear), vault.seal(HERE, clear)
    assert vault.open(HERE, first) == vault.open(HERE, second) == clear
    assert first != second


@pytest.mark.parametrize(
    "place", [Place("voter", "email", "8"), Place("voter", "phone", "7"), Place("x", "email", "7")]
)
def test_values_cannot_be_swapped(vault: Vault, place: Place) -> None:
    with pytest.raises(VaultError):
        vault.open(place, vault.seal(HERE, PLANTED))


@pytest.mark.parametrize("bad", ["", ".", "1", "1.", "1.AAAA", "2.AAAA", "x.AAAA", "1.ñ", "-1.AAAA", "1.===="])
def test_junk_does_not_open(vault: Vault, bad: str) -> None:
    with pytest.raises(VaultError):
        vault.open(HERE, bad)


def test_every_changed_symbol_is_noticed(vault: Vault) -> None:
    sealed = vault.seal(HERE, "x")
    for position in range(2, len(sealed)):
        # All symbols at the end, where some bits say nothing: no value has two spellings.
        symbols = (
            "AB" if position < len(sealed) - 2 else "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        )
        for other in set(symbols) - {sealed[position]}:
            with pytest.raises(VaultError):
                vault.open(HERE, sealed[:position] + other + sealed[position + 1 :])


def test_index_depends_on_key_kind_and_value(vault: Vault, tmp_path: Path) -> None:
    vaults.create(tmp_path / "other")
    other = vaults.load(tmp_path / "other")
    found = {vault.index("email", "a"), vault.index("email", "b"), vault.index("phone", "a"), other.index("email", "a")}
    assert len(found) == 4
    assert vault.index("email", "a") == vault.index("email", "a")


def test_rotation_keeps_what_was_sealed(vault: Vault, tmp_path: Path) -> None:
    old = vault.seal(HERE, PLANTED)
    assert vaults.rotate(tmp_path / "vault") == 2
    again = vaults.load(tmp_path / "vault")
    new = again.seal(HERE, PLANTED)
    assert (old[:2], new[:2]) == ("1.", "2.")
    assert again.open(HERE, old) == again.open(HERE, new) == PLANTED
    assert again.index("email", "a") == vault.index("email", "a")
    with pytest.raises(VaultError):
        vault.open(HERE, new)
    with pytest.raises(VaultError):
        again.open(HERE, "1." + new[2:])


def test_file_is_private_and_never_replaced(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "vault" / FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with pytest.raises(Refused):
        vaults.create(tmp_path / "vault")
    path.chmod(0o640)
    with pytest.raises(Refused, match="chmod"):
        vaults.load(tmp_path / "vault")


def test_nothing_shows_the_keys(vault: Vault, tmp_path: Path) -> None:
    content = json.loads((tmp_path / "vault" / FILE).read_text())
    assert content["keys"]["1"] not in repr(vault)
    with pytest.raises(TypeError):
        pickle.dumps(vault)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"vault":"x"}', "null", '{"vault":1,"current":1,"keys":1,"index":1}']
)
def test_unreadable_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(Refused):
        vaults.load(tmp_path)


# --- with a database -----------------------------------------------------------------------------------------

METADATA = MetaData()
VAULT = vaults.vault_table(METADATA)
PERSON = Table("person", METADATA, Column("person", Text, primary_key=True), Column("email", Text, nullable=False))


def seal_people(connection: Connection, vault: Vault) -> bool:
    rows = connection.execute(select(PERSON)).all()
    for row in rows:
        sealed = vault.seal(Place("person", "email", row.person), row.email)
        connection.execute(update(PERSON).where(PERSON.c.person == row.person).values(email=sealed))
    return bool(rows)


def test_old_rows_are_sealed_once_and_leave_nothing(database_url: str, tmp_path: Path) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        METADATA.create_all(connection)
        for number in range(100):
            row = {"person": str(number), "email": PLANTED}
            connection.execute(text("INSERT INTO person VALUES (:person, :email)"), row)
    for _ in range(2):
        vault = vaults.bind(engine, VAULT, tmp_path / "vault", seal_people)
        with engine.connect() as connection:
            for row in connection.execute(select(PERSON)):
                assert vault.open(Place("person", "email", row.person), row.email) == PLANTED
    engine.dispose()
    files = list(tmp_path.glob("test.sqlite*"))
    assert files or not database_url.startswith("sqlite")
    for path in files:
        assert PLANTED.encode() not in path.read_bytes()


def test_sealed_database_gets_no_new_key(database_url: str, tmp_path: Path) -> None:
    engine = open_engine(database_url)
    with writing(engine) as connection:
        METADATA.create_all(connection)
    vaults.bind(engine, VAULT, tmp_path / "vault", seal_people)
    (tmp_path / "vault" / FILE).rename(tmp_path / "away")
    with pytest.raises(Refused, match="vault-unusable"):
        vaults.bind(engine, VAULT, tmp_path / "vault", seal_people)
    vaults.create(tmp_path / "vault")
    with pytest.raises(Refused, match="not that of this database"):
        vaults.bind(engine, VAULT, tmp_path / "vault", seal_people)
    engine.dispose()
