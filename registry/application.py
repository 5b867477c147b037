"""What an applicant tells, checked and in its normal form. No database, no clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from registry.core import Voter
from registry.fields import CHECKS, normal
from registry.places import urn_of

FIELDS: Final = (
    "clave_de_elector",
    "cic",
    "names",
    "country",
    "city",
    "address",
    "entity",
    "district",
    "email",
    "phone",
    "modality",
)
"""The fields of an application: what the CPVE says, the residence abroad, how to be reached, how to vote."""
CORRECTABLE: Final = tuple(name for name in FIELDS if name != "modality")
CLEAR: Final = ("country", "entity", "district", "modality")
"""Fields that stand unsealed, since the roll is counted and ordered by them; they name nobody by themselves."""


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with a field: a text of the catalogue under ``roll-<code>``."""

    field: str
    code: str


class FieldsRefused(Exception):
    """Fields cannot stand as they are."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__(f"{len(problems)} fields")
        self.problems = problems


class Data(dict[str, str]):
    """The fields of one application, by name. Its representation shows nothing."""

    def __repr__(self) -> str:
        return "Data(...)"


def read(given: Mapping[str, str], urns: Collection[str] | None) -> Data:
    """An application's fields, in their normal form. `urns` are the election's, or None while it has none.

    Raises FieldsRefused with everything that is wrong.
    """
    data = Data({name: normal(name, given[name]) for name in FIELDS})
    problems = [FieldProblem(name, code) for name in FIELDS if (code := CHECKS[name](data[name]))]
    known = urns is None or urn_of(data["entity"], urns) is not None
    if not known and not any(problem.field == "entity" for problem in problems):
        problems.append(FieldProblem("entity", "entity-unknown"))
    if problems:
        raise FieldsRefused(problems)
    return data


def voter_of(folio: str, data: Mapping[str, Any]) -> Voter:
    """The voter that an accepted application makes."""
    names = [name for name in Voter.__dataclass_fields__ if name != "folio"]
    return Voter(folio=folio, **{name: data[name] for name in names})
