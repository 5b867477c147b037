"""Settings of the registry."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

from registry.core import ROSTER
from vemre.service.delivery.settings import DeliverySettings

_LISTED: Final = frozenset({"folio", "clave_de_elector", "names", "country", "entity", "district", "modality"})


def _listed(fields: tuple[str, ...]) -> tuple[str, ...]:
    """A list of the roll never holds contact data."""
    if not fields or not set(fields) <= _LISTED or len(set(fields)) != len(fields):
        raise ValueError("not fields of a list")
    return fields


ListedFields = Annotated[tuple[str, ...], AfterValidator(_listed)]


class RegistrySettings(DeliverySettings):
    """What the registry needs beside what every service needs."""

    registration_opens: AwareDatetime | None = None
    registration_closes: AwareDatetime | None = None
    """The window in which applications are taken; without them, until the freeze (REQ-6)."""
    party_fields: ListedFields = ("folio", "names", "country", "entity", "district", "modality")
    """What representatives of parties see of the roll (LGIPE, article 333: no photographs, no contact data)."""
    official_fields: ListedFields = (
        "folio",
        "clave_de_elector",
        "names",
        "country",
        "entity",
        "district",
        "modality",
    )
    """What the officials' lists of the roll hold."""


__all__ = ["ROSTER", "RegistrySettings"]
