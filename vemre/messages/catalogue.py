"""Reads the catalogue: TOML files beside this module, one per domain.

Each table is one message under its stable code (lower case with dashes). A **problem** has a `status` (HTTP) and, per
language, `title`, `detail` and `next`::

    [roll-exists]
    status = 409
    es.title = "La lista nominal ya está publicada"
    es.detail = "..."
    es.next = "..."
    en.title = "..."

A **text** is one sentence per language: ``es = "..."`` and ``en = "..."``. Parameters stand as ``{name}``.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from vemre.checks import Check
from vemre.messages.language import Language
from vemre.messages.problem import Problem, Wording

Params = Mapping[str, str | int]


@dataclass(frozen=True)
class Message:
    """One entry of the catalogue before its parameters are filled in. `status` is None for a plain text, whose
    sentence stands in `detail`."""

    code: str
    status: int | None
    es: Wording
    en: Wording

    def wording(self, language: Language) -> Wording:
        """The words of one language."""
        return self.en if language == "en" else self.es


def problem(code: str, params: Params | None = None) -> Problem:
    """The refusal `code` with its parameters filled in. Raises KeyError for an unknown code or a plain text."""
    message = find(code)
    if message.status is None:
        raise KeyError(code)
    return Problem(code, message.status, _filled(message.es, params or {}), _filled(message.en, params or {}))


def problem_of_check(check: Check) -> Problem:
    """The refusal for a rule of the protocol that does not hold: code ``check-<id in lower case>``, status 422."""
    return problem(f"check-{check.lower()}")


def text(code: str, language: Language, /, **params: str | int) -> str:
    """A plain text, or the detail of a problem. Raises KeyError for an unknown code."""
    return _fill(find(code).wording(language).detail, params)


def find(code: str) -> Message:
    """The entry as it stands. Raises KeyError."""
    return _catalogue()[code]


def codes() -> list[str]:
    """Every code, in the order of the files."""
    return list(_catalogue())


def is_plain(code: str) -> bool:
    """Whether `code` is a plain text rather than a problem. Raises KeyError."""
    return find(code).status is None


class _Params(dict[str, str | int]):
    """A parameter that the caller forgot shows as a dash: a message about an error must not become one."""

    def __missing__(self, key: str) -> str:
        return "—"


def _filled(words: Wording, params: Params) -> Wording:
    return Wording(_fill(words.title, params), _fill(words.detail, params), _fill(words.next, params))


def _fill(template: str, params: Params) -> str:
    return string.Formatter().vformat(template, (), _Params(params))


@cache
def _catalogue() -> dict[str, Message]:
    # Loaded with the first message: a command that succeeds may say none.
    import tomllib
    from importlib import resources

    found: dict[str, Message] = {}
    for file in sorted(resources.files(__package__).iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        for code, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
            # A test finds a code that stands twice; for a reader the first one serves.
            found.setdefault(code, _message(code, table))
    return found


def _message(code: str, table: Mapping[str, object]) -> Message:
    try:
        if "status" not in table:
            _only(table, "es", "en")
            return Message(code, None, *(Wording("", _text(table[lang]), "") for lang in ("es", "en")))
        _only(table, "status", "es", "en")
        status = table["status"]
        if type(status) is not int or not 400 <= status <= 599:
            raise ValueError("no HTTP status of an error")
        return Message(code, status, *(_words(table[lang]) for lang in ("es", "en")))
    except (KeyError, ValueError) as error:
        raise ValueError(f"the catalogue's entry {code} is malformed: {error}") from None


def _words(value: object) -> Wording:
    if not isinstance(value, Mapping):
        raise ValueError("a language without title, detail and next")
    _only(value, "title", "detail", "next")
    return Wording(_text(value["title"]), _text(value["detail"]), _text(value["next"]))


def _only(table: Mapping[str, object], *names: str) -> None:
    if unknown := set(table) - set(names):
        raise ValueError(f"unknown fields {sorted(unknown)}")


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("an empty text")
    return value
