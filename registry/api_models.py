"""Forms that the registry's interfaces share. Bodies are strict: no unknown members, no conversions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse

from registry.application import FieldsRefused
from registry.fields import Modality
from vemre import messages
from vemre.records.fields import format_time
from vemre.service import problems

Folio = Annotated[str, Field(pattern=r"^[A-Z0-9][A-Z0-9-]{0,31}$")]
Identifier = Annotated[str, Field(pattern=r"^[0-9a-f-]{16,64}$")]
Name = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Value = Annotated[str, StringConstraints(max_length=300)]
# Letters, marks, digits, punctuation, spaces, line feeds: nothing that a terminal or a page would act upon.
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]+$")]


class Order(BaseModel):
    """A body that somebody sends."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ApplicationForm(Order):
    """What an applicant tells. `request` is a secret of 128 random bits or more (hexadecimal) that the applicant's
    device makes up: sending the same again gives the same answer."""

    request: Annotated[str, Field(pattern=r"^[0-9a-f]{32,64}$")]
    clave_de_elector: Value
    cic: Value
    names: Value
    country: Value
    city: Value
    address: Value
    entity: Value
    district: Value
    email: Value
    phone: Value
    modality: Value


class Correction(Order):
    """New values of fields that were observed."""

    clave_de_elector: Value | None = None
    cic: Value | None = None
    names: Value | None = None
    country: Value | None = None
    city: Value | None = None
    address: Value | None = None
    entity: Value | None = None
    district: Value | None = None
    email: Value | None = None
    phone: Value | None = None


class ModalityOrder(Order):
    """How to vote."""

    modality: Modality


def time_of(seconds: int) -> str:
    """A time as answers give it."""
    return format_time(seconds)


def fields_refused(request: Request, refused: FieldsRefused) -> JSONResponse:
    """The problem document that lists every refused field, by name and code, without its value."""
    fields: list[dict[str, Any]] = [
        {
            "field": problem.field,
            "rule": problem.code,
            "es": messages.text(f"roll-{problem.code}", "es"),
            "en": messages.text(f"roll-{problem.code}", "en"),
        }
        for problem in refused.problems
    ]
    return problems.respond(
        request, messages.problem("fields-refused", {"count": len(fields)}), extra={"fields": fields}
    )
