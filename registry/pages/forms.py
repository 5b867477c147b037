"""Forms as browsers send them, read strictly: nothing unknown, nothing twice, nothing that is not UTF-8."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from vemre.errors import Refused

TOKEN: Final = "token"  # noqa: S105  (the name of a field)
_MAX_FIELDS: Final = 40
_MAX_TEXT: Final = 1_000
_TEXT: Final = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f]+")


class Form:
    """The fields of a form. Its representation shows nothing."""

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    def __repr__(self) -> str:
        return "Form(...)"

    def one(self, name: str) -> str:
        """The value of a field, without spaces around; "" where it is missing, as where nothing was chosen."""
        return self._values.get(name, [""])[0].strip()

    def has(self, name: str) -> bool:
        """Whether a field came at all."""
        return name in self._values

    def many(self, name: str) -> list[str]:
        """The values of a field of which several may be chosen."""
        return self._values.get(name, [])

    def text(self, name: str) -> str:
        """What was written into a field of several lines, with line feeds alone between them."""
        return unicodedata.normalize("NFC", self.one(name).replace("\r\n", "\n").replace("\r", "\n"))

    def only(self, names: Collection[str], many: Collection[str] = ()) -> None:
        """Raises Refused("form-unusable") where there is another field, or one of `names` twice."""
        for name, values in self._values.items():
            if name not in names and name not in many and name != TOKEN:
                raise Refused("form-unusable")
            if len(values) > 1 and name not in many:
                raise Refused("form-unusable")


async def read(request: Request) -> Form:
    """The form that a request brings. Raises Refused("form-unusable"), HTTPException (413, 415)."""
    data = await request.body()
    values: dict[str, list[str]] = {}
    try:
        found = parse_qsl(
            data.decode("ascii"), keep_blank_values=True, strict_parsing=bool(data), encoding="utf-8",
            errors="strict", max_num_fields=_MAX_FIELDS,
        )  # fmt: skip
    except ValueError:
        raise Refused("form-unusable") from None
    for name, value in found:
        values.setdefault(name, []).append(value)
    return Form(values)


def text_problem(text: str) -> str | None:
    """What is wrong with a text that somebody wrote: a text of the catalogue under ``page-error-<code>``."""
    if not text:
        return "text-required"
    if len(text) > _MAX_TEXT:
        return "text-long"
    return None if _TEXT.fullmatch(text) else "text-characters"
