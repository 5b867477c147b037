"""The language of the command line: chosen once at the start, for our texts and for click's own.

Click translates its messages through gettext. `python -m vemre.cli.translations` compiles the ``.po`` file beside
this module to the ``.mo`` file that gettext reads.
"""

from __future__ import annotations

import ast
import gettext
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from vemre import messages
from vemre.messages import LANGUAGES, Language

_LOCALE: Final = Path(__file__).with_name("locale")
_SPANISH: Final = _LOCALE / "es" / "LC_MESSAGES" / "vemre.po"
_DOMAIN: Final = "vemre"
_language: ContextVar[Language] = ContextVar("vemre_language", default="es")


def language() -> Language:
    """The language of this run."""
    return _language.get()


def choose(args: Sequence[str]) -> Language:
    """The language that ``--lang`` among the arguments, or else the terminal, asks for. Takes effect at once."""
    chosen = messages.from_locale(os.environ)
    for place, arg in enumerate(args):
        name, equals, value = arg.partition("=")
        if name == "--lang":
            wish = value if equals else "".join(args[place + 1 : place + 2])
            chosen = next((known for known in LANGUAGES if known == wish), chosen)
            break
    _language.set(chosen)
    # Click asks gettext at each use, and gettext asks the environment.
    os.environ["LANGUAGE"] = chosen
    gettext.bindtextdomain(_DOMAIN, str(_LOCALE))
    gettext.textdomain(_DOMAIN)
    return chosen


def say(code: str, **params: str | int) -> str:
    """A text of the catalogue in the language of this run."""
    return messages.text(code, language(), **params)


def say_if_known(text: str | None) -> str | None:
    """`text` is a code of the catalogue, or already a text."""
    try:
        return say(text) if text else text
    except KeyError:
        return text


def heading(text: str) -> str:
    """One of click's own English words in the language of this run."""
    return gettext.gettext(text)


def compile_po(source: str) -> bytes:
    """The binary catalogue of a ``.po`` text (GNU gettext manual, "The Format of GNU MO Files")."""
    pairs = sorted((key.encode(), value.encode()) for key, value in _read_po(source))
    start = 28 + 16 * len(pairs)
    table: list[bytes] = []
    strings = b""
    for column in (0, 1):
        for pair in pairs:
            table.append(struct.pack("<II", len(pair[column]), start + len(strings)))
            strings += pair[column] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 28 + 16 * len(pairs))
    return header + b"".join(table) + strings


def _read_po(source: str) -> Iterator[tuple[str, str]]:
    for block in source.split("\n\n"):
        fields: dict[str, str] = {}
        for line in block.splitlines():
            if line and not line.startswith("#"):
                name, _, text = line.partition(" ")
                fields[name] = ast.literal_eval(text)
        if "msgid_plural" in fields:
            yield f"{fields['msgid']}\0{fields['msgid_plural']}", f"{fields['msgstr[0]']}\0{fields['msgstr[1]']}"
        elif fields:
            yield fields["msgid"], fields["msgstr"]


def _compile() -> None:
    _SPANISH.with_suffix(".mo").write_bytes(compile_po(_SPANISH.read_text(encoding="utf-8")))


if __name__ == "__main__":
    _compile()
    sys.exit(0)
