"""Large rolls: the commitments of an import are made and logged many at a time, not one by one."""

from collections import Counter
from typing import Any

import pytest
from served import RegistryUnderTest, roll_file, roll_line, token_of
from sqlalchemy import event

from registry import commitments
from registry.openings import Openings
from vemre.records.setup_bodies import Enrolment


def lines(count: int, first: int = 1) -> list[str]:
    return [roll_line(number) for number in range(first, first + count)]


def statements(registry: RegistryUnderTest, data: bytes) -> Counter[str]:
    """How often an import makes the database work, by the first words of each statement."""
    seen: Counter[str] = Counter()

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen[" ".join(statement.split()[:3])] += 1

    event.listen(registry.station.engine, "before_cursor_execute", note)
    try:
        answer = registry.import_roll(data)
    finally:
        event.remove(registry.station.engine, "before_cursor_execute", note)
    assert answer.status_code == 200, answer.text
    return seen


def test_twice_the_lines_are_not_twice_the_statements(registry: RegistryUnderTest) -> None:
    few = statements(registry, roll_file(*lines(20)))
    more = statements(registry, roll_file(*lines(200, 21)))
    assert few["INSERT INTO commitment"] == more["INSERT INTO commitment"] == 1
    assert sum(more.values()) <= sum(few.values()) + 10


def test_every_commitment_of_an_import_is_logged_at_once(
    registry: RegistryUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitments, "BATCH", 7)
    registry.import_roll(roll_file(*lines(20)))
    assert [record.body.kind for record in registry.entries() if isinstance(record.body, Enrolment)] == [
        "imported"
    ] * 20
    registry.official("modality", {"folio": "F-0003", "modality": "post"})
    registry.import_roll(roll_file(*lines(10, 21)))
    waiting = registry.client.get("/official/enrolment", headers=token_of(registry.data)).json()["commitments"]
    assert waiting == {"imported": 30, "modality": 1}
    store = registry.store()
    rows = commitments.Commitments(store.engine, store.vault, registry.station.identity.election_id, lambda size: b"")
    found = Openings(registry.station, store, rows).of(commitments.voter(3))
    assert [(one.number, one.kind, opening is not None) for one, opening in found] == [
        (0, "imported", True),
        (1, "modality", True),
    ]
