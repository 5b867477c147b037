"""The words of a message: both languages, Spanish first, as plain text and as a page that says the same.

The texts are entries of ``vemre/messages/letters.toml``: ``letter-<template>-subject`` (mail) and
``letter-<template>``. A subject has no parameters, since it shows on a locked telephone and in every list of mails.
A value may be given for each language, as ``<name>_es`` and ``<name>_en``; one that is a time of the protocol (RFC
3339, UTC) is written out. ``{help}`` is the service's own.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from html import escape
from typing import Final

from vemre import messages
from vemre.messages.language import Language
from vemre.service.delivery.message import Channel, Message

TEMPLATES: Final[Mapping[str, Channel]] = {
    "access-link": "mail",
    "recovery": "mail",
    "sms-code": "sms",
    "credential": "mail",
    "received": "mail",
    "application-received": "mail",
    "application-observed": "mail",
    "application-accepted": "mail",
    "application-refused": "mail",
    "application-appealed": "mail",
}
"""Every template and the channel that it is for."""

_LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_PIECE: Final = 24
"""Characters of an address that stay together."""
_CAPITAL: Final = timedelta(hours=-6)
"""Mexico City, all year round since October 2022 (Ley de los Husos Horarios)."""
_SEPARATOR: Final = "-" * 40


@dataclass(frozen=True)
class Letter:
    """A message with its words. `html` says what `text` says; `subject` and `html` are empty for a text message."""

    name: str
    channel: Channel
    to: str
    subject: str
    text: str
    html: str

    def __repr__(self) -> str:
        return "Letter(...)"


def check(message: Message) -> None:
    """Raises ValueError for a template that there is none of for the channel, or that lacks a value."""
    if TEMPLATES.get(message.template) != message.channel:
        raise ValueError(f"no template {message.template} for {message.channel}")
    for language in _LANGUAGES:
        missing = {name for name in _needed(message.template) if _value(message.values, name, language) is None}
        if missing:
            raise ValueError(f"{message.template} lacks {sorted(missing)}")


def render(message: Message, help_contact: str | None = None) -> Letter:
    """The letter. `help_contact` says where there is help, for mails that name it."""
    texts = {language: _text(message, language, help_contact) for language in _LANGUAGES}
    if message.channel == "sms":
        return Letter(message.name, "sms", message.to, "", " / ".join(texts.values()), "")
    subject = " / ".join(messages.text(f"letter-{message.template}-subject", language) for language in _LANGUAGES)
    text = f"\n\n{_SEPARATOR}\n\n".join(texts.values()) + "\n"
    return Letter(message.name, "mail", message.to, subject, text, _page(subject, texts))


def _text(message: Message, language: Language, help_contact: str | None) -> str:
    found = {name: _value(message.values, name, language) or "" for name in _needed(message.template)}
    found["help"] = help_contact or messages.text("letter-help", language)
    parts = [messages.text(f"letter-{message.template}", language, **found)]
    if message.channel == "mail":
        parts.append(messages.text("letter-closing", language, **found))
    return "\n\n".join(part.strip() for part in parts)


@cache
def _needed(template: str) -> frozenset[str]:
    """The values that whoever sends a message has to give."""
    words = messages.find(f"letter-{template}").es.detail
    return frozenset(name for _, name, _, _ in string.Formatter().parse(words) if name is not None) - {"help"}


def _value(values: Mapping[str, str], name: str, language: Language) -> str | None:
    found = values.get(f"{name}_{language}", values.get(name))
    if found is not None and _TIME.fullmatch(found):
        return _time(found, language)
    return found


def _time(value: str, language: Language) -> str:
    time = datetime.fromisoformat(value)
    here = time + _CAPITAL
    month = messages.text("letter-months", language).split()[here.month - 1]
    return messages.text(
        "letter-time",
        language,
        day=here.day,
        month=month,
        year=here.year,
        clock=here.strftime("%H:%M"),
        utc=time.strftime("%Y-%m-%d %H:%M"),
    )


def _page(subject: str, texts: Mapping[Language, str]) -> str:
    """The texts as a page: each marked with its language, so that it is read aloud as what it is. No pictures, styles
    or addresses of others; a link shows the very address that it leads to."""
    parts = [f'<div lang="{language}">\n{_paragraphs(text)}\n</div>' for language, text in texts.items()]
    return (
        f'<!DOCTYPE html>\n<html lang="es">\n<head>\n<meta charset="utf-8">\n<title>{escape(subject)}</title>\n'
        f"</head>\n<body>\n{'<hr>'.join(parts)}\n</body>\n</html>\n"
    )


def _paragraphs(text: str) -> str:
    return "\n".join(_paragraph(part) for part in re.split(r"\n\s*\n", text))


def _paragraph(part: str) -> str:
    lines = [line.strip() for line in part.splitlines()]
    if not part.startswith("    "):
        return f"<p>{'<br>'.join(escape(line) for line in lines)}</p>"
    # What stands by itself is to be copied or compared: an address, a code, a number.
    shown = [_link(line) if line.startswith("https://") else f"<b>{escape(line)}</b>" for line in lines]
    return f"<p>{'<br>'.join(shown)}</p>"


def _link(address: str) -> str:
    """A link that shows where it leads, and may be broken between lines where a telephone is narrower than it."""
    pieces = (address[place : place + _PIECE] for place in range(0, len(address), _PIECE))
    return f'<a href="{escape(address)}">{"<wbr>".join(map(escape, pieces))}</a>'
