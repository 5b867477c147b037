"""What stands on the pages, in one language: texts of the catalogue, names of places, dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Final

from babel import Locale
from babel.dates import format_datetime

from registry.nominal import alphabetical
from registry.places import COUNTRIES, ENTITIES, HOME
from vemre import messages
from vemre.messages import Language

_LOCALES: Final[dict[Language, str]] = {"es": "es_MX", "en": "en_US"}
_FORMATS: Final[dict[Language, str]] = {"es": "d 'de' MMMM 'de' y, HH:mm", "en": "MMMM d, y, HH:mm"}
_SHORT: Final[dict[Language, str]] = {"es": "d MMM y, HH:mm", "en": "MMM d, y, HH:mm"}
# Central Mexico has kept one time the whole year since October 2022.
_CENTRAL_MEXICO: Final = timezone(timedelta(hours=-6))


class Words:
    """The texts of the pages in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, code: str, **params: str | int) -> str:
        """The text ``page-<code>``. Raises KeyError."""
        return messages.text(f"page-{code}", self.language, **params)

    def reason(self, code: str) -> str:
        """Why an application was refused."""
        return messages.text(f"refusal-{code}", self.language)

    def country(self, code: str) -> str:
        """The name of a country."""
        return _territories(self.language).get(code, code)

    def countries(self) -> list[tuple[str, str]]:
        """Codes and names of the countries where somebody may live to be on the roll, in the order of the names."""
        return _countries(self.language)

    def entity(self, code: str) -> str:
        """The name of a federal entity; another urn's by its id."""
        return ENTITIES.get(code, code)

    def value(self, field: str, value: str) -> str:
        """The value of a field of a person, as people say it."""
        match field:
            case "country":
                return self.country(value)
            case "entity":
                return self.entity(value)
            case "modality":
                return self(f"modality-{value}")
        return value

    def part(self, column: str, value: str) -> str:
        """A part of the roll: a country, an entity, a district with its number."""
        return self("district", number=value) if column == "district" else self.value(column, value)

    def holder(self, who: str) -> str:
        """Whose token it was, without the role."""
        return who.partition("/")[2] or who

    def who(self, who: str) -> str:
        """Who it was, with the role."""
        role, _, name = who.partition("/")
        if name:
            return self(f"who-{role}", name=name)
        return self("who-first") if role == "official" else role

    def subject(self, subject: str) -> str:
        """Whose data was used."""
        kind, _, number = subject.partition("/")
        return self(f"subject-{kind}", number=number) if number else self("accesses-many")

    def letter(self, template: str) -> str:
        """What a letter is about; one that has no text by its template."""
        try:
            return self(f"letter-{template}")
        except KeyError:
            return template

    def act(self, code: str) -> str:
        """What personal data was used for; an act that has no text by its code."""
        try:
            return self(f"access-{code}")
        except KeyError:
            return code

    def time(self, seconds: int) -> str:
        """A time (POSIX seconds) as it is in central Mexico."""
        found = datetime.fromtimestamp(seconds, UTC).astimezone(_CENTRAL_MEXICO)
        shown = format_datetime(found, _FORMATS[self.language], locale=_LOCALES[self.language])
        return self("time", time=shown)

    def short(self, seconds: int) -> str:
        """The same where there is little room; the page says which time it is."""
        found = datetime.fromtimestamp(seconds, UTC).astimezone(_CENTRAL_MEXICO)
        return format_datetime(found, _SHORT[self.language], locale=_LOCALES[self.language])

    def iso(self, seconds: int) -> str:
        """The same for machines."""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _territories(language: Language) -> dict[str, str]:
    found = Locale.parse(_LOCALES[language]).territories
    return {code: found[code] for code in COUNTRIES}


@cache
def _countries(language: Language) -> list[tuple[str, str]]:
    found = [(code, name) for code, name in _territories(language).items() if code != HOME]
    return sorted(found, key=lambda item: alphabetical(item[1]))
