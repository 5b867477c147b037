"""Every test that takes `group` runs on every back end; the golden record is read as plain JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from forge import read_entries

from vemre.group import Backend, Group, backends, load

GOLDEN = Path(__file__).parents[2] / "vectors" / "golden" / "record"


@pytest.fixture(scope="session", params=backends())
def group(request: pytest.FixtureRequest) -> Group:
    return load(cast(Backend, request.param))


@dataclass(frozen=True)
class Golden:
    """The entries of the golden record by type, in log order, each the parsed JSON of a whole record."""

    entries: dict[str, list[dict[str, Any]]]

    def one(self, type_: str) -> dict[str, Any]:
        (entry,) = self.entries[type_]
        return cast(dict[str, Any], entry["body"])

    def blob(self, reference: dict[str, Any]) -> bytes:
        return (GOLDEN / "blob" / reference["sha256"]).read_bytes()


@pytest.fixture(scope="session")
def golden() -> Golden:
    entries: dict[str, list[dict[str, Any]]] = {}
    for log in ("registry", "ballot", "tally"):
        for data in read_entries(GOLDEN / log):
            entry = json.loads(data)
            entries.setdefault(entry["type"], []).append(entry)
    return Golden(entries)
