"""The fields of a person's data as forms show them: labels, hints, choices, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from registry.application import FieldProblem
from registry.fields import CHECKS, MODALITIES
from registry.pages.words import Words
from registry.places import ENTITIES

Kind = Literal["text", "email", "tel", "number", "select", "radio", "textarea", "checkboxes", "secret"]


@dataclass(frozen=True)
class Field:
    """One field of a form. `options` are values with their texts; `problem` says what is wrong, or is ""."""

    name: str
    kind: Kind
    label: str
    hint: str = ""
    value: str = ""
    values: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    autocomplete: str = ""
    width: Literal["", "short", "medium"] = ""
    problem: str = ""

    def __repr__(self) -> str:
        return f"Field({self.name})"

    @property
    def anchor(self) -> str:
        """The id of what an entry of the error summary leads to."""
        return f"{self.name}-{self.options[0][0]}" if self.kind in ("radio", "checkboxes") else self.name


GROUPS: Final = (
    ("card", ("clave_de_elector", "cic", "names", "entity", "district")),
    ("residence", ("country", "city", "address")),
    ("contact", ("email", "phone")),
    ("modality", ("modality",)),
)
"""The fields of an application in the order in which they are asked for."""

_KINDS: Final[dict[str, Kind]] = {
    "country": "select",
    "entity": "select",
    "email": "email",
    "phone": "tel",
    "modality": "radio",
    "cic": "number",
    "district": "number",
}
_AUTOCOMPLETE: Final = {
    "names": "name",
    "country": "country",
    "city": "address-level2",
    "address": "street-address",
    "email": "email",
    "phone": "tel",
}
_WIDTHS: Final[dict[str, Literal["short", "medium"]]] = {
    "clave_de_elector": "medium",
    "cic": "medium",
    "district": "short",
    "phone": "medium",
}


def problems_by_field(problems: Sequence[FieldProblem], words: Words) -> dict[str, str]:
    """What is wrong with each field, in words."""
    return {
        problem.field: words(f"error-{problem.code}", field=words(f"field-{problem.field.replace('_', '-')}"))
        for problem in reversed(problems)
    }


def field(name: str, value: str, words: Words, problem: str = "") -> Field:
    """A field of a person's data."""
    slug = name.replace("_", "-")
    options: Sequence[tuple[str, str]] = ()
    if name == "country":
        options = words.countries()
    elif name == "entity":
        options = sorted(ENTITIES.items(), key=lambda item: item[0])
    elif name == "modality":
        options = [(one, words(f"modality-{one}")) for one in MODALITIES]
    return Field(
        name,
        _KINDS.get(name, "text"),
        words(f"field-{slug}"),
        words(f"hint-{slug}"),
        value,
        options=tuple(options),
        autocomplete=_AUTOCOMPLETE.get(name, ""),
        width=_WIDTHS.get(name, ""),
        problem=problem,
    )


def groups(values: Mapping[str, str], problems: Mapping[str, str], words: Words) -> list[tuple[str, list[Field]]]:
    """The whole form of an application, group by group."""
    return [
        (
            words(f"group-{group}"),
            [field(name, values.get(name, ""), words, problems.get(name, "")) for name in names],
        )
        for group, names in GROUPS
    ]


def folio_problem(folio: str) -> str | None:
    """What is wrong with the form of a folio."""
    return CHECKS["folio"](folio)


def shown(data: Mapping[str, str], words: Words) -> list[tuple[str, str, str]]:
    """Name, label and value of each field that a person told, as people read them."""
    return [
        (name, words(f"field-{name.replace('_', '-')}"), words.value(name, data[name]))
        for _, names in GROUPS
        for name in names
        if name in data
    ]
