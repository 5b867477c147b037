"""What may stand in each field of a person's data, whether it comes with a roll or with an application.

Each function gives None for a value that may stand, else the code of what is wrong with it: a text of the catalogue
under ``roll-<code>``. No code repeats the value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Final, Literal

from registry.places import BIRTH_CODES, COUNTRIES, ENTITY_CODES, HOME

Modality = Literal["internet", "post", "in-person"]
INTERNET: Final[Modality] = "internet"
MODALITIES: Final = ("internet", "post", "in-person")

_FOLIO: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")
_CLAVE: Final = re.compile(r"[A-ZÑ]{6}(\d{2})(\d{2})(\d{2})(\d{2})[HMX]\d{3}", re.ASCII)
_URN: Final = re.compile(r"[a-z0-9-]{1,32}")
_DISTRICT: Final = re.compile(r"[0-9]{1,3}")
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_MAX_NAMES: Final = 160
_MAX_EMAIL: Final = 254
_MAX_LOCAL_PART: Final = 64
_NAME_MARKS: Final = frozenset(" '’.-·")


def _folio(value: str) -> str | None:
    return None if _FOLIO.fullmatch(value) else "folio-form"


def _clave(value: str) -> str | None:
    """Eighteen characters: letters of the names, date and entity of birth, sex, and a number that tells twins apart."""
    found = _CLAVE.fullmatch(value)
    if found is None:
        return "clave-form"
    year, month, day, entity = found.groups()
    try:
        # The century is not written; 1900 and 2000 differ for us in one day only, and 2000 has it.
        date(2000 + int(year), int(month), int(day))
    except ValueError:
        return "clave-date"
    return None if entity in BIRTH_CODES else "clave-entity"


def _names(value: str) -> str | None:
    if not 1 <= len(value) <= _MAX_NAMES:
        return "names-length"
    if value != value.strip() or "  " in value:
        return "names-spaces"
    letters = [character for character in value if character not in _NAME_MARKS]
    if not letters or any(unicodedata.category(character)[0] not in "LM" for character in letters):
        return "names-characters"
    return None


def _country(value: str) -> str | None:
    if value not in COUNTRIES:
        return "country-unknown"
    return "country-home" if value == HOME else None


def _entity(value: str) -> str | None:
    known = value in ENTITY_CODES or (_URN.fullmatch(value) and not value.isdecimal())
    return None if known else "entity-form"


def _district(value: str) -> str | None:
    return None if _DISTRICT.fullmatch(value) and 1 <= int(value) <= 300 else "district-form"


def _email(value: str) -> str | None:
    fits = len(value) <= _MAX_EMAIL and len(value.partition("@")[0]) <= _MAX_LOCAL_PART
    return None if fits and _EMAIL.fullmatch(value) else "email-form"


def _phone(value: str) -> str | None:
    return None if _PHONE.fullmatch(value) else "phone-form"


def _modality(value: str) -> str | None:
    return None if value in MODALITIES else "modality-unknown"


_CIC: Final = re.compile(r"[0-9]{9}")
_MAX_TEXT: Final = 200
_PHONE_SIGNS: Final = str.maketrans("", "", " -.()\u00a0")


def _cic(value: str) -> str | None:
    """The number on the back of the CPVE that tells one issue of the card from another."""
    return None if _CIC.fullmatch(value) else "cic-form"


def plain_text(value: str) -> str | None:
    """A line that people read: not empty, at most 200 characters, none of them a control character."""
    if not 1 <= len(value) <= _MAX_TEXT:
        return "text-length"
    return "control-character" if any(unicodedata.category(sign)[0] in "CZ" and sign != " " for sign in value) else None


CHECKS: Final[dict[str, Callable[[str], str | None]]] = {
    "folio": _folio,
    "clave_de_elector": _clave,
    "names": _names,
    "country": _country,
    "entity": _entity,
    "district": _district,
    "email": _email,
    "phone": _phone,
    "modality": _modality,
    "cic": _cic,
    "city": plain_text,
    "address": plain_text,
}


def normal(name: str, value: str) -> str:
    """A value as it is kept, of what a person typed: NFC, no spaces around, a telephone without its separators, capital
    letters where there are no others."""
    value = unicodedata.normalize("NFC", value).strip()
    match name:
        case "phone":
            return value.translate(_PHONE_SIGNS)
        case "clave_de_elector" | "country":
            return value.upper()
        case "names" | "city" | "address":
            return " ".join(value.split())
    return value


UNIQUE: Final = ("folio", "clave_de_elector", "email", "phone")
"""No two persons have the same of these."""


def key_of(name: str, value: str) -> str:
    """What makes a unique value the same as another: the address of an e-mail in whatever case."""
    return unicodedata.normalize("NFC", value.casefold() if name == "email" else value)
