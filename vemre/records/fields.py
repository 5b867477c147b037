"""The field types of record bodies, as strict msgspec annotations.

Everything here is about form alone and fails as [CANONICAL]: lower-case hex of its exact length, integers in
[0, 2^53-1], times as RFC 3339 UTC with ``Z`` and whole seconds. Meaning is checked elsewhere (`vemre.election`).
Source: protocol, sections 1 and 3, appendix A.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from vemre.checks import Check
from vemre.errors import CheckFailed
from vemre.params import MAX_JSON_INTEGER

Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""32 bytes: an element, a scalar, a public key or a SHA-256 / SHA3-256 digest."""
Hex64 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{128}\Z")]
"""64 bytes: an Ed25519 signature."""
BoxHex = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{144}\Z")]
"""nonce (24) || MAC (16) || the 32-byte scalar, encrypted."""
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_JSON_INTEGER)]
Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_JSON_INTEGER)]
"""A number that counts from one (attempts, drills)."""
Country = Annotated[str, msgspec.Meta(pattern=r"\A(?:[A-Z]{2}|other)\Z")]
"""ISO 3166-1 alpha-2, or ``other`` for countries with fewer than ten voters."""


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of every record body and of what stands inside one: immutable, no unknown fields."""


class Bilingual(Body, frozen=True):
    """A text in both languages."""

    es: str
    en: str


class Blob(Body, frozen=True):
    """A reference to a content-addressed blob: SHA-256 and size in bytes."""

    sha256: Hex32
    size: Count


class Schnorr(Body, frozen=True):
    """A proof of knowledge: commitment T (element) and response (scalar)."""

    commitment: Hex32
    response: Hex32


class Equality(Body, frozen=True):
    """A proof of equal discrete logarithms: commitments T1, T2 and the response."""

    t1: Hex32
    t2: Hex32
    response: Hex32


TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def parse_time(text: str) -> int:
    """RFC 3339 UTC with ``Z``, whole seconds, as POSIX seconds. Raises CheckFailed(CANONICAL)."""
    # `strptime` alone would take other letter cases and shorter numbers.
    try:
        if not _TIME.fullmatch(text):
            raise ValueError
        return int(datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise CheckFailed(Check.CANONICAL, "not a time of the form 2027-05-18T02:00:00Z") from None


def format_time(seconds: int) -> str:
    """POSIX seconds as RFC 3339 UTC with ``Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime(TIME_FORMAT)
