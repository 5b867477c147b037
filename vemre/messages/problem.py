"""What a refusal says, in both languages, and the errors that carry what another service said.

Source: RFC 9457 (problem documents); `vemre.service.problems` writes them, `vemre.service.client` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from vemre.errors import VemreError
from vemre.messages.language import Language

TYPE_PREFIX: Final = "urn:vemre:problem:"
_MAX_TEXT: Final = 2_000


@dataclass(frozen=True)
class Wording:
    """One language's words: what is the matter, in a few words and in full, and what to do next."""

    title: str
    detail: str
    next: str

    def plain(self) -> dict[str, str]:
        """As JSON."""
        return {"title": self.title, "detail": self.detail, "next": self.next}


@dataclass(frozen=True)
class Problem:
    """A refusal: its stable code, its HTTP status, and its words."""

    code: str
    status: int
    es: Wording
    en: Wording

    def wording(self, language: Language) -> Wording:
        """The words of one language."""
        return self.en if language == "en" else self.es

    def document(self, language: Language) -> dict[str, Any]:
        """The problem document, led by `language` and holding both."""
        words = self.wording(language)
        return {
            "type": TYPE_PREFIX + self.code,
            "title": words.title,
            "status": self.status,
            "detail": words.detail,
            "code": self.code,
            "next": words.next,
            "es": self.es.plain(),
            "en": self.en.plain(),
        }

    @classmethod
    def parse(cls, document: object) -> Problem | None:
        """A problem document that some server sent, or None for anything else. Texts are cut at 2,000 characters."""
        if not isinstance(document, Mapping):
            return None
        code, status = document.get("code"), document.get("status")
        es, en = _wording(document.get("es")), _wording(document.get("en"))
        if not isinstance(code, str) or type(status) is not int or es is None or en is None:
            return None
        return cls(code[:64], status, es, en)


def _wording(value: object) -> Wording | None:
    if not isinstance(value, Mapping):
        return None
    parts = [value.get(name) for name in ("title", "detail", "next")]
    if not all(isinstance(part, str) for part in parts):
        return None
    title, detail, next_step = (str(part)[:_MAX_TEXT] for part in parts)
    return Wording(title, detail, next_step)


class RemoteProblem(VemreError):
    """A service answered with a problem document. `extra` holds its other members (``check``, ``party`` ...)."""

    def __init__(self, problem: Problem, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(problem, extra)
        self.problem = problem
        self.extra: Mapping[str, Any] = extra or {}

    @property
    def code(self) -> str:
        """The stable code."""
        return self.problem.code

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return self.problem.status

    def __str__(self) -> str:
        return f"{self.code} ({self.status}): {self.problem.en.detail}"


class Unreachable(VemreError):
    """A service did not answer, or answered with something that is no answer of this product.

    `place` is the address without query, user name or password; `reason` is technical English.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(place, reason)
        self.place = place
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class Distrusted(Unreachable):
    """A server whose certificate is not trusted: nothing was sent to it. `doubt` is technical English."""

    def __init__(self, place: str, doubt: str) -> None:
        super().__init__(place, f"certificate not trusted: {doubt}")
