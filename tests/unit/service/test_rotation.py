"""A new key for personal data: everything is under it afterwards, and nothing needs the older one."""

import json
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import entering
import pytest
import sqlalchemy
from applying import Applicant
from click.testing import CliRunner
from entering import Person
from served import BallotBoxUnderTest, RegistryUnderTest, roll_file, roll_line, token_of
from simulator import Simulator

from ballot.commands import ballot as ballot_command
from registry.commands import registry as registry_command
from registry.roles import add_holder
from registry.tables import SEALED as REGISTRY_SEALED
from vemre.service import vault as vaults
from vemre.service.vault import FILE
from vemre.storage.engine import open_engine

_SEALED = re.compile(r"([0-9]+)\.[A-Za-z0-9_-]{54,}={0,2}")


def rotate(command: Any, data: Path, url: str, *words: str) -> dict[str, int]:
    config = data.with_suffix(".toml")
    config.write_text(f"database_url = {json.dumps(url)}\n")
    where = ("--data", str(data), "--config", str(config), *words)
    result = CliRunner().invoke(command, ["rotate-vault", *where, "--json"], prog_name="service")
    assert result.exit_code == 0, result.output
    found: dict[str, int] = json.loads(result.stdout.splitlines()[-1])
    return found


def sealed(url: str, outbox: Path) -> Iterator[tuple[str, str]]:
    """Where sealed values are, and the number of the key of each: in every column of every table, and in files."""
    engine = open_engine(url)
    tables = sqlalchemy.MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        for table in tables.sorted_tables:
            for row in connection.execute(sqlalchemy.select(table)):
                for column, value in row._mapping.items():
                    if isinstance(value, str) and (found := _SEALED.fullmatch(value)):
                        yield f"{table.name}.{column}", found[1]
    engine.dispose()
    for path in outbox.rglob("*.json"):
        found = _SEALED.fullmatch(json.loads(path.read_bytes())["sealed"])
        assert found is not None
        yield "outbox", found[1]


def keys(numbers: Iterable[tuple[str, str]]) -> tuple[set[str], set[str]]:
    """The places, and the numbers of the keys."""
    found = list(numbers)
    return {place for place, _ in found}, {key for _, key in found}


def keys_in_file(data: Path) -> set[str]:
    return set(json.loads((data / "vault" / FILE).read_text())["keys"])


def test_of_the_registry(tmp_path: Path, database_url: str) -> None:
    registry = RegistryUnderTest(Simulator().reach("keys"), tmp_path, database_url=database_url)
    with registry.running():
        one = Applicant(registry, 1)
        one.reviewed("observe", {"fields": ["city"], "note": "No es esa."})
        assert registry.import_roll(roll_file(roll_line(1), roll_line(2))).status_code == 200
        registry.official("credentials")
        party = {"Authorization": f"Bearer {add_holder(registry.data, 'party', 'azul').read_text().strip()}"}
        note = {"folio": "F-0001", "text": "Vive en México.", "request": secrets.token_hex(16)}
        number = registry.client.post("/partidos/observaciones", json=note, headers=party).json()["number"]
        registry.official(f"observations/{number}/answer", {"text": "Se revisó."})
        registry.client.post("/personal/entrar", data={"token": (registry.data / "official.token").read_text().strip()})
        before, commitments = one.look(), one.commitments()
        letters = sorted(message.values.items() for message in registry.outbox().waiting())
    outbox = registry.data / "outbox"
    places, numbers = keys(sealed(database_url, outbox))
    assert numbers == {"1"}
    listed = {f"{one.table.name}.{column}" for one in REGISTRY_SEALED for column in one.columns}
    assert places <= listed | {"vault.proof", "outbox"}
    assert {place for place in listed if not place.startswith("page_session")} <= places
    count = len(list(sealed(database_url, outbox)))

    assert rotate(registry_command, registry.data, database_url) == {"key": 2, "resealed": count}
    assert keys(sealed(database_url, outbox)) == (places, {"2"})
    assert keys_in_file(registry.data) == {"2"}
    with registry.running():
        assert one.look() == before
        assert one.commitments() == commitments
        assert sorted(message.values.items() for message in registry.outbox().waiting()) == letters
        assert registry.import_roll(roll_file(roll_line(1))).json() == {"registered": 0, "unchanged": 1}
        # Blind indices are as they were: nobody applies a second time.
        again = registry.client.post("/solicitudes", json={**one.form, "request": secrets.token_hex(16)})
        assert again.json()["code"] == "application-conflict"
        answers = registry.client.get("/official/observations", headers=token_of(registry.data)).json()["observations"]
        assert [(found["text"], found["answer"]) for found in answers] == [("Vive en México.", "Se revisó.")]


