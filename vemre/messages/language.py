"""Which of the two languages a person reads (Spanish unless English is asked for), and whether it is a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

Language = Literal["es", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")
"""Spanish first: it is also what an unknown wish gets."""

_MAX_HEADER: Final = 256


def from_accept_language(header: str | None) -> Language:
    """The better liked of the two in an ``Accept-Language`` header (RFC 9110, section 12.5.4)."""
    best: Language = "es"
    weight = 0.0
    for tag, liking in _wishes(header):
        language = _known(tag)
        if language and liking > weight:
            best, weight = language, liking
    return best


def prefers_page(header: str | None) -> bool:
    """Whether an ``Accept`` header (RFC 9110, section 12.5.1) names HTML, as browsers do, and likes JSON less."""
    wishes = {kind.lower(): liking for kind, liking in _wishes(header)}
    return wishes.get("text/html", 0.0) > wishes.get("application/json", 0.0)


def from_locale(environment: Mapping[str, str]) -> Language:
    """The language of a terminal, by LC_ALL, LC_MESSAGES or LANG, whichever is set first."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environment.get(name):
            return _known(value) or "es"
    return "es"


def _wishes(header: str | None) -> Iterator[tuple[str, float]]:
    """What a header lists, each with how much it is liked."""
    for item in (header or "")[:_MAX_HEADER].split(","):
        wish, _, parameter = item.partition(";")
        yield wish.strip(), _quality(parameter)


def _known(tag: str) -> Language | None:
    match tag.strip().lower()[:2]:
        case "es":
            return "es"
        case "en":
            return "en"
    return None


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        quality = float(value)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
