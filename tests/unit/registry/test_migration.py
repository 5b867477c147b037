"""Databases that were made before personal data was sealed: the same voters after the upgrade, and nothing in clear."""

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from served import RegistryUnderTest, roll_file, roll_line
from simulator import Simulator
from sqlalchemy import Engine, text

from ballot.store import BallotStore
from ballot.tables import COMPONENT as BALLOT
from registry.tables import COMPONENT as REGISTRY
from vemre.storage import schema
from vemre.storage.engine import open_engine, writing
from vemre.storage.schema import Component

PLANTED = "persona1@example.org"


def upgrade_to(engine: Engine, component: Component, revision: str) -> None:
    """As the version that knew this revision left the database."""
    config = Config()
    config.set_main_option("script_location", str(component.migrations))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)

    def revisions(current: Any, _context: Any) -> Any:
        return script._upgrade_revs(revision, current)

    with writing(engine) as connection, EnvironmentContext(config, script, fn=revisions) as environment:
        environment.configure(connection=connection, version_table=f"alembic_{component.name}")
        environment.run_migrations()


def files_hold(folder: Path, word: str) -> bool:
    return any(word.encode() in path.read_bytes() for path in folder.rglob("*.sqlite*") if path.is_file())


def test_registry_of_an_older_version(sim: Simulator, tmp_path: Path, database_url: str) -> None:
    registry = RegistryUnderTest(sim, tmp_path, database_url=database_url)
    engine = open_engine(database_url)
    upgrade_to(engine, REGISTRY, "0001")
    row = {
        "folio": "F-0001",
        "clave": "XXXXXX80022909M001",
        "names": "Persona Inventada",
        "country": "US",
        "entity": "09",
        "district": "7",
        "email": "Persona1@example.org",
        "key": PLANTED,
        "phone": "+13125550001",
        "modality": "internet",
    }
    columns = "folio, clave_de_elector, names, country, entity, district, email, email_key, phone, modality"
    with writing(engine) as connection:
        values = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO voter (voter, {columns}) VALUES (1, {values})"), row)
        connection.execute(text("INSERT INTO pseudonym VALUES (1, '00000000000000000000000000000001')"))
        connection.execute(text("INSERT INTO access (time, request, act, voters) VALUES (1, 'x', 'import', 1)"))
    engine.dispose()
    again = roll_file(roll_line(1, email="Persona1@example.org"))
    for _ in range(2):
        with registry.running():
            assert registry.import_roll(again).json() == {"registered": 0, "unchanged": 1}
            assert registry.store().by_folio("F-0001") is not None
            taken = registry.import_roll(roll_file(roll_line(2, email="PERSONA1@example.org"))).json()
            assert taken["lines"][0]["code"] == "registered"
        for word in (PLANTED, "Persona1", "Inventada", "XXXXXX", "+1312555", "F-0001"):
            assert not files_hold(tmp_path, word), word


def test_ballot_box_of_an_older_version(tmp_path: Path, database_url: str) -> None:
    engine = open_engine(database_url)
    schema.upgrade(engine)
    upgrade_to(engine, BALLOT, "0001")
    with writing(engine) as connection:
        row = {"pseudonym": "01" * 16, "urn": "urna-09", "contact": PLANTED, "credential": bytes(32)}
        connection.execute(text("INSERT INTO account VALUES (:pseudonym, :urn, :contact, :credential)"), row)
    schema.upgrade(engine, BALLOT)
    for _ in range(2):
        store = BallotStore(engine, tmp_path / "vault")
        found = store.account("01" * 16)
        assert found is not None
        assert (found.contact, found.phone, found.credential) == (PLANTED, "", bytes(32))
    engine.dispose()
    assert not files_hold(tmp_path, PLANTED)