def test_of_the_ballot_box(tmp_path: Path, database_url: str) -> None:
    settings = {"database_url": database_url, **entering.posts(tmp_path)}
    box = BallotBoxUnderTest(Simulator().reach("setup"), tmp_path, **settings)
    with box.running():
        box.open()
        assert box.official("access-links").status_code == 200
        person = Person(box, box.sim.voters[0]).enter("totp")
        order = {"user": person.user, "reason": "Perdió su teléfono."}
        assert box.official("recovery", order).status_code == 200
    outbox = box.data / "outbox"
    places, numbers = keys(sealed(database_url, outbox))
    assert numbers == {"1"}
    assert places >= {"account.contact", "account.phone", "access.password", "access.secret", "recovery.reason"}
    assert rotate(ballot_command, box.data, database_url)["key"] == 2
    assert keys(sealed(database_url, outbox)) == (places, {"2"})
    with box.running():
        box.clock.now += 60
        assert person.who(person.session()).status_code == 200
        (waiting,) = box.client.get("/official/recovery", headers=token_of(box.data)).json()["recoveries"]
        assert waiting["reason"] == "Perdió su teléfono."
        other = {"Authorization": f"Bearer {add_holder(box.data, 'official', 'otra').read_text().strip()}"}
        confirm = box.client.post(f"/official/recovery/{waiting['id']}/confirm", json={}, headers=other)
        assert confirm.status_code == 200


@pytest.fixture
def registry(tmp_path: Path) -> RegistryUnderTest:
    """A registry that knows somebody, stopped."""
    registry = RegistryUnderTest(Simulator().reach("keys"), tmp_path)
    with registry.running():
        Applicant(registry, 1)
    return registry


def url_of(registry: RegistryUnderTest) -> str:
    return f"sqlite:///{registry.data / 'service.sqlite3'}"


def test_one_that_broke_off_is_done_again(registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = registry.data / "outbox"
    with monkeypatch.context() as patched:
        patched.setattr("vemre.service.resealing.Outbox.reseal", lambda _: (_ for _ in ()).throw(OSError("power")))
        config = registry.data.with_suffix(".toml")
        config.write_text("")
        words = ["rotate-vault", "--data", str(registry.data), "--config", str(config)]
        assert CliRunner().invoke(registry_command, words, prog_name="registry").exit_code != 0
    assert keys_in_file(registry.data) == {"1", "2"}
    assert keys(sealed(url_of(registry), outbox))[1] == {"1", "2"}
    with registry.running():
        assert registry.letters("application-received")
        Applicant(registry, 2)
    assert rotate(registry_command, registry.data, url_of(registry))["key"] == 3
    assert keys(sealed(url_of(registry), outbox))[1] == {"3"}
    assert keys_in_file(registry.data) == {"3"}


def test_older_keys_stay_where_they_are_wanted(registry: RegistryUnderTest) -> None:
    rotate(registry_command, registry.data, url_of(registry), "--keep-older")
    assert keys_in_file(registry.data) == {"1", "2"}
    assert keys(sealed(url_of(registry), registry.data / "outbox"))[1] == {"2"}


def test_the_older_key_file_opens_nothing_any_more(registry: RegistryUnderTest, tmp_path: Path) -> None:
    path = registry.data / "vault" / FILE
    stolen = path.read_bytes()
    rotate(registry_command, registry.data, url_of(registry))
    thief = tmp_path / "thief"
    thief.mkdir()
    (thief / FILE).write_bytes(stolen)
    (thief / FILE).chmod(0o600)
    older = vaults.load(thief)
    engine = open_engine(url_of(registry))
    with engine.connect() as connection, pytest.raises(vaults.VaultError):
        older.open(vaults.PROOF, connection.execute(sqlalchemy.text("SELECT proof FROM vault")).scalar_one())
    engine.dispose()
    # Nor does the service start with it, as it would after the wrong backup was put back.
    path.write_bytes(stolen)
    with pytest.raises(Exception, match="vault-unusable"), registry.running():
        pass


def test_a_service_that_runs_is_left_alone(registry: RegistryUnderTest) -> None:
    from vemre.service.serve import data_lock

    with data_lock(registry.data):
        result = CliRunner().invoke(registry_command, ["rotate-vault", "--data", str(registry.data)])
    assert result.exit_code != 0
    assert "already-running" in result.output
    assert keys_in_file(registry.data) == {"1"}


def test_a_value_that_no_key_opens_keeps_all_keys(registry: RegistryUnderTest) -> None:
    engine = open_engine(url_of(registry))
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("UPDATE application SET note = data"))
    engine.dispose()
    result = CliRunner().invoke(registry_command, ["rotate-vault", "--data", str(registry.data)])
    assert result.exit_code == 1
    assert "vault-unusable" in result.output
    assert keys_in_file(registry.data) == {"1", "2"}
