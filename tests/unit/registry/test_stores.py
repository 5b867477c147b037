"""The rows on both databases: one person once, whoever comes together, and values that do not open elsewhere."""

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from applying import Applicant, form
from served import RegistryUnderTest, roll_file, roll_line, token_of
from simulator import Simulator
from sqlalchemy import update

from registry.application import Data, read, voter_of
from registry.applications import Applications
from registry.store import RegistryStore, lock_roll
from registry.tables import COMPONENT, voter
from vemre.errors import Refused
from vemre.service.vault import VaultError
from vemre.storage import schema
from vemre.storage.engine import open_engine, writing


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[RegistryStore]:
    engine = open_engine(database_url)
    schema.upgrade(engine, COMPONENT)
    yield RegistryStore(engine, tmp_path / "vault")
    engine.dispose()


def data_of(number: int, **changes: str) -> Data:
    return read(form(number, **changes), None)


def apply(store: RegistryStore, data: Data) -> int:
    rows = Applications(store.engine, store.vault)
    folio = f"S-{secrets.token_hex(5).upper()}"
    with writing(store.engine) as connection:
        lock_roll(connection)
        name, code = secrets.token_hex(16), secrets.token_bytes(32)
        found = rows.add(connection, name=name, code=code, folio=folio, data=data, now=1)
        store.claims.claim(connection, found.number, {**data, "folio": folio})
        return found.number


def together(acts: list[Callable[[], Any]]) -> list[Any]:
    start = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return act()
        except Refused as refused:
            return refused.code

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.parametrize("unique", ["clave_de_elector", "email", "phone"])
def test_values_are_claimed_once(store: RegistryStore, unique: str) -> None:
    shared = data_of(1)[unique]
    found = together([lambda n=n: apply(store, data_of(n, **{unique: shared})) for n in range(1, 7)])  # type: ignore[misc]
    assert found.count("application-conflict") == 5
    rows = Applications(store.engine, store.vault)
    assert len(rows.in_state(None, 0, 100)) == 1


def test_different_people_together(store: RegistryStore) -> None:
    found = together([lambda n=n: apply(store, data_of(n)) for n in range(1, 7)])  # type: ignore[misc]
    assert sorted(found) == [1, 2, 3, 4, 5, 6]


def test_vote_is_taken_once(store: RegistryStore) -> None:
    with writing(store.engine) as connection:
        ((number, _),) = store.add_voters(connection, [voter_of("F-1", data_of(1))], lambda: secrets.token_hex(16))
    channels = ["post", "in-person"] * 3
    found = together([lambda c=c: store.take_in(number, c, None, 1) for c in channels])  # type: ignore[misc]
    assert found.count("vote-already-taken") == 5
    assert store.taken(number) is not None


def test_values_of_two_voters_cannot_be_swapped(store: RegistryStore) -> None:
    people = [voter_of(f"F-{number}", data_of(number)) for number in (1, 2)]
    with writing(store.engine) as connection:
        store.add_voters(connection, people, lambda: secrets.token_hex(16))
        (first, second) = connection.execute(voter.select().order_by(voter.c.voter)).all()
        connection.execute(update(voter).where(voter.c.voter == 2).values(email="aside"))
        connection.execute(update(voter).where(voter.c.voter == 1).values(email=second.email))
        connection.execute(update(voter).where(voter.c.voter == 2).values(email=first.email))
    with pytest.raises(VaultError), store.engine.connect() as connection:
        list(store.voters(connection))


def test_whole_registry_on_either_database(sim: Simulator, tmp_path: Path, database_url: str) -> None:
    registry = RegistryUnderTest(sim, tmp_path, database_url=database_url)
    with registry.running():
        registry.import_roll(roll_file(roll_line(1), roll_line(2, "17", "post")))
        start = Barrier(4)

        def arrive(number: int) -> Applicant:
            start.wait()
            return Applicant(registry, number)

        with ThreadPoolExecutor(4) as pool:
            people = list(pool.map(arrive, range(1, 5)))
        for one in people:
            assert one.reviewed("accept").status_code == 200
        assert registry.official("credentials").json()["issued"] == 5
        assert registry.official("roll").status_code == 200
        assert len(registry.roster().json()["entries"]) == 5
    with registry.running():
        assert [found["kind"] for found in people[0].commitments()] == ["received", "accepted"]
        assert len(registry.of_the_roll()) == 1


@pytest.mark.parametrize("bad", ["\ud800", "\x00", "a\x00b", "\u202e", "\n", "x" * 301])
def test_strange_texts_are_refused(sim: Simulator, tmp_path: Path, bad: str) -> None:
    with RegistryUnderTest(sim, tmp_path).running() as registry:
        body = json.dumps({**form(1), "names": f"Ana {bad} Luz", "city": f"La {bad} Paz"}).encode()
        answer = registry.client.post("/solicitudes", content=body, headers={"Content-Type": "application/json"})
        # A line feed counts as a space.
        assert answer.status_code == (201 if bad == "\n" else 422), answer.text
        one = Applicant(registry, 2)
        note = json.dumps({"fields": ["city"], "note": f"x{bad}" * 4}).encode()
        answer = registry.client.post(
            f"/official/solicitudes/{one.id}/observe",
            content=note,
            headers={**token_of(registry.data), "Content-Type": "application/json"},
        )
        assert answer.status_code in (200, 422)
